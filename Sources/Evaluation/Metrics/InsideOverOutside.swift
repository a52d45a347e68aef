import Vision

extension MapMetric {
    /// The mean of the map's positive part inside the region, divided by the mean outside. A map without preference has
    /// 1. The figure is the quotient of the sums over all maps, which have the same maximum, 1. A mean of quotients
    /// would be infinite if one map had nothing outside. A region that fills the image is left out.
    static let insideOverOutside = MapMetric(
        name: "insideOverOutside", title: "in/out", isShare: false,
        measure: { pair in
            let region = pair.region
            let outside = region.mask.count - region.count
            if outside == 0 { return nil }
            return Ratio(pair.sums.inside / Double(region.count), over: pair.sums.outside / Double(outside))
        },
        chance: { $0.count < $0.mask.count ? Ratio(1) : nil })
}
