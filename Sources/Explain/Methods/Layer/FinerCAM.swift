import Tensors

/// Finer-CAM (Zhang et al. 2025, arXiv 2501.11309, section 3): Grad-CAM of a target less what is like it,
/// y' = y - gamma x the mean over k comparisons d of y_d. The comparisons are the outputs with the nearest scores:
/// other classes, other answers, other words at the same position of a caption.
///
/// k = 3 and gamma = 0.6 are those of the paper's code. It weighs the comparisons by their probabilities; here they
/// count alike, as in the paper and in torch-cam. A contrast already has its comparison and stays as it is.
public struct FinerCAM: ExplanationMethod {
    public let name = "finer-cam"
    public let summary = "Grad-CAM of the score less the scores of what is most like the target"
    public let paper = "Zhang et al. 2025, arXiv 2501.11309"
    public let support = MethodSupport.layer
    /// What makes the maps of y'.
    let base: any ExplanationMethod
    let comparisons: Int
    let weight: Float

    /// - Parameters:
    ///   - comparisons: k, how many outputs each target is held against; all others where there are fewer.
    ///   - weight: gamma, how much of their mean is taken away; 0 leaves `base` as it is.
    ///   - base: the method whose maps are made.
    public init(comparisons: Int = 3, weight: Float = 0.6, base: any ExplanationMethod = GradCAM()) {
        (self.comparisons, self.weight, self.base) = (comparisons, weight, base)
    }

    /// The maps of y' by the base method, `[S, u, v]`, raw and signed.
    /// - Throws: what the base method throws.
    public func maps(of context: AttributionContext) throws -> Tensor {
        let outputs = context.outputs.array, choices = context.head.choices ?? outputs.count
        let finer = context.targets.map {
            $0.compared(with: comparisons, weight: weight, outputs: outputs, choices: choices)
        }
        return try base.maps(of: context.explaining(finer))
    }
}
