import Vision

/// The share of a map's positive values that is in the region. It is called the energy-based pointing game (Wang et al.
/// 2020, arXiv 1910.01279, section 4.3) or relevance mass accuracy (Arras et al. 2022, arXiv 2003.07258, eq. 2).
public enum EnergyInside {
    /// The sum of the positive values in the region over the sum of all positive values, 0...1. It is 0 if no value is
    /// positive.
    /// - Parameters:
    ///   - map: at the image's size.
    ///   - region: of the same image.
    public static func share(of map: Plane, in region: Region) -> Double { PositiveSums(map, region).shareInside }
}

extension MapMetric {
    static let energyInside = MapMetric(
        name: "energyInside", title: "energy", isShare: true,
        measure: { Ratio($0.sums.shareInside) }, chance: { Ratio($0.share) })
}

/// The sums of a map's positive values inside and outside of a region.
struct PositiveSums: Sendable {
    private(set) var inside = 0.0
    private(set) var outside = 0.0

    /// The share of the sum that is inside. It is 0 if no value is positive.
    var shareInside: Double {
        let all = inside + outside
        return all > 0 ? inside / all : 0
    }

    init(_ map: Plane, _ region: Region) {
        precondition(
            map.width == region.width && map.height == region.height, "a map and a region of different images")
        map.values.withUnsafeBufferPointer { values in
            var end = 0
            for run in region.runs {
                outside += Self.sum(values[end..<run.lowerBound])
                inside += Self.sum(values[run])
                end = run.upperBound
            }
            outside += Self.sum(values[end...])
        }
    }

    private static func sum(_ values: Slice<UnsafeBufferPointer<Float>>) -> Double {
        let values = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: values))
        let width = MemoryLayout<SIMD8<Float>>.size
        let whole = values.count / width * width
        var sums = SIMD8<Double>.zero
        for offset in stride(from: 0, to: whole, by: width) {
            let lanes = values.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
            sums += SIMD8<Double>(lanes.replacing(with: 0, where: .!(lanes .> 0)))
        }
        var sum = sums.sum()
        for offset in stride(from: whole, to: values.count, by: MemoryLayout<Float>.size) {
            let value = values.loadUnaligned(fromByteOffset: offset, as: Float.self)
            if value > 0 { sum += Double(value) }
        }
        return sum
    }
}
