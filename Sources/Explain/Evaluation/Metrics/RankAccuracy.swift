import Vision

/// Relevance rank accuracy (Arras et al. 2022, arXiv 2003.07258, eq. 3): of the map's K largest pixels, where K is the
/// region's number of pixels, the part that lies in the region.
public enum RankAccuracy {
    /// Where equal values straddle the K-th place, each of them is taken with the same probability, and the
    /// expectation is returned: a map of one value everywhere gets the region's share of the area.
    public static func share(of map: Plane, in region: Region) -> Double {
        precondition(
            map.width == region.width && map.height == region.height, "a map and a region of different pictures")
        let keys = map.values.map(orderedKey)
        let threshold = largest(region.count, of: keys)
        var above = 0
        var aboveInside = 0
        var equal = 0
        var equalInside = 0
        keys.withUnsafeBufferPointer { keys in
            region.mask.withUnsafeBufferPointer { mask in
                for i in keys.indices where keys[i] >= threshold {
                    let inside = mask[i] ? 1 : 0
                    if keys[i] > threshold {
                        above += 1
                        aboveInside += inside
                    } else {
                        equal += 1
                        equalInside += inside
                    }
                }
            }
        }
        let left = Double(region.count - above)
        return (Double(aboveInside) + left * Double(equalInside) / Double(equal)) / Double(region.count)
    }

    /// A number that orders as the float does; both zeros have the same.
    private static func orderedKey(_ value: Float) -> UInt32 {
        let bits = (value + 0).bitPattern
        return bits >> 31 == 1 ? ~bits : bits | 1 << 31
    }

    /// The `rank`-th largest key, counted from 1, by two rounds of counting, 16 bits each.
    private static func largest(_ rank: Int, of keys: [UInt32]) -> UInt32 {
        var rank = rank
        func place(in counts: [Int32]) -> UInt32 {
            var bin = counts.count - 1
            while rank > Int(counts[bin]) {
                rank -= Int(counts[bin])
                bin -= 1
            }
            return UInt32(bin)
        }
        var counts = [Int32](repeating: 0, count: 1 << 16)
        for key in keys { counts[Int(key >> 16)] += 1 }
        let high = place(in: counts)
        counts = [Int32](repeating: 0, count: 1 << 16)
        for key in keys where key >> 16 == high { counts[Int(key & 0xFFFF)] += 1 }
        return high << 16 | place(in: counts)
    }
}

extension MapMetric {
    static let rankAccuracy = MapMetric(
        name: "rankAccuracy", title: "rank", isShare: true,
        measure: { Ratio(RankAccuracy.share(of: $0, in: $1)) }, chance: { Ratio($0.share) })
}
