import Foundation
import Support
import Tensors
import Vision

/// The result of an evaluation: a source's maps compared with their regions.
public struct MapEvaluation: Sendable {
    /// The figures of all maps.
    public var scores: MapScores
    /// A record of each method and reference for each target, in the order of the images.
    public var records: [MapRecord]

    /// The name of a run, which its records contain. It is a hash of the source and the options, of 12 hexadecimal
    /// digits.
    public static func name(of source: some MapSource, _ options: EvaluationOptions) -> String {
        let settings = [
            source.fingerprint, "\(source.methods)", "\(ImageEvaluation.references)",
            "faithfulness \(options.faithfulness)", "word correlation \(options.sanity)",
            "evidence \(options.minimumEvidence ?? -.infinity)", "per image \(options.perImage ?? 0)",
        ]
        return String(sha256(Data(settings.joined(separator: "\n").utf8)).prefix(12))
    }

    /// Opens the file of records of a run.
    /// - Parameters:
    ///   - file: one JSON object a line.
    ///   - resumes: whether to continue the records of an earlier run of the same name. Otherwise, the file is
    ///     replaced.
    ///   - source: of the maps.
    ///   - options: of the run.
    /// - Throws: `DatasetError` for a file with other content or with the records of another run.
    public static func log(
        _ file: URL, resumes: Bool, of source: some MapSource, _ options: EvaluationOptions
    ) throws -> RecordLog {
        resumes ? try RecordLog(resuming: file, run: name(of: source, options)) : RecordLog(file)
    }

    /// The progress of a run.
    public enum Progress {
        /// Images that are measured.
        case images(done: Int, of: Int)
        /// Layers that are randomised (``CascadingRandomisation``).
        case layers(done: Int, of: Int)
    }

    /// Measures all maps of a source, several images at once, each on one thread. With `options.sanity`, it then
    /// measures the maps of the model with randomised layers.
    /// - Parameters:
    ///   - source: of the maps.
    ///   - options: what is measured.
    ///   - log: where records are written when images are done. The images of its kept records are not measured again.
    ///   - progress: called after each group of images and after each layer.
    /// - Throws: `ImageError` for an image that cannot be read, `AtomicFileError` for records that cannot be written,
    ///   an error of the source, or ``NoEvidence``. If several images fail, it is the error of the first.
    public static func run(
        _ source: some RandomisableMaps, _ options: EvaluationOptions = EvaluationOptions(), log: RecordLog? = nil,
        progress: (Progress) -> Void = { _ in }
    ) throws -> MapEvaluation {
        var evaluation = try measured(source, options, log: log, progress: progress)
        if options.sanity {
            evaluation.scores.randomisation = try CascadingRandomisation.run(
                source, options
            ) {
                progress(.layers(done: $0, of: $1))
            }
        }
        return evaluation
    }

    /// Measures the maps of a source without randomisation, as ``run(_:_:log:progress:)`` does before it.
    public static func measured(
        _ source: some MapSource, _ options: EvaluationOptions = EvaluationOptions(), log: RecordLog? = nil,
        progress: (Progress) -> Void = { _ in }
    ) throws -> MapEvaluation {
        let run = name(of: source, options)
        let numbers = Dictionary(source.images.enumerated().map { ($1, $0) }) { first, _ in first }
        var records = log?.kept ?? []
        let done = Set(records.map(\.image))
        let left = source.images.indices.filter { !done.contains(source.images[$0]) }
        // The number of images between two calls of `progress`.
        let together = options.faithfulness ? Parallel.threads : 16
        for from in stride(from: 0, to: left.count, by: together) {
            let part = Array(left[from..<min(left.count, from + together)])
            var results = [Result<[TargetFigures], any Error>?](repeating: nil, count: part.count)
            results.withUnsafeMutableBufferPointer { results in
                let results = UncheckedResults(base: results)
                Parallel.forEach(part.count) { i in
                    // Each image is measured on one thread, also a single one, so that its numbers do not depend on the
                    // others.
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
        if records.isEmpty, let least = options.minimumEvidence {
            throw NoEvidence(minimum: least)
        }
        let targets = TargetFigures.targets(of: records, images: numbers)
        let scores = MapScores(
            targets, methods: source.methods + ImageEvaluation.references, bootstrap: options.bootstrap)
        return MapEvaluation(scores: scores, records: records)
    }

    /// Results of several threads. One thread writes each index.
    private struct UncheckedResults: @unchecked Sendable {
        let base: UnsafeMutableBufferPointer<Result<[TargetFigures], any Error>?>
    }

    private static func measure(
        _ source: some MapSource, image: Int, _ options: EvaluationOptions
    ) throws -> [TargetFigures] {
        let photo = try Image.read(source.url(ofImage: image), limits: options.imageLimits)
        let maps = try source.maps(ofImage: image, photo: photo)
        return try ImageEvaluation(photo: photo, maps: maps.taking(options.chosen(maps.targets)), options: options)
            .measure(image: image)
    }
}
