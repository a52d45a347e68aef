import Vision

/// The pointing game (Zhang et al. 2016, arXiv 1608.00507, section 4.2), without their margin of 15 pixels: is the
/// map's maximum in the region?
public enum PointingGame {
    /// The pixel of the largest value, of equals the first in row order; nil when no value is positive: such a map
    /// points nowhere, and misses.
    public static func peak(of map: Plane) -> Pixel? {
        map.values.withUnsafeBytes { values in
            // The largest in each of 16 columns first, which is quick, then where it is.
            let width = MemoryLayout<SIMD16<Float>>.size
            var lanes = SIMD16<Float>.zero
            let whole = values.count / width * width
            for offset in stride(from: 0, to: whole, by: width) {
                let next = values.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
                lanes.replace(with: next, where: next .> lanes)
            }
            var best = lanes.max()
            for value in map.values[(whole / MemoryLayout<Float>.size)...] where value > best { best = value }
            guard best > 0, let place = map.values.firstIndex(of: best) else { return nil }
            return Pixel(x: place % map.width, y: place / map.width)
        }
    }

    /// 1 for a hit, 0 for a miss.
    public static func score(_ peak: Pixel?, _ region: Region) -> Double {
        peak.map(region.contains) == true ? 1 : 0
    }
}

extension MapMetric {
    static let pointing = MapMetric(
        name: "pointing", title: "pointing", isShare: true,
        measure: { Ratio(PointingGame.score($0.map.peak, $0.region)) },
        chance: { Ratio($0.share) })
}
