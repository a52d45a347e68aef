/// The style in which a run's maps are drawn.
public struct DrawingStyle: Equatable, Sendable {
    /// The colours of the map's values. A diverging colour map also shows negative values.
    public var colorMap: ColorMap
    /// The largest opacity of the colours over the photograph, 0...1.
    public var opacity: Float
    /// How the opacity depends on the value.
    public var blend: Blend
    /// Levels of contour lines, as parts of the scale's maximum, above 0 and at most 1. A signed map has lines on both
    /// sides of zero.
    public var contours: [Float]
    /// Whether overlays and heat maps have a legend under them.
    public var hasLegend: Bool
    /// The numbers that maps are divided by.
    public var scale: MapScale

    /// A style. See the properties for the meaning and the range of each value.
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

    /// The normalisation of the maps: signed for a diverging colour map, else their positive part.
    public var normalisation: Normalisation { colorMap.isDiverging ? .signed : .unit }

    /// The legend of a map, or of several maps that are divided by the same number.
    /// - Parameters:
    ///   - maximum: the value at the high end of the colours. It is nil if the maps have different maxima: the numbers
    ///     of the legend are then parts of each map's maximum.
    ///   - name: the target's name, for the note.
    public func legend(maximum: Float?, name: String = "") -> Legend {
        Legend(
            colorMap, maximum: maximum, marks: contours,
            note: [name, scale.note].filter { !$0.isEmpty }.joined(separator: " · "))
    }
}
