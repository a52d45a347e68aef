/// Settings of the methods that have some; nil where the method's own default holds.
public struct MethodSettings: Codable, Equatable, Sendable {
    /// Noisy images (SmoothGrad), steps from the baseline (integrated gradients), masks (RISE).
    public var samples: Int?
    /// Seed of the noise and of the masks.
    public var seed: UInt64?
    /// SmoothGrad: the noise's standard deviation, as a part of the range of the image's values.
    public var noise: Float?
    /// Integrated gradients: the image that the path starts from.
    public var baseline: Baseline?
    /// Occlusion: side of the square that is hidden, in pixels of the model's input.
    public var window: Int?
    /// Occlusion: pixels from one square to the next.
    public var stride: Int?
    /// Occlusion: what the square is filled with.
    public var fill: Baseline?
    /// RISE: cells of a mask along each side, before the mask is enlarged.
    public var cells: Int?
    /// RISE: the part of the cells that is kept.
    public var keep: Float?

    /// Finer-CAM: what each target is held against.
    public var comparison = TargetComparison()

    /// Every method's own defaults.
    public init() {}
}
