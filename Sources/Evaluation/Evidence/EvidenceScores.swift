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

    /// From the least evidence on. Ranges without targets are left out.
    public var ranges: [Range]
    /// The mean evidence of the targets, in nats.
    public var mean: Double
    /// The mean evidence of the function words in the same captions, in nats; nil for questions.
    public var functionWords: Double?
    /// The captions in which the targets' mean evidence is above that of the function words, as a part of all captions
    /// that have both; nil for questions.
    public var captionsAbove: Estimate?
    /// The number of captions with targets and function words.
    public var captions: Int

    private static let limits: [(name: String, range: Swift.Range<Double>)] = [
        ("below 0", -.infinity..<0), ("0 to 1", 0..<1), ("1 to 3", 1..<3), ("3 and more", 3..<Double.infinity),
    ]

    /// Of targets whose fields have `evidence`, and of captions `functionEvidence`; nil where no target has it.
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
            Caption(image: target.image, row: target.fields["captionRow"]?.real ?? 0)
        }
        captions = byCaption.count
        functionWords = nil
        captionsAbove = nil
        if byCaption.isEmpty { return }
        let images = Set(byCaption.keys.map(\.image)).sorted()
        let place = Dictionary(uniqueKeysWithValues: images.enumerated().map { ($1, $0) })
        var above = [Ratio](repeating: Ratio(0, over: 0), count: images.count), sum = 0.0
        for (caption, targets) in byCaption.sorted(by: { $0.key < $1.key }) {
            guard let index = place[caption.image], let function = targets[0].0.fields["functionEvidence"]?.real else {
                continue
            }
            sum += function
            let own = targets.reduce(0) { $0 + $1.1 } / Double(targets.count)
            above[index] = above[index] + Ratio(own > function ? 1 : 0)
        }
        functionWords = sum / Double(byCaption.count)
        captionsAbove = bootstrap.estimates([above])[0]
    }

    private struct Caption: Hashable, Comparable {
        var image: Int
        var row: Double

        static func < (a: Caption, b: Caption) -> Bool { (a.image, a.row) < (b.image, b.row) }
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
        if let functionWords, let captionsAbove {
            lines.append(
                String(format: "function words of the same captions: %.2f nats; ", functionWords)
                    + "the phrases' words have more in \(MapScores.text(captionsAbove, isShare: true)) of \(captions) captions"
            )
        }
        return lines.joined(separator: "\n")
    }
}
