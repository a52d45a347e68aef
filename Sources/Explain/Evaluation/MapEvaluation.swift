import Foundation
import Tensors
import Vision

/// A source's maps held against their regions.
public struct MapEvaluation: Sendable {
    public var scores: MapScores
    /// Every map but chance, which is none; picture by picture.
    public var records: [MapRecord]

    /// Pictures between two reports of progress.
    private static let together = 16

    /// Measures every map of `source`, several pictures at once, one to a thread.
    /// - Parameter progress: pictures done, of how many.
    /// - Throws: `ImageError` for a picture that cannot be read, and the source's own errors; the first picture's.
    public static func run(
        _ source: some MapSource, bootstrap: Bootstrap = Bootstrap(), progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> MapEvaluation {
        let count = source.images.count
        var targets: [MeasuredTarget] = []
        for from in stride(from: 0, to: count, by: together) {
            let part = from..<min(count, from + together)
            var results = [Result<[MeasuredTarget], any Error>?](repeating: nil, count: part.count)
            results.withUnsafeMutableBufferPointer { results in
                let results = UncheckedResults(base: results)
                Parallel.forEach(part.count) { i in
                    results.base[i] = Result { try measure(source, picture: part.lowerBound + i) }
                }
            }
            for result in results { targets += try result?.get() ?? [] }
            progress(part.upperBound, count)
        }
        let methods = source.methods + PictureMeasurement.references
        return MapEvaluation(
            scores: MapScores(targets, methods: methods, bootstrap: bootstrap), records: records(targets, source.images)
        )
    }

    /// Each index is written by one thread.
    private struct UncheckedResults: @unchecked Sendable {
        let base: UnsafeMutableBufferPointer<Result<[MeasuredTarget], any Error>?>
    }

    private static func measure(_ source: some MapSource, picture: Int) throws -> [MeasuredTarget] {
        let photo = try Image.read(source.url(ofImage: picture))
        let maps = try source.maps(ofImage: picture, photo: photo)
        return PictureMeasurement(photo: photo, maps: maps).measure(picture: picture)
    }

    private static func records(_ targets: [MeasuredTarget], _ images: [String]) -> [MapRecord] {
        let pointing = MapColumn.index(MapMetric.pointing.name) ?? 0
        let energy = MapColumn.index(MapMetric.energyInside.name) ?? 0
        return targets.flatMap { target in
            target.measurements.filter { $0.method != "chance" }.map { one in
                MapRecord(
                    image: images[target.picture], kind: target.kind, method: one.method, peak: one.peak,
                    hit: one.terms[pointing]?.value == 1, energyInside: one.terms[energy]?.value,
                    fields: target.fields.merging(one.fields) { _, new in new })
            }
        }
    }
}
