import Foundation
import Support

/// The figures of an evaluation: of all targets, and by kind.
public struct MapScores: Codable, Equatable, Sendable {
    /// One method's figures in a group.
    public struct Method: Codable, Equatable, Sendable {
        /// Maps measured: fewer than the group's targets where the method has none for some.
        public var maps: Int
        /// By ``MapMetric/name``, and `discrimination`.
        public var figures: [String: Estimate]
        /// Pointing less the image's centre's, and less the word-blind map's, on this method's targets.
        public var pointingOver: [String: Estimate]
    }

    public struct Group: Codable, Equatable, Sendable {
        public var targets: Int
        public var images: Int
        public var methods: [String: Method]

        private enum CodingKeys: String, CodingKey {
            case targets, methods
            case images = "pictures"
        }
    }

    public var all: Group
    /// Empty where the source names no kinds.
    public var kinds: [String: Group]
    /// In the table's order.
    public var methods: [String]
    public var resamples: Int
    public var seed: UInt64
    /// What becomes of the maps when the model's parameters are randomised; nil where it was not asked for.
    public var randomisation: [RandomisedMaps]?

    init(_ targets: [TargetFigures], methods: [String], bootstrap: Bootstrap) {
        self.methods = methods
        resamples = bootstrap.resamples
        seed = bootstrap.seed
        all = Self.group(targets, bootstrap)
        kinds = Dictionary(grouping: targets.filter { !$0.kind.isEmpty }, by: \.kind).mapValues {
            Self.group($0, bootstrap)
        }
    }

    /// References that pointing is held against.
    static let rivals = ["centre", "word-blind"]

    private static func group(_ targets: [TargetFigures], _ bootstrap: Bootstrap) -> Group {
        // Images in their order, so that a draw does not depend on a hash table.
        let images = Set(targets.map(\.image)).sorted()
        let place = Dictionary(uniqueKeysWithValues: images.enumerated().map { ($1, $0) })
        let figures = MapColumn.all.map(\.name)
        let pointing = MapMetric.pointing.name
        var columns: [String: [[Ratio]]] = [:]
        var counts: [String: Int] = [:]
        let empty = [Ratio](repeating: Ratio(0, over: 0), count: images.count)
        for target in targets {
            guard let image = place[target.image] else { continue }
            let rivals = Self.rivals.map { rival in target.figures.first { $0.method == rival }?.terms[pointing] }
            for one in target.figures {
                counts[one.method, default: 0] += 1
                let over = rivals.map { rival -> Ratio? in
                    guard let rival, let own = one.terms[pointing] else { return nil }
                    return Ratio(own.value - rival.value, over: own.weight)
                }
                var sums =
                    columns.removeValue(forKey: one.method)
                    ?? [[Ratio]](repeating: empty, count: figures.count + Self.rivals.count)
                for (index, term) in (figures.map { one.terms[$0] } + over).enumerated() {
                    if let term { sums[index][image] = sums[index][image] + term }
                }
                columns[one.method] = sums
            }
        }
        let names = columns.keys.sorted()
        let width = figures.count + Self.rivals.count
        let estimates = bootstrap.estimates(names.flatMap { columns[$0] ?? [] })
        var methods: [String: Method] = [:]
        for (n, name) in names.enumerated() {
            let own = Array(estimates[n * width..<(n + 1) * width])
            func named(_ names: [String], from: Int) -> [String: Estimate] {
                var found: [String: Estimate] = [:]
                for (i, name) in names.enumerated() { found[name] = own[from + i] }
                return found
            }
            methods[name] = Method(
                maps: counts[name] ?? 0, figures: named(figures, from: 0),
                pointingOver: named(Self.rivals, from: figures.count))
        }
        return Group(targets: targets.count, images: images.count, methods: methods)
    }

    /// One JSON object in one line, keys sorted.
    public func json() throws -> String {
        try JSON.line(self)
    }
}
