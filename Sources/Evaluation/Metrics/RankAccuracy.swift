import Vision

/// Relevance rank accuracy (Arras et al. 2022, arXiv 2003.07258, eq. 3): of the map's K largest pixels, where K is the
/// region's number of pixels, the part that lies in the region.
public enum RankAccuracy {
    /// Where equal values straddle the K-th place, each of them is taken with the same probability, and the
    /// expectation is returned: a map of one value everywhere gets the region's share of the area.
    public static func share(of map: DrawnMap, in region: Region) -> Double {
        precondition(
            map.plane.width == region.width && map.plane.height == region.height,
            "a map and a region of different images")
        let (key, equal, taken) = map.ranking.largest(region.count)
        var above = 0
        var same = 0
        map.ranking.keys.withUnsafeBufferPointer { keys in
            for run in region.runs {
                for i in run {
                    if keys[i] > key { above += 1 } else if keys[i] == key { same += 1 }
                }
            }
        }
        return (Double(above) + Double(taken) * Double(same) / Double(equal)) / Double(region.count)
    }
}

extension MapMetric {
    static let rankAccuracy = MapMetric(
        name: "rankAccuracy", title: "rank", isShare: true,
        measure: { Ratio(RankAccuracy.share(of: $0.map, in: $0.region)) }, chance: { Ratio($0.share) })
}
