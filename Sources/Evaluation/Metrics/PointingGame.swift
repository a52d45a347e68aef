import Vision

/// The pointing game (Zhang et al. 2016, arXiv 1608.00507, section 4.2): whether the map's maximum is in the region.
/// The paper's margin of 15 pixels is not used.
public enum PointingGame {
    /// The pixel of the largest value. Of several, it is the first in row order. It is nil if no value is positive.
    /// Such a map misses.
    public static func peak(of map: Plane) -> Pixel? {
        map.peak.map { Pixel(x: $0 % map.width, y: $0 / map.width) }
    }

    /// 1 for a hit, 0 for a miss or a map without a peak.
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
