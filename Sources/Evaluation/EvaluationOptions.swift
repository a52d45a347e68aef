import Vision

/// What is measured in addition to the metrics that compare maps with regions.
public struct EvaluationOptions: Sendable {
    /// Whether deletion, insertion, average drop, ROAD and occlusion are measured. They need hundreds of runs of the
    /// model for each target.
    public var faithfulness: Bool
    /// Whether the similarity of the maps of one caption's words is measured, and the similarity of maps before and
    /// after the model's layers are randomised (``CascadingRandomisation``).
    public var sanity: Bool
    /// For the intervals of the figures.
    public var bootstrap: Bootstrap
    /// The largest image to read.
    public var imageLimits: ImageLimits

    /// Options. See the properties for the meaning of each value.
    public init(
        faithfulness: Bool = false, sanity: Bool = false, bootstrap: Bootstrap = Bootstrap(),
        imageLimits: ImageLimits = .standard
    ) {
        self.faithfulness = faithfulness
        self.sanity = sanity
        self.bootstrap = bootstrap
        self.imageLimits = imageLimits
    }
}
