import Foundation
import Support

/// The figures of an evaluation, of all targets and of each kind.
public struct MapScores: Codable, Equatable, Sendable {
    /// The figures of a method or a reference in a group of targets.
    public struct Method: Codable, Equatable, Sendable {
        /// The number of measured maps. It is smaller than the number of targets if some have no map of the method.
        public var maps: Int
        /// By the column's name: ``MapMetric/name``, `discrimination`, and the figures of faithfulness and sanity.
        public var figures: [String: Estimate]
        /// The method's pointing minus that of a reference on the same targets, by the reference's name: `centre` and
        /// `word-blind`.
        public var pointingOver: [String: Estimate]
    }

    /// The figures of a group of targets.
    public struct Group: Codable, Equatable, Sendable {
        /// The number of targets.
        public var targets: Int
        /// The number of their images. Its key in JSON is `pictures`.
        public var images: Int
        /// By the name of the method or the reference.
        public var methods: [String: Method]

        private enum CodingKeys: String, CodingKey {
            case targets, methods
            case images = "pictures"
        }
    }

    /// Of all targets.
    public var all: Group
    /// Of the difficult targets (``DifficultTargets``). It is nil if there are none.
    public var difficult: Group?
    /// Of the targets whose word has another occurrence in the caption (``SameWord``). It is nil if there are none.
    public var sameWord: Group?
    /// Of the persons beside whom the caption has another one (``RightPerson``). It is nil if there are none.
    public var rightPerson: Group?
    /// Of the captions that the model writes. It is nil if they were not measured.
    public var grounding: GroundingScores?
    /// By kind. It is empty if the targets have no kinds.
    public var kinds: [String: Group]
    /// The methods and references, in the order of the table.
    public var methods: [String]
    /// The number of samples of the bootstrap.
    public var resamples: Int
    /// The seed of the bootstrap.
    public var seed: UInt64
    /// Pointing by the targets' evidence. It is nil if the model has no calibration.
    public var evidence: EvidenceScores?
    /// The similarity of maps while the model's layers are randomised. It is nil if it was not measured.
    public var randomisation: [RandomisedMaps]?

    init(_ targets: [TargetFigures], methods: [String], bootstrap: Bootstrap) {
        self.methods = methods
        resamples = bootstrap.resamples
        seed = bootstrap.seed
        all = Self.group(targets, bootstrap)
        func part(_ isIn: (TargetFigures) -> Bool) -> Group? {
            let found = targets.filter(isIn)
            return found.isEmpty ? nil : Self.group(found, bootstrap)
        }
        difficult = part { $0.fields[DifficultTargets.field] != nil }
        grounding = GroundingScores(targets, bootstrap: bootstrap)
        rightPerson = part { $0.figures.contains { $0.terms[RightPerson.column.name] != nil } }
        sameWord = part { $0.figures.contains { $0.terms[SameWord.column.name] != nil } }
        evidence = EvidenceScores(targets, bootstrap: bootstrap)
        kinds = Dictionary(grouping: targets.filter { !$0.kind.isEmpty }, by: \.kind).mapValues {
            Self.group($0, bootstrap)
        }
    }

    /// The references that pointing is compared with.
    static let rivals = ["centre", "word-blind"]

    private static func group(_ targets: [TargetFigures], _ bootstrap: Bootstrap) -> Group {
        // Images are in rising order, so that samples do not depend on the order of a set.
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

    /// The scores as one line of JSON with sorted keys.
    /// - Throws: `EncodingError` for a number that is not finite.
    public func json() throws -> String {
        try JSON.line(self)
    }
}
