/// Which number of a caption's word a map explains.
public enum WordScore: String, Codable, CaseIterable, Sendable {
    /// log p of the word given those before it: grows also as the other words' scores fall.
    case logProbability = "log-probability"
    /// The word's own score before the softmax.
    case logit
    /// What the decoder's visual term adds to that score, where it looks and its gate as they are: the part of the score
    /// that the picture speaks for at this step, without what the words before carry of it.
    case visual
}

/// How a model's maps are best made and drawn, as its `config.json` says under `maps`; what the user asks for comes
/// first.
public struct MapConfiguration: Codable, Equatable, Sendable {
    /// The drawn map is the mean over squares of so many cells a side, odd; 1, or nothing, draws the raw map.
    public var smoothing: Int
    /// The name of a method; without one, Grad-CAM.
    public var method: String?
    /// Of captioners: what is explained of a word; without it, its log-probability.
    public var score: WordScore?

    public init(smoothing: Int = 1, method: String? = nil, score: WordScore? = nil) {
        self.smoothing = smoothing
        self.method = method
        self.score = score
    }

    private enum CodingKeys: CodingKey { case smoothing, method, score }

    public init(from decoder: Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        smoothing = try values.decodeIfPresent(Int.self, forKey: .smoothing) ?? 1
        method = try values.decodeIfPresent(String.self, forKey: .method)
        score = try values.decodeIfPresent(WordScore.self, forKey: .score)
    }

    /// Sides that mean something: odd, and no wider than maps are.
    public static func isSide(_ side: Int) -> Bool { (1...99).contains(side) && side % 2 == 1 }

    var problem: String? {
        Self.isSide(smoothing) ? nil : "maps.smoothing is \(smoothing), not an odd number in 1...99"
    }
}
