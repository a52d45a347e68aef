import Foundation

/// The style in which a run's maps are drawn.
public struct DrawingStyle: Equatable, Sendable {
    /// The colours of the map's values. A diverging colour map also shows negative values. Nil, the default, takes
    /// ``ColorMap/warm`` for what speaks for a target, and ``ColorMap/cool`` for what speaks against it.
    public var colorMap: ColorMap?
    /// The largest opacity of the colours over the photograph, 0...1.
    public var opacity: Float
    /// How the opacity depends on the value.
    public var blend: Blend
    /// Levels of contour lines, as parts of the drawn map's own maximum, above 0 and at most 1. A signed map has lines
    /// on both sides of zero. A map that is drawn weaker than ``MapEvidence/least`` has no lines.
    public var contours: [Float]
    /// Whether overlays and heat maps have a legend and their ``PictureText`` under them.
    public var hasLegend: Bool
    /// The numbers that maps are divided by.
    public var scale: MapScale

    /// A style. See the properties for the meaning and the range of each value.
    public init(
        colorMap: ColorMap? = nil, opacity: Float = 0.7, blend: Blend = .weighted, contours: [Float] = [0.5],
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
    public var normalisation: Normalisation { colorMap?.isDiverging == true ? .signed : .unit }

    /// What the contour lines mean, in words.
    var contourNote: String {
        if contours == [0.5] { return "line: half of the map's largest value" }
        let levels = contours.sorted().map { String(format: "%.3g", $0) }
        return "lines: \(levels.joined(separator: ", ")) of the map's largest value"
    }

    /// The colours of a map: the style's, or those of the map's direction.
    /// - Parameter isAgainst: whether the map shows what speaks against its target.
    public func colors(isAgainst: Bool = false) -> ColorMap { colorMap ?? (isAgainst ? .cool : .warm) }

    /// The legend of a map, or of several maps that are divided by the same number.
    /// - Parameters:
    ///   - maximum: the value at the high end of the colours. It is nil if the maps have different maxima: the numbers
    ///     of the legend are then parts of each map's maximum. ``MapScale/evidence`` does not use it: its numbers are
    ///     strengths.
    ///   - name: the target's name, for the note.
    ///   - top: the largest drawn value, 0...1, for the marks of the contour lines. Without it, the legend is that of
    ///     several maps, and has marks only where each map reaches the high end.
    ///   - evidence: says whether the colours are for or against the target. Without it, the ends of the bar are "low"
    ///     and "high".
    public func legend(
        maximum: Float?, name: String = "", top: Float? = nil, evidence: MapEvidence? = nil
    ) -> Legend {
        let colors = colors(isAgainst: evidence?.isAgainst ?? false)
        let reach = top ?? (scale == .each ? 1 : 0)
        let direction = evidence.map { ("nothing", $0.isAgainst ? "against" : "for") }
        return Legend(
            colors, maximum: scale == .evidence ? nil : maximum,
            marks: reach >= MapEvidence.least ? contours.map { $0 * min(reach, 1) } : [],
            note: [name, (scale == .evidence && evidence?.isMeasured == false ? .each : scale).note].filter {
                !$0.isEmpty
            }.joined(separator: " · "),
            ends: colors.isDiverging ? nil : direction)
    }
}
