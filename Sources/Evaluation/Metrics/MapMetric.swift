/// What one map adds to a figure: figures are sums over maps of `value`, divided by sums of `weight`.
///
/// For a mean the weight is 1; where a map's own quotient would be unstable (a small mean outside), the sums are
/// divided, not the quotients averaged.
public struct Ratio: Equatable, Sendable, Codable {
    public var value: Double
    public var weight: Double

    public init(_ value: Double, over weight: Double = 1) {
        self.value = value
        self.weight = weight
    }

    /// In records `[value, weight]`.
    public init(from decoder: any Decoder) throws {
        var parts = try decoder.unkeyedContainer()
        value = try parts.decode(Double.self)
        weight = try parts.decode(Double.self)
    }

    public func encode(to encoder: any Swift.Encoder) throws {
        var parts = encoder.unkeyedContainer()
        try parts.encode(value)
        try parts.encode(weight)
    }

    static func + (a: Ratio, b: Ratio) -> Ratio { Ratio(a.value + b.value, over: a.weight + b.weight) }
}

/// A figure, as a column of one of the tables.
struct MapColumn {
    /// What the columns of one table have in common.
    enum Table: CaseIterable {
        /// Held against the regions of what was asked for.
        case localisation
        /// Held against the model's answers to changed images.
        case faithfulness
        /// Held against the other maps of the same image.
        case sanity
    }

    /// Key in JSON.
    var name: String
    var title: String
    /// A share between 0 and 1, printed in per cent.
    var isShare: Bool
    var table = Table.localisation

    /// Every metric's, and what is said of maps together.
    static let all =
        MapMetric.all.map { MapColumn(name: $0.name, title: $0.title, isShare: $0.isShare) }
        + [Discrimination.column] + Faithfulness.columns + [WordCorrelation.column]
}

/// One way to hold a map against the region that it should show. Adding one is one small file and its place in ``all``.
public struct MapMetric: Sendable {
    /// Key in JSON.
    public let name: String
    /// Head of its column.
    public let title: String
    /// A share between 0 and 1, printed in per cent.
    public let isShare: Bool
    /// nil where nothing can be said.
    public let measure: @Sendable (MapInRegion) -> Ratio?
    /// What a map that knows nothing gets; nil where there is no such number.
    public let chance: @Sendable (_ region: Region) -> Ratio?

    /// In the order of the table's columns.
    public static let all: [MapMetric] = [.pointing, .energyInside, .rankAccuracy, .insideOverOutside, .boxIoU]
}
