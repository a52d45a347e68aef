import Vision

extension MapMetric {
    /// The mean of the positive part in the region over that outside of it; 1 where the map has no preference. Every
    /// map has the same largest value, 1, and the sums over maps are divided: one map with nothing outside would make
    /// a mean of quotients infinite. A region that fills the image is left out.
    static let insideOverOutside = MapMetric(
        name: "insideOverOutside", title: "in/out", isShare: false,
        measure: { held in
            let region = held.region
            let outside = region.mask.count - region.count
            if outside == 0 { return nil }
            return Ratio(held.sums.inside / Double(region.count), over: held.sums.outside / Double(outside))
        },
        chance: { $0.count < $0.mask.count ? Ratio(1) : nil })
}
