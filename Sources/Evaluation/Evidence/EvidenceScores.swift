import Foundation

/// The evidence of targets (`Evidence.evidence`) beside their maps' pointing.
public struct EvidenceScores: Codable, Equatable, Sendable {
    /// The targets whose evidence is in a range.
    public struct Range: Codable, Equatable, Sendable {
        /// "below 0", "0 to 1", "1 to 3", "3 and more"; in nats.
        public var name: String
        /// The number of targets.
        public var targets: Int
        /// Pointing (``MapMetric/pointing``) of each method and reference; those without a map are missing.
        public var pointing: [String: Estimate]
    }

    /// The words of phrases with boxes beside the function words of the same captions.
    public struct Captions: Codable, Equatable, Sendable {
        /// The number of captions that have both.
        public var captions: Int
        /// The mean over the captions of the mean evidence of their words with boxes, in nats.
        public var words: Double
        /// The same of their function words.
        public var functionWords: Double
        /// The captions in which the words with boxes have more, as a part of all.
        public var above: Estimate?
    }

    /// From the least evidence on. Ranges without targets are left out.
    public var ranges: [Range]
    /// The mean evidence of the targets, in nats.
    public var mean: Double
    /// Of the data set's captions; nil for questions.
    public var references: Captions?
    /// Of the captions that the model writes itself, whose words with boxes are the head words of the image's phrases;
    /// nil for questions.
    public var own: Captions?

    private static let limits: [(name: String, range: Swift.Range<Double>)] = [
        ("below 0", -.infinity..<0), ("0 to 1", 0..<1), ("1 to 3", 1..<3), ("3 and more", 3..<Double.infinity),
    ]

    /// Of targets whose fields have `evidence`; nil where none has.
    init?(_ targets: [TargetFigures], bootstrap: Bootstrap) {
        let known = targets.compactMap { target in target.fields["evidence"]?.real.map { (target, $0) } }
        guard !known.isEmpty else { return nil }
        mean = known.reduce(0) { $0 + $1.1 } / Double(known.count)
        ranges = Self.limits.compactMap { name, range in
            let inside = known.filter { range.contains($0.1) }.map(\.0)
            return inside.isEmpty
                ? nil : Range(name: name, targets: inside.count, pointing: Self.pointing(inside, bootstrap))
        }
        let byCaption = Dictionary(grouping: known.filter { $0.0.fields["functionEvidence"] != nil }) { target, _ in
            Place(image: target.image, row: target.fields["captionRow"]?.real ?? 0)
        }
        references = Self.captions(
            byCaption.sorted { $0.key < $1.key }.compactMap { place, targets in
                targets[0].0.fields["functionEvidence"]?.real.map { functionWords in
                    (place.image, targets.reduce(0) { $0 + $1.1 } / Double(targets.count), functionWords)
                }
            }, bootstrap)
        own = Self.captions(
            targets.compactMap { target in
                guard let words = target.fields["ownEvidence"]?.real,
                    let functionWords = target.fields["ownFunctionEvidence"]?.real
                else { return nil }
                return (target.image, words, functionWords)
            }, bootstrap)
    }

    private struct Place: Hashable, Comparable {
        var image: Int
        var row: Double

        static func < (a: Place, b: Place) -> Bool { (a.image, a.row) < (b.image, b.row) }
    }

    private static func captions(
        _ all: [(image: Int, words: Double, functionWords: Double)], _ bootstrap: Bootstrap
    ) -> Captions? {
        if all.isEmpty { return nil }
        let images = Set(all.map(\.image)).sorted()
        let place = Dictionary(uniqueKeysWithValues: images.enumerated().map { ($1, $0) })
        var above = [Ratio](repeating: Ratio(0, over: 0), count: images.count)
        for one in all {
            guard let index = place[one.image] else { continue }
            above[index] = above[index] + Ratio(one.words > one.functionWords ? 1 : 0)
        }
        return Captions(
            captions: all.count, words: all.reduce(0) { $0 + $1.words } / Double(all.count),
            functionWords: all.reduce(0) { $0 + $1.functionWords } / Double(all.count),
            above: bootstrap.estimates([above])[0])
    }

    private static func pointing(_ targets: [TargetFigures], _ bootstrap: Bootstrap) -> [String: Estimate] {
        let images = Set(targets.map(\.image)).sorted()
        let place = Dictionary(uniqueKeysWithValues: images.enumerated().map { ($1, $0) })
        var columns: [String: [Ratio]] = [:]
        for target in targets {
            guard let image = place[target.image] else { continue }
            for one in target.figures {
                guard let hit = one.terms[MapMetric.pointing.name] else { continue }
                columns[one.method, default: [Ratio](repeating: Ratio(0, over: 0), count: images.count)][image] =
                    (columns[one.method]?[image] ?? Ratio(0, over: 0)) + hit
            }
        }
        let names = columns.keys.sorted()
        let estimates = bootstrap.estimates(names.map { columns[$0] ?? [] })
        return Dictionary(
            uniqueKeysWithValues: zip(names, estimates).compactMap { name, estimate in estimate.map { (name, $0) } })
    }
}

extension EvidenceScores {
    /// The table: pointing of each method by the targets' evidence, and how the words of phrases compare with function
    /// words.
    /// - Parameter methods: the methods and references, in the order of the table.
    func table(methods: [String]) -> String {
        var rows = [["evidence (nats)"] + ranges.map { "\($0.name) (\($0.targets))" }]
        for method in methods where ranges.contains(where: { $0.pointing[method] != nil }) {
            rows.append([method] + ranges.map { MapScores.text($0.pointing[method], isShare: true) })
        }
        var lines = ["pointing by evidence"] + MapScores.lines(rows)
        lines.append(String(format: "mean evidence: %.2f nats", mean))
        for (name, found) in [("reference", references), ("the model's own", own)] {
            guard let found else { continue }
            lines.append(
                "\(found.captions) \(name) captions: words with boxes "
                    + String(format: "%.2f nats, function words %.2f; ", found.words, found.functionWords)
                    + "more in \(MapScores.text(found.above, isShare: true))")
        }
        return lines.joined(separator: "\n")
    }
}
