import Foundation

/// How far the maps ground the words of the captions that the model writes: F1_all and F1_loc (``GroundedCaption``).
///
/// Precision and recall are the means over the object words (each word counts alike, however often it occurs) of a
/// word's hits; a word without a comparison has 0. F1 is 2 p r / (p + r). F1_all also asks whether the captions have
/// the right words, F1_loc looks only at words that both captions have.
public struct GroundingScores: Codable, Equatable, Sendable {
    /// The figures of a method or a reference.
    public struct Method: Codable, Equatable, Sendable {
        public var all: Estimate?
        public var loc: Estimate?
    }

    /// The number of images.
    public var images: Int
    /// The number of object words that the references have.
    public var words: Int
    /// By the name of the method or the reference.
    public var methods: [String: Method]

    /// Of targets whose figures have ``GroundedCaption/field``; nil where none has.
    init?(_ targets: [TargetFigures], bootstrap: Bootstrap) {
        var found: [String: [(image: Int, caption: GroundedCaption)]] = [:]
        for target in targets {
            for one in target.figures {
                guard case .text(let text)? = one.fields[GroundedCaption.field],
                    let caption = GroundedCaption(text: text)
                else { continue }
                found[one.method, default: []].append((target.image, caption))
            }
        }
        guard let first = found.values.first else { return nil }
        images = first.count
        words = Set(first.flatMap { $0.caption.recall.map(\.word) }).count
        methods = found.mapValues { captions in
            let counts = Counts(captions.sorted { $0.image < $1.image }.map(\.caption))
            func estimate(_ isLoc: Bool) -> Estimate? {
                bootstrap.estimate(images: captions.count) { counts.f1(times: $0, isLoc: isLoc) }
            }
            return Method(all: estimate(false), loc: estimate(true))
        }
    }

    /// The comparisons of all images, with words as numbers.
    private struct Counts {
        struct Entry {
            var image: Int
            var word: Int
            var result: GroundedCaption.Entry.Result
        }

        private(set) var precision: [Entry] = []
        private(set) var recall: [Entry] = []
        private var numbers: [String: Int] = [:]

        init(_ captions: [GroundedCaption]) {
            for (image, caption) in captions.enumerated() {
                precision += caption.precision.map { entry(image, $0) }
                recall += caption.recall.map { entry(image, $0) }
            }
        }

        private mutating func entry(_ image: Int, _ entry: GroundedCaption.Entry) -> Entry {
            let number = numbers[entry.word] ?? numbers.count
            numbers[entry.word] = number
            return Entry(image: image, word: number, result: entry.result)
        }

        /// - Parameter times: how often each image counts.
        /// - Returns: nil if the references have no object word.
        func f1(times: [Double], isLoc: Bool) -> Double? {
            // The words of the references are the same for both figures.
            let all = hits(recall, times, isLoc: false)
            let known = all.count { $0.weight > 0 }
            if known == 0 { return nil }
            func mean(_ hits: [Ratio]) -> Double {
                hits.reduce(0) { $0 + ($1.weight > 0 ? $1.value / $1.weight : 0) } / Double(known)
            }
            let p = mean(hits(precision, times, isLoc: isLoc))
            let r = mean(isLoc ? hits(recall, times, isLoc: true) : all)
            return p + r > 0 ? 2 * p * r / (p + r) : 0
        }

        /// Each word's hits over its comparisons.
        private func hits(_ entries: [Entry], _ times: [Double], isLoc: Bool) -> [Ratio] {
            var sums = [Ratio](repeating: Ratio(0, over: 0), count: numbers.count)
            for entry in entries where !(isLoc && entry.result == .absent) {
                sums[entry.word].weight += times[entry.image]
                if entry.result == .hit { sums[entry.word].value += times[entry.image] }
            }
            return sums
        }
    }

    /// The scores as a table.
    func table(methods names: [String]) -> String {
        let rows = names.compactMap { name in
            methods[name].map { [name, MapScores.text($0.all, isShare: true), MapScores.text($0.loc, isShare: true)] }
        }
        let title =
            "captions that the model writes: \(words) object word\(words == 1 ? "" : "s") in \(images) "
            + "image\(images == 1 ? "" : "s")"
        return ([title] + MapScores.lines([["method", "F1_all", "F1_loc"]] + rows)).joined(separator: "\n")
    }
}
