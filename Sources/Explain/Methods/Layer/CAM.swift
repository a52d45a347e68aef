import Tensors

/// Class activation maps (Zhou et al. 2016, arXiv 1512.04150, eq. 2): M_c(i, j) = sum over k of w_ck A_kij, for a head
/// of global average pooling and one linear layer, logit_c = sum over k of w_ck mean_ij A_kij + b_c.
///
/// The mean of M_c over its cells is logit_c - b_c. Grad-CAM's map of such a network is M_c divided by the number of
/// cells (Selvaraju et al. 2017, section 3.1).
///
/// For any other head whose scores are a sum over the cells (``ModelHead/cellScores``), such as bilinear attention, the
/// map is each cell's own part of the score. The cells add up to the score less the part that no image changes.
public struct CAM: ExplanationMethod {
    public let name = "cam"
    public let summary = "each cell's own part of the score, for models whose score is a sum over cells"
    public let paper = "Zhou et al. 2016, arXiv 1512.04150"
    public let support = MethodSupport.lastLayer

    /// The method; it has no settings.
    public init() {}

    public func maps(of context: AttributionContext) throws -> Tensor {
        let own = context.targets.compactMap(context.head.cellScores)
        if own.count == context.count {
            return Tensor([context.count] + context.activations.shape[1...2], own.flatMap(\.array))
        }
        guard context.head.isPooledLinear else {
            throw ExplanationError(
                kind: .methodDoesNotApply,
                description: "cam needs a score that is a sum over the cells (global average pooling and one linear "
                    + "layer, or bilinear-attention), which \(context.head.name) does not have; --method grad-cam applies to it"
            )
        }
        return Self.maps(activations: context.activations, targets: context.targets, head: context.head.outputs)
    }

    /// - Parameters:
    ///   - activations: A, the feature map that the head takes, `[1, u, v, K]`.
    ///   - targets: sums of the head's logits.
    ///   - head: from `[N, u, v, K]` to logits `[N, classes]`. It is called with feature maps of one cell, which
    ///     pooling leaves as they are.
    /// - Returns: `[S, u, v]`, raw and signed.
    public static func maps(activations: Tensor, targets: [LinearTarget], head: (Variable) -> Variable) -> Tensor {
        let (rows, columns, channels) = (activations.shape[1], activations.shape[2], activations.shape[3])
        let cells = head(Variable(activations).reshaped([rows * columns, 1, 1, channels])).value
        let bias = head(Variable(Tensor([1, 1, 1, channels]))).value
        let values = targets.flatMap { target -> [Float] in
            let constant = target.values(bias)[0]
            return target.values(cells).map { $0 - constant }
        }
        return Tensor([targets.count, rows, columns], values)
    }
}
