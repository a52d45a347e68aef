/// The opacity of a map's colours over the photograph.
public enum Blend: String, CaseIterable, Sendable, Codable {
    /// The opacity grows with the value. The photograph stays visible under low values, with muted colours.
    case weighted
    /// All values have the same opacity, as in most published Grad-CAM figures.
    case even
}
