import Tensors

/// Finer-CAM (Zhang et al. 2025, arXiv 2501.11309, section 3): Grad-CAM of a target less what is like it,
/// y' = y - gamma x the mean over k comparisons d of y_d. The comparisons are the outputs with the nearest scores:
/// other classes, other answers, other words at the same position of a caption.
///
/// k = 3 and gamma = 0.6 are those of the paper's code. It weighs the comparisons by their probabilities; here they
/// count alike, as in the paper and in torch-cam. A contrast already has its comparison and stays as it is.
///
/// ``ExplanationOptions/comparison`` does the same for any method.
public struct FinerCAM: ExplanationMethod {
    public let name = "finer-cam"
    public let summary = "Grad-CAM of the score less the scores of what is most like the target"
    public let paper = "Zhang et al. 2025, arXiv 2501.11309"
    public let support = MethodSupport.layer
    /// What makes the maps of y'.
    let base: any ExplanationMethod
    let comparison: TargetComparison

    /// - Parameters:
    ///   - comparison: how many outputs each target is held against, and how much of their mean is taken away.
    ///   - base: the method whose maps are made.
    public init(_ comparison: TargetComparison = TargetComparison(), base: any ExplanationMethod = GradCAM()) {
        (self.comparison, self.base) = (comparison, base)
    }

    /// The maps of y' by the base method, `[S, u, v]`, raw and signed.
    /// - Throws: what the base method throws.
    public func maps(of context: AttributionContext) throws -> Tensor {
        let outputs = context.outputs.array, choices = context.head.choices ?? outputs.count
        let finer = context.targets.map { $0.compared(comparison, outputs: outputs, choices: choices) }
        return try base.maps(of: context.explaining(finer))
    }
}
