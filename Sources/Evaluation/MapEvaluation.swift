import Foundation
import Support
import Support
import Tensors
import Vision

/// A source's maps held against their regions.
public struct MapEvaluation: Sendable {
    public var scores: MapScores
    /// Every map, image by image, and chance, which is none.
    public var records: [MapRecord]

    /// Names the run of `source` with these options; the name stands in its records.
    public static func name(of source: some MapSource, _ options: EvaluationOptions) -> String {
        let settings = [
            source.fingerprint, "\(source.methods)", "\(ImageEvaluation.references)",
            "faithfulness \(options.faithfulness)", "word correlation \(options.sanity)",
        ]
        return String(sha256(Data(settings.joined(separator: "\n").utf8)).prefix(12))
    }

    /// The file of records of a run.
    /// - Parameter resumes: go on with the records of an earlier run of the same name.
    /// - Throws: `DatasetError` for a file of other records.
    public static func log(
        _ file: URL, resumes: Bool, of source: some MapSource, _ options: EvaluationOptions
    ) throws -> RecordLog {
        resumes ? try RecordLog(resuming: file, run: name(of: source, options)) : RecordLog(file)
    }

    /// What a run has done so far.
    public enum Progress {
        case images(done: Int, of: Int)
        /// Layers randomised (``CascadingRandomisation``).
        case layers(done: Int, of: Int)
    }

    /// Measures every map of `source`, several images at once, one to a thread; then, with `options.sanity`, the maps of
    /// the model with its layers randomised.
    /// - Parameter log: where records are written as images are done; images that it has are not measured again.
    /// - Throws: `ImageError` for an image that cannot be read, `AtomicFileError` for records that cannot be written,
    ///   and the source's own errors; the first image's.
    public static func run(
        _ source: some RandomisableMaps, _ options: EvaluationOptions = EvaluationOptions(), log: RecordLog? = nil,
        progress: (Progress) -> Void = { _ in }
    ) throws -> MapEvaluation {
        var evaluation = try measured(source, options, log: log, progress: progress)
        if options.sanity {
            evaluation.scores.randomisation = try CascadingRandomisation.run(source, bootstrap: options.bootstrap) {
                progress(.layers(done: $0, of: $1))
            }
        }
        return evaluation
    }

    /// The maps of the model as it is.
    static func measured(
        _ source: some MapSource, _ options: EvaluationOptions, log: RecordLog?, progress: (Progress) -> Void
    ) throws -> MapEvaluation {
        let run = name(of: source, options)
        let numbers = Dictionary(source.images.enumerated().map { ($1, $0) }) { first, _ in first }
        var records = log?.kept ?? []
        let done = Set(records.map(\.image))
        let left = source.images.indices.filter { !done.contains(source.images[$0]) }
        // Images between two reports of progress.
        let together = options.faithfulness ? Parallel.threads : 16
        for from in stride(from: 0, to: left.count, by: together) {
            let part = Array(left[from..<min(left.count, from + together)])
            var results = [Result<[TargetFigures], any Error>?](repeating: nil, count: part.count)
            results.withUnsafeMutableBufferPointer { results in
                let results = UncheckedResults(base: results)
                Parallel.forEach(part.count) { i in
                    // Also where it is the only one: its numbers are the same whatever is measured beside it.
                    results.base[i] = Result {
                        try Parallel.serially { try measure(source, image: part[i], options) }
                    }
                }
            }
            var new: [MapRecord] = []
            for (image, result) in zip(part, results) {
                for (number, target) in (try result?.get() ?? []).enumerated() {
                    new += target.figures.map {
                        MapRecord(target, $0, image: source.images[image], number: number, run: run)
                    }
                }
            }
            try log?.append(new)
            records += new
            progress(.images(done: done.count + from + part.count, of: source.images.count))
        }
        let targets = TargetFigures.targets(of: records, images: numbers)
        let scores = MapScores(
            targets, methods: source.methods + ImageEvaluation.references, bootstrap: options.bootstrap)
        return MapEvaluation(scores: scores, records: records)
    }

    /// Each index is written by one thread.
    private struct UncheckedResults: @unchecked Sendable {
        let base: UnsafeMutableBufferPointer<Result<[TargetFigures], any Error>?>
    }

    private static func measure(
        _ source: some MapSource, image: Int, _ options: EvaluationOptions
    ) throws -> [TargetFigures] {
        let photo = try Image.read(source.url(ofImage: image))
        let maps = try source.maps(ofImage: image, photo: photo)
        return ImageEvaluation(photo: photo, maps: maps, options: options).measure(image: image)
    }
}
