/// How a map's colours cover the photograph.
public enum Blend: String, CaseIterable, Sendable, Codable {
    /// The more, the larger the value: low values leave the photograph visible, its colours muted.
    case weighted
    /// Everywhere alike, low values too, as in most published Grad-CAM figures.
    case even
}
