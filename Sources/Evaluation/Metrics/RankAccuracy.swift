import Vision

/// Relevance rank accuracy (Arras et al. 2022, arXiv 2003.07258, eq. 3): the share of the map's K largest pixels that
/// is in the region. K is the number of the region's pixels.
public enum RankAccuracy {
    /// The rank accuracy, 0...1. Of pixels that equal the K-th largest, each is taken with the same probability, and
    /// the expectation is returned. So a map of one value everywhere has the region's share of the area.
    /// - Parameters:
    ///   - map: at the image's size.
    ///   - region: of the same image.
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
