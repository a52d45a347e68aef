/// What the methods that have a choice are told; nil where the method's own default holds.
public struct MethodSettings: Codable, Equatable, Sendable {
    /// Noisy pictures (SmoothGrad), steps from the baseline (integrated gradients), masks (RISE).
    public var samples: Int?
    /// Seed of the noise and of the masks.
    public var seed: UInt64?
    /// SmoothGrad: the noise's standard deviation, as a part of the range of the picture's values.
    public var noise: Float?
    /// Integrated gradients: the picture where nothing is seen.
    public var baseline: Baseline?
    /// Occlusion: side of the square that is hidden, in pixels of the model's input.
    public var window: Int?
    /// Occlusion: pixels from one square to the next.
    public var stride: Int?
    /// Occlusion: what hides.
    public var fill: Baseline?
    /// RISE: cells of a mask along each side, before it is enlarged.
    public var cells: Int?
    /// RISE: the part of the cells that is kept.
    public var keep: Float?

    public init() {}
}

/// A picture, or a part of one, that shows nothing.
public enum Baseline: String, Codable, CaseIterable, Sendable {
    case black
    /// The preprocessing's mean, 0 as the model takes it.
    case mean
}

extension ExplainedScores {
    /// The baseline's three channels, as the model takes them.
    func channels(_ baseline: Baseline) -> [Float] {
        let preprocessing = seen.view.encoder.preprocessing
        switch baseline {
        case .black: return zip(preprocessing.mean, preprocessing.std).map { -$0 / $1 }
        case .mean: return [0, 0, 0]
        }
    }
}
