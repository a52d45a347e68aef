import Foundation
import Support

/// The scores of captions, as fractions (CIDEr-D in 0...10).
public struct CaptionScores: Codable, Equatable, Sendable {
    public var bleu1: Double
    public var bleu2: Double
    public var bleu3: Double
    public var bleu4: Double
    public var rougeL: Double
    public var ciderD: Double

    init(bleu: [Double], rougeL: Double, ciderD: Double) {
        bleu1 = bleu[0]
        bleu2 = bleu[1]
        bleu3 = bleu[2]
        bleu4 = bleu[3]
        self.rougeL = rougeL
        self.ciderD = ciderD
    }

    /// One JSON object in one line, keys sorted: the scores and the number of images.
    public func json(images: Int) throws -> String {
        struct Line: Encodable {
            let scores: CaptionScores
            let images: Int
            enum Key: CodingKey { case images }
            func encode(to encoder: Encoder) throws {
                try scores.encode(to: encoder)
                var container = encoder.container(keyedBy: Key.self)
                try container.encode(images, forKey: .images)
            }
        }
        return try JSON.line(Line(scores: self, images: images))
    }

    /// A table for a terminal: one line for each score.
    public func table(images: Int) -> String {
        let rows = [
            ("BLEU-1", bleu1), ("BLEU-2", bleu2), ("BLEU-3", bleu3), ("BLEU-4", bleu4), ("ROUGE-L", rougeL),
            ("CIDEr-D", ciderD),
        ]
        func padded(_ name: String) -> String { name.padding(toLength: 9, withPad: " ", startingAt: 0) }
        let lines = rows.map { padded($0) + String(format: "%.4f", $1) }
        return ([padded("images") + String(images)] + lines).joined(separator: "\n")
    }
}

/// BLEU, ROUGE-L and CIDEr-D as pycocoevalcap computes them, from tokens.
public enum CaptionMetrics {
    /// Scores of a whole set. Document frequencies of CIDEr-D are those of its references; ROUGE-L and CIDEr-D are
    /// means over the images, BLEU is of the corpus. All are 0 for a set without images.
    /// - Parameters:
    ///   - candidates: one caption's tokens for each image; a caption may be empty.
    ///   - references: the tokens of each image's references, at least one an image, in the order of the candidates.
    public static func score(candidates: [[String]], references: [[[String]]]) -> CaptionScores {
        evaluate(candidates: candidates, references: references).set
    }

    /// Scores of a whole set, and of each image by itself with the whole set's document frequencies.
    ///
    /// The BLEU-4 of a single image is near 0 where no reference has one of its 4-grams, so the mean over images is not
    /// the corpus's BLEU-4.
    public static func evaluate(
        candidates: [[String]], references: [[[String]]]
    ) -> (set: CaptionScores, images: [CaptionScores]) {
        precondition(candidates.count == references.count, "every candidate needs its references")
        guard !candidates.isEmpty else {
            return (CaptionScores(bleu: [0, 0, 0, 0], rougeL: 0, ciderD: 0), [])
        }
        var words = WordIndices()
        let truths = references.map { image in image.map { words.encode($0) } }
        let captions = candidates.map { words.encode($0) }
        let counts = truths.map { $0.map { NGramCounts($0) } }
        let cider = CIDErScorer(counts: counts)
        var bleu = BLEU.Statistics()
        var images: [CaptionScores] = []
        images.reserveCapacity(captions.count)
        for (i, caption) in captions.enumerated() {
            let grams = NGramCounts(caption)
            let own = BLEU.Statistics(grams, counts[i])
            bleu += own
            images.append(
                CaptionScores(
                    bleu: own.scores, rougeL: ROUGE.l(candidate: caption, references: truths[i]),
                    ciderD: cider.score(grams, image: i)))
        }
        func mean(_ score: KeyPath<CaptionScores, Double>) -> Double {
            images.reduce(0) { $0 + $1[keyPath: score] } / Double(images.count)
        }
        return (CaptionScores(bleu: bleu.scores, rougeL: mean(\.rougeL), ciderD: mean(\.ciderD)), images)
    }
}
