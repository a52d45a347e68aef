/// A convolution with its batch normalisation and its activation, the unit that most CNNs consist of.
///
/// The layer has two forms. *Normalised*: parameters `<convolution>.weight` `[O, I/groups, kh, kw]` and
/// `<norm>.weight`, `.bias`, `.running_mean`, `.running_var` `[O]`. It trains with the batch's statistics, and is
/// folded into one convolution for inference. *Folded*: `<convolution>.weight` and `<convolution>.bias`, the form in
/// which models are shipped and fine-tuned.
public struct Convolution {
    private enum Form {
        case folded(weight: Variable, bias: Variable?, prepared: PreparedConvolution?)
        case normalised(
            weight: Variable, bias: Variable?, gamma: Variable, beta: Variable, epsilon: Float, norm: Parameters)
    }

    public let geometry: ConvolutionGeometry
    public let activation: Activation
    let outputs: Int
    private let form: Form

    /// - Parameters:
    ///   - norm: the name of the batch normalisation; nil for the folded form or a plain convolution.
    ///   - bias: whether the convolution has its own bias; nil means that it has one if it has no normalisation.
    ///   - scale, shift: the initial gamma and beta of the normalisation in a new model.
    public init(
        _ p: Parameters, _ name: String, inputs: Int, outputs: Int, _ geometry: ConvolutionGeometry,
        activation: Activation = .none, norm: String? = nil, epsilon: Float = 1e-3, scale: Float = 1, shift: Float = 0,
        bias hasBias: Bool? = nil
    ) {
        self.geometry = geometry
        self.activation = activation
        self.outputs = outputs
        let fan = inputs / geometry.groups * geometry.kernelHeight * geometry.kernelWidth
        let weight = p[name](
            "weight", shape: [outputs, inputs / geometry.groups, geometry.kernelHeight, geometry.kernelWidth],
            layout: .convolution, initial: .normal((2 / Float(fan)).squareRoot()))  // He et al. 2015
        let bias = hasBias ?? (norm == nil) ? p[name]("bias", shape: [outputs], initial: .zeros) : nil
        guard let norm else {
            let prepared = p.isInference ? PreparedConvolution(weight: weight.value, geometry: geometry) : nil
            form = .folded(weight: weight, bias: bias, prepared: prepared)
            return
        }
        let n = p[norm]
        let gamma = n("weight", shape: [outputs], initial: .constant(scale))
        let beta = n("bias", shape: [outputs], initial: .constant(shift))
        let mean = n.buffer("running_mean", shape: [outputs], initial: .zeros)
        let variance = n.buffer("running_var", shape: [outputs], initial: .ones)
        if gamma.isRecorded {
            form = .normalised(weight: weight, bias: bias, gamma: gamma, beta: beta, epsilon: epsilon, norm: n)
        } else {
            let folded = foldedBatchNorm(
                weight: weight.value, bias: bias?.value, gamma: gamma.value, beta: beta.value, mean: mean,
                variance: variance, epsilon: epsilon)
            form = .folded(
                weight: Variable(folded.weight), bias: Variable(folded.bias),
                prepared: p.isInference ? PreparedConvolution(weight: folded.weight, geometry: geometry) : nil)
        }
    }

    /// x `[N, H, W, I] -> [N, H', W', O]`
    public func callAsFunction(_ x: Variable) -> Variable {
        switch form {
        case .folded(let weight, let bias, let prepared):
            return convolution(x, weight, bias, geometry, activation: activation, prepared: prepared)
        case .normalised(let weight, let bias, let gamma, let beta, let epsilon, let norm):
            let (y, mean, variance) = batchNorm(
                convolution(x, weight, bias, geometry), gamma: gamma, beta: beta, epsilon: epsilon)
            norm.observe(mean: mean, variance: variance, count: y.value.count / max(1, mean.count))
            return y.activated(activation)
        }
    }

    /// activation(convolution + shortcut), the end of a residual block, for a layer without its own activation. If
    /// nothing is recorded, the kernel adds the shortcut before it stores a result, so the sum without the activation
    /// is never stored.
    /// - Parameters: x `[N, H, W, I]`; shortcut `[N, H', W', O]`.
    public func callAsFunction(
        _ x: Variable, adding shortcut: Variable, activation after: Activation = .none
    ) -> Variable {
        guard case .folded(let weight, let bias, let prepared?) = form, activation == .none, after.bounds != nil,
            !x.isRecorded, !shortcut.isRecorded, !isDepthwise(weight.value, geometry)
        else {
            let sum = self(x) + shortcut
            return after == .none ? sum : sum.activated(after)
        }
        return Variable(
            convolutionForward(
                x.value, weight: weight.value, bias: bias?.value, shortcut: shortcut.value, geometry: geometry,
                activation: after, prepared: prepared))
    }

    /// The layer and a 2x2 maximum pool after it in one kernel. The map between them is never stored.
    /// - Returns: `[N, H' / 2, W' / 2, O]`; nil if x is recorded, or if no kernel does both.
    public func pooledByTwo(_ x: Variable) -> Variable? {
        guard case .folded(_, let bias, let prepared?) = form, !x.isRecorded else { return nil }
        return pooledConvolutionForward(
            x.value, bias: bias?.value, geometry: geometry, activation: activation, prepared: prepared
        ).map { Variable($0) }
    }

    /// The layer, if it is a 1x1 convolution that is not trained and whose activation is a clamp.
    var preparedPointwise: PointwiseLayer? {
        guard case .folded(_, let bias, let prepared?) = form, case .packed(let matrices) = prepared.layout,
            geometry.isPointwise, matrices.count == 1, activation.bounds != nil
        else { return nil }
        return PointwiseLayer(matrix: matrices[0], bias: bias?.value, activation: activation)
    }

    /// The layer, if it is a depthwise convolution that is not trained and whose activation is a clamp.
    var preparedDepthwise: DepthwiseLayer? {
        guard case .folded(_, let bias, let prepared?) = form, case .depthwise(let panels) = prepared.layout,
            activation.bounds != nil
        else { return nil }
        return DepthwiseLayer(panels: panels, bias: bias?.value, geometry: geometry, activation: activation)
    }
}
