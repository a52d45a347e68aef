/// What is known of a map's target beside the map: how much of it comes from the image, and in which direction the map
/// points.
public struct MapEvidence: Equatable, Sendable {
    /// How much of the target comes from the image, 0...1. With ``MapScale/evidence``, the map's values are multiplied
    /// by it.
    public var strength: Float
    /// Whether the map shows what speaks against its target.
    public var isAgainst: Bool
    /// Whether the strength is that of evidence. Elsewhere the legend says that the map is drawn by its own maximum.
    public var isMeasured: Bool
    /// Drawn across a picture that shows nothing, for example "follows from the words before it".
    public var note: String?

    /// A map that is drawn weaker than this has no contour lines, and has the note.
    public static let least: Float = 0.1

    /// - Parameters:
    ///   - strength: values outside of 0...1 are clipped to it, and NaN is 0.
    ///   - isAgainst: whether the map shows what speaks against its target.
    ///   - note: drawn across a picture that shows nothing.
    ///   - isMeasured: whether the strength is that of evidence; elsewhere maps are drawn in full.
    public init(strength: Float = 1, isAgainst: Bool = false, note: String? = nil, isMeasured: Bool = true) {
        self.strength = strength > 0 ? min(strength, 1) : 0
        self.isAgainst = isAgainst
        self.note = note
        self.isMeasured = isMeasured
    }
}
