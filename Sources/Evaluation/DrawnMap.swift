import Drawing
import Vision

/// A map at its image's size, and what metrics ask of it whatever the region: worked out once.
public struct DrawnMap: Sendable {
    /// 0...1 as it is drawn, not negative.
    public let plane: Plane
    /// Of the largest value; nil when no value is positive.
    public let peak: Pixel?
    /// Around the largest segment; nil when no value is positive.
    public let box: Rectangle?
    let ranking: RankedPixels

    /// - Parameter unclipped: the map before its largest values were clipped, where they were: only it has a peak.
    public init(_ plane: Plane, unclipped: Plane? = nil) {
        self.plane = plane
        peak = PointingGame.peak(of: unclipped ?? plane)
        box = LocalisationBox.find(in: plane)
        ranking = RankedPixels(plane.values)
    }
}

/// A map held against a region of its image, and the sums that several metrics take.
public struct MapInRegion: Sendable {
    public let map: DrawnMap
    public let region: Region
    let sums: PositiveSums

    public init(_ map: DrawnMap, in region: Region) {
        self.map = map
        self.region = region
        sums = PositiveSums(map.plane, region)
    }
}
