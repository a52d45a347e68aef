import Drawing
import Vision

/// A map at its image's size, with the numbers that metrics use for every region. They are computed once.
public struct DrawnMap: Sendable {
    /// The map as it is drawn, 0...1.
    public let plane: Plane
    /// The pixel of the largest value. It is nil if no value is positive.
    public let peak: Pixel?
    /// The localisation box, in pixels. It is nil if no value is positive.
    public let box: Rectangle?
    let ranking: RankedPixels
    /// ``Sparseness`` of the map; nil for an empty one.
    public let sparseness: Double?
    /// ``Complexity`` of the map; nil for an empty one.
    public let complexity: Double?

    /// - Parameters:
    ///   - plane: the map as it is drawn, 0...1.
    ///   - unclipped: the map before its largest values were clipped, if they were. It gives the peak.
    public init(_ plane: Plane, unclipped: Plane? = nil) {
        self.plane = plane
        peak = PointingGame.peak(of: unclipped ?? plane)
        box = LocalisationBox.find(in: plane)
        ranking = RankedPixels(plane.values)
        sparseness = Sparseness.gini(plane.values)
        complexity = Complexity.entropy(plane.values)
    }
}

/// A map and a region of its image, with the sums that several metrics use.
public struct MapInRegion: Sendable {
    /// The map.
    public let map: DrawnMap
    /// The region that the map should show.
    public let region: Region
    let sums: PositiveSums

    /// - Parameters:
    ///   - map: at the image's size.
    ///   - region: of the same image.
    public init(_ map: DrawnMap, in region: Region) {
        self.map = map
        self.region = region
        sums = PositiveSums(map.plane, region)
    }
}
