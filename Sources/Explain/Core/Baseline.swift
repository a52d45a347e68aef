/// An image, or a part of one, that shows nothing.
public enum Baseline: String, Codable, CaseIterable, Sendable {
    case black
    /// The preprocessing's mean, 0 as the model takes it.
    case mean
}
