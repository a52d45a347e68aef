import Foundation
import Language
import Support
import Tensors
import Vision

/// A captioner's captions for a data set, and their scores.
public struct CaptionEvaluation: Sendable {
    public struct Line: Codable, Sendable {
        public var image: String
        public var caption: String
    }

    public var captions: [Line]
    public var scores: CaptionScores
    /// What the reader of the images has to say of them.
    public var warnings: [String]

    /// Captions the first `limit` images of `data`, or all, eight at a time; one at a time where photographs keep their
    /// own sizes.
    /// - Parameter imageLimits: the largest image to read.
    /// - Throws: `ImageError` for an image that cannot be read, ``ModelError`` for scores that are not finite.
    public static func run(
        _ captioner: Captioner, on data: CaptionDataset, options: SearchOptions, limit: Int? = nil,
        imageLimits: ImageLimits = .standard,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> CaptionEvaluation {
        let entries = Array(data.entries.prefix(limit ?? data.entries.count))
        let tokenizer = CaptionTokenizer()
        let preprocessing = captioner.configuration.preprocessing
        let together = preprocessing.hasOneSize ? 8 : 1
        var lines: [Line] = []
        var candidates: [[String]] = []
        var warnings: [String] = []
        for from in stride(from: 0, to: entries.count, by: together) {
            let part = entries[from..<min(entries.count, from + together)]
            let images = try part.map { entry in
                let photo = try DecodedImage(contentsOf: data.imageURL(entry.image), limits: imageLimits)
                warnings += photo.warnings
                return preprocessing.prepare(photo.image).tensor
            }
            let features = captioner.features(FeatureMaps.joined(images))
            let found = captioner.captions(features: features, options: options)
            for (entry, captions) in zip(part, found) {
                // The search finds no caption where the scores are NaN.
                let best = captions.first
                try ModelError.check([best?.logProbability ?? .nan], of: captioner.folder, about: entry.image)
                let words = captioner.vocabulary.decode(best?.words ?? [])
                candidates.append(words)
                lines.append(Line(image: entry.image, caption: words.joined(separator: " ")))
            }
            progress(lines.count, entries.count)
        }
        let references = entries.map { $0.captions.map { tokenizer.tokens($0) } }
        return CaptionEvaluation(
            captions: lines, scores: CaptionMetrics.score(candidates: candidates, references: references),
            warnings: warnings)
    }

    /// JSON Lines, one object for each caption, keys sorted.
    public func jsonLines() throws -> String {
        try JSON.lines(captions)
    }
}
