/// What is measured beside the metrics that compare maps with regions.
public struct EvaluationOptions: Sendable {
    /// Deletion, insertion, average drop, ROAD, occlusion: hundreds of runs of the model for each target.
    public var faithfulness: Bool
    /// How alike the maps of one caption's words are, and how alike maps stay while the model's layers are randomised
    /// (``CascadingRandomisation``).
    public var sanity: Bool
    public var bootstrap: Bootstrap

    public init(faithfulness: Bool = false, sanity: Bool = false, bootstrap: Bootstrap = Bootstrap()) {
        self.faithfulness = faithfulness
        self.sanity = sanity
        self.bootstrap = bootstrap
    }
}
