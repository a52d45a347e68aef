import Vision

/// The part of a map's sum of positive values that lies in the region (the energy-based pointing game, Wang et al.
/// 2020, arXiv 1910.01279, section 4.3; relevance mass accuracy, Arras et al. 2022, arXiv 2003.07258, eq. 2).
public enum EnergyInside {
    /// 0 when no value is positive.
    public static func share(of map: Plane, in region: Region) -> Double {
        let sums = PositiveSums(map, region)
        let all = sums.inside + sums.outside
        return all > 0 ? sums.inside / all : 0
    }
}

extension MapMetric {
    static let energyInside = MapMetric(
        name: "energyInside", title: "energy", isShare: true,
        measure: { Ratio(EnergyInside.share(of: $0, in: $1)) }, chance: { Ratio($0.share) })
}

/// The sums of a map's positive values in a region and outside of it.
struct PositiveSums {
    private(set) var inside = 0.0
    private(set) var outside = 0.0

    init(_ map: Plane, _ region: Region) {
        precondition(
            map.width == region.width && map.height == region.height, "a map and a region of different pictures")
        map.values.withUnsafeBufferPointer { values in
            region.mask.withUnsafeBufferPointer { mask in
                for i in values.indices where values[i] > 0 {
                    if mask[i] { inside += Double(values[i]) } else { outside += Double(values[i]) }
                }
            }
        }
    }
}
