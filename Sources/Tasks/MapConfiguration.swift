/// How a model's maps are best drawn, as its `config.json` says under `maps`; what the user asks for comes first.
public struct MapConfiguration: Codable, Equatable, Sendable {
    /// The drawn map is the mean over squares of so many cells a side, odd; 1 draws the raw map.
    public var smoothing: Int

    public init(smoothing: Int) { self.smoothing = smoothing }

    /// Sides that mean something: odd, and no wider than maps are.
    public static func isSide(_ side: Int) -> Bool { (1...99).contains(side) && side % 2 == 1 }

    var problem: String? {
        Self.isSide(smoothing) ? nil : "maps.smoothing is \(smoothing), not an odd number in 1...99"
    }
}
