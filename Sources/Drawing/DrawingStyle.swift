/// How the maps of a run are drawn: everything that the user may choose.
public struct DrawingStyle: Equatable, Sendable {
    public var colorMap: ColorMap
    /// How much the colours cover the photograph at most, 0...1.
    public var opacity: Float
    public var blend: Blend
    /// Levels of contour lines, parts of the scale's maximum, above 0 and at most 1; signed maps have them on both
    /// sides of zero.
    public var contours: [Float]
    /// Whether a bar of the colours with its numbers stands under overlays and heat maps.
    public var hasLegend: Bool
    public var scale: MapScale

    public init(
        colorMap: ColorMap = .turbo, opacity: Float = 0.6, blend: Blend = .weighted, contours: [Float] = [],
        hasLegend: Bool = false, scale: MapScale = .each
    ) {
        self.colorMap = colorMap
        self.opacity = opacity
        self.blend = blend
        self.contours = contours
        self.hasLegend = hasLegend
        self.scale = scale
    }

    /// Negative values are drawn where the colour map has a side for them.
    public var normalisation: Normalisation { colorMap.isDiverging ? .signed : .unit }

    /// The legend of a map, or of several that are divided by the same number.
    /// - Parameters:
    ///   - maximum: what the colours' end stands for; nil where each map has a number of its own: then the legend
    ///     counts in parts of it.
    ///   - name: what is drawn.
    public func legend(maximum: Float?, name: String = "") -> Legend {
        Legend(
            colorMap, maximum: maximum, marks: contours,
            note: [name, scale.note].filter { !$0.isEmpty }.joined(separator: " · "))
    }
}
