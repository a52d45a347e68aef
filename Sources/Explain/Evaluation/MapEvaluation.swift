import Foundation
import Support
import Tensors
import Vision

/// A source's maps held against their regions.
public struct MapEvaluation: Sendable {
    public var scores: MapScores
    /// Every map, picture by picture, and chance, which is none.
    public var records: [MapRecord]

    /// Names the run that `source` and `measures` make: that of its records.
    public static func run(of source: some MapSource, measures: MapMeasures) -> String {
        let settings = [source.fingerprint, "\(source.methods)", "\(PictureMeasurement.references)", "\(measures)"]
        return String(sha256(Data(settings.joined(separator: "\n").utf8)).prefix(12))
    }

    /// Measures every map of `source`, several pictures at once, one to a thread.
    /// - Parameters:
    ///   - log: where records are written as pictures are done; pictures that it has are not measured again.
    ///   - progress: pictures done, of how many.
    /// - Throws: `ImageError` for a picture that cannot be read, `AtomicFileError` for records that cannot be written,
    ///   and the source's own errors; the first picture's.
    public static func run(
        _ source: some MapSource, measures: MapMeasures = MapMeasures(), bootstrap: Bootstrap = Bootstrap(),
        log: RecordLog? = nil, progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> MapEvaluation {
        let run = run(of: source, measures: measures)
        let numbers = Dictionary(source.images.enumerated().map { ($1, $0) }) { first, _ in first }
        var records = log?.kept ?? []
        let done = Set(records.map(\.image))
        let left = source.images.indices.filter { !done.contains(source.images[$0]) }
        // Pictures between two reports of progress.
        let together = measures.faithfulness ? Parallel.threads : 16
        for from in stride(from: 0, to: left.count, by: together) {
            let part = Array(left[from..<min(left.count, from + together)])
            var results = [Result<[MeasuredTarget], any Error>?](repeating: nil, count: part.count)
            results.withUnsafeMutableBufferPointer { results in
                let results = UncheckedResults(base: results)
                Parallel.forEach(part.count) { i in
                    // Also where it is the only one: its numbers are the same whatever is measured beside it.
                    results.base[i] = Result {
                        try Parallel.serially { try measure(source, picture: part[i], measures) }
                    }
                }
            }
            var new: [MapRecord] = []
            for (picture, result) in zip(part, results) {
                for (number, target) in (try result?.get() ?? []).enumerated() {
                    new += target.measurements.map {
                        MapRecord(target, $0, image: source.images[picture], number: number, run: run)
                    }
                }
            }
            try log?.append(new)
            records += new
            progress(done.count + from + part.count, source.images.count)
        }
        let targets = MeasuredTarget.targets(of: records, pictures: numbers)
        let scores = MapScores(
            targets, methods: source.methods + PictureMeasurement.references, bootstrap: bootstrap)
        return MapEvaluation(scores: scores, records: records)
    }

    /// Each index is written by one thread.
    private struct UncheckedResults: @unchecked Sendable {
        let base: UnsafeMutableBufferPointer<Result<[MeasuredTarget], any Error>?>
    }

    private static func measure(
        _ source: some MapSource, picture: Int, _ measures: MapMeasures
    ) throws -> [MeasuredTarget] {
        let photo = try Image.read(source.url(ofImage: picture))
        let maps = try source.maps(ofImage: picture, photo: photo)
        return PictureMeasurement(photo: photo, maps: maps, measures: measures).measure(picture: picture)
    }
}
