/// An image, or a part of one, that shows nothing.
public enum Baseline: String, Codable, CaseIterable, Sendable {
    /// Red, green and blue 0, before the preprocessing.
    case black
    /// The preprocessing's mean, 0 as the model takes it.
    case mean
}
