import Tensors

/// The model's own attention: the weights by which it mixes the image's regions. For Show, Attend and Tell (Xu et al.
/// 2015, arXiv 1502.03044, eq. 4-6) those before the word, for stacked attention those of the last look, for
/// co-attention those of the whole question. Nowhere negative; says where the model looked, not what for.
public struct ModelAttention: ExplanationMethod {
    public let name = "attention"
    public let summary = "where the model's own attention looks, for models that have one"
    public let paper = "Xu et al. 2015, arXiv 1502.03044"
    public let support = MethodSupport.lastLayer
    /// A VQA head attends once for all answers, and attention to a word has no opposite.
    public let hasCounterfactual = false

    /// The method; it has no settings.
    public init() {}

    public func maps(of context: AttributionContext) throws -> Tensor {
        let shape = Array(context.activations.shape[1...2])
        let maps = try context.targets.map { target -> [Float] in
            guard let attention = context.head.attention(target) else {
                throw ExplanationError(
                    kind: .methodDoesNotApply,
                    description: "attention does not apply to \(context.head.name), which has none; "
                        + "--method grad-cam applies to every model")
            }
            return attention.array
        }
        return Tensor([context.count] + shape, maps.flatMap { $0 })
    }
}
