/// What one map adds to a figure. A figure is the sum of the maps' values divided by the sum of their weights.
///
/// The weight is 1 for a mean over maps. Other weights give a quotient of sums, for metrics whose quotient for a single
/// map would be unstable.
public struct Ratio: Equatable, Sendable, Codable {
    /// What the map adds to the numerator.
    public var value: Double
    /// What the map adds to the denominator.
    public var weight: Double

    /// - Parameters:
    ///   - value: added to the numerator.
    ///   - weight: added to the denominator.
    public init(_ value: Double, over weight: Double = 1) {
        self.value = value
        self.weight = weight
    }

    /// Reads `[value, weight]`.
    public init(from decoder: any Decoder) throws {
        var parts = try decoder.unkeyedContainer()
        value = try parts.decode(Double.self)
        weight = try parts.decode(Double.self)
    }

    /// Writes `[value, weight]`.
    public func encode(to encoder: any Swift.Encoder) throws {
        var parts = encoder.unkeyedContainer()
        try parts.encode(value)
        try parts.encode(weight)
    }

    static func + (a: Ratio, b: Ratio) -> Ratio { Ratio(a.value + b.value, over: a.weight + b.weight) }
}

/// A figure, as a column of one of the tables.
struct MapColumn {
    /// The table of a column.
    enum Table: CaseIterable {
        /// Comparisons with the regions of the targets.
        case localisation
        /// Comparisons of the maps of one word's occurrences.
        case sameWord
        /// Comparisons of the maps of one caption's persons.
        case rightPerson
        /// Figures of a map alone.
        case shape
        /// Comparisons with the model's confidence for changed images.
        case faithfulness
        /// Comparisons with other maps of the same image.
        case sanity
    }

    /// The key in JSON.
    var name: String
    /// The heading of the column.
    var title: String
    /// Whether the figure is a share in 0...1, which is printed in per cent.
    var isShare: Bool
    var table = Table.localisation
    /// The digits after the point of a figure that is no share.
    var decimals = 2

    /// The columns of all metrics, and of the figures that compare maps with each other or with the model.
    static let all =
        MapMetric.all.map { MapColumn(name: $0.name, title: $0.title, isShare: $0.isShare, table: $0.table) }
        + [Discrimination.column, SameWord.column, RightPerson.column] + Faithfulness.columns
        + [WordCorrelation.column, AnswerCorrelation.column, Stability.sensitivity, Stability.lipschitz]
}

/// A metric that compares a map with the region that it should show. A new metric is a file and an entry in ``all``.
public struct MapMetric: Sendable {
    /// The key in JSON.
    public let name: String
    /// The heading of the column.
    public let title: String
    /// Whether the figure is a share in 0...1, which is printed in per cent.
    public let isShare: Bool
    var table = MapColumn.Table.localisation
    /// The metric of a map. It is nil if the metric does not apply to the region.
    public let measure: @Sendable (MapInRegion) -> Ratio?
    /// The expected metric of a random map. It is nil if there is no such number.
    public let chance: @Sendable (_ region: Region) -> Ratio?

    /// All metrics, in the order of the table's columns.
    public static let all: [MapMetric] = [
        .pointing, .energyInside, .rankAccuracy, .insideOverOutside, .boxIoU, .boxAccuracy, .sparseness, .complexity,
    ]
}
