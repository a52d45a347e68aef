import Vision

/// A map at its picture's size, and what metrics ask of it whatever the region: worked out once.
public struct MeasuredMap: Sendable {
    /// 0...1 as it is drawn, not negative.
    public let plane: Plane
    /// Of the largest value; nil when no value is positive.
    public let peak: Pixel?
    /// Around the largest segment; nil when no value is positive.
    public let box: Rectangle?
    let ranking: RankedPixels

    /// - Parameter uncut: the map before its largest values were cut to one, where they were: only it has a peak.
    public init(_ plane: Plane, uncut: Plane? = nil) {
        self.plane = plane
        peak = PointingGame.peak(of: uncut ?? plane)
        box = LocalisationBox.find(in: plane)
        ranking = RankedPixels(plane.values)
    }
}

/// A map held against a region of its picture, and the sums that several metrics take.
public struct RegionalMap: Sendable {
    public let map: MeasuredMap
    public let region: Region
    let sums: PositiveSums

    public init(_ map: MeasuredMap, in region: Region) {
        self.map = map
        self.region = region
        sums = PositiveSums(map.plane, region)
    }
}
