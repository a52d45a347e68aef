/// The score of a caption's word that a map explains.
public enum WordScore: String, Codable, CaseIterable, Sendable {
    /// log p of the word given the words before it. It also grows when other words' scores fall.
    case logProbability = "log-probability"
    /// The word's own score before the softmax.
    case logit
    /// The visual term's part of that score, with attention and gate held constant: the part that comes from the image
    /// at this step, without what the LSTM's state carries of the image.
    case visual
}

/// The default options of a model's maps, under `maps` in its `config.json`. The user's options override them.
public struct MapConfiguration: Codable, Equatable, Sendable {
    /// The side, in cells, of the squares over which the drawn map is averaged; odd. 1 draws the raw map.
    public var smoothing: Int
    /// The name of a method; nil for Grad-CAM.
    public var method: String?
    /// For captioners, the score of a word that is explained; nil for its log-probability.
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

    /// Whether ``smoothing`` may have this value: odd, in 1...99.
    public static func isSide(_ side: Int) -> Bool { (1...99).contains(side) && side % 2 == 1 }

    var problem: String? {
        Self.isSide(smoothing) ? nil : "maps.smoothing is \(smoothing), not an odd number in 1...99"
    }
}
