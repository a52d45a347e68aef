/// Batch normalisation (Ioffe & Szegedy 2015) of the last axis. For one that follows a convolution, see
/// ``Convolution``.
///
/// Parameters `weight`, `bias`, `running_mean`, `running_var` `[C]`. In training, the layer uses the batch's statistics
/// and updates the running ones with them. Otherwise it uses the running statistics.
public struct BatchNorm {
    private let gamma: Variable
    private let beta: Variable
    private let mean: Tensor
    private let variance: Tensor
    private let epsilon: Float
    private let parameters: Parameters
    private let isFrozen: Bool

    /// - Parameter isFrozen: use the running statistics in training too, and do not update them.
    public init(_ p: Parameters, channels: Int, epsilon: Float = 1e-5, isFrozen: Bool = false) {
        gamma = p("weight", shape: [channels], initial: .ones)
        beta = p("bias", shape: [channels], initial: .zeros)
        mean = p.buffer("running_mean", shape: [channels], initial: .zeros)
        variance = p.buffer("running_var", shape: [channels], initial: .ones)
        self.epsilon = epsilon
        parameters = p
        self.isFrozen = isFrozen
    }

    /// x `[..., C] -> [..., C]`, followed by the activation.
    public func callAsFunction(_ x: Variable, activation: Activation = .none) -> Variable {
        if isFrozen && (gamma.isRecorded || beta.isRecorded) {
            let factors = Tensor(mean.shape, variance.array.map { 1 / ($0 + epsilon).squareRoot() })
            let scale = gamma * Variable(factors)
            return channelAffine(x, scale: scale, shift: beta - Variable(mean) * scale, activation: activation)
        }
        if gamma.isRecorded {
            let (y, mean, variance) = batchNorm(x, gamma: gamma, beta: beta, epsilon: epsilon)
            parameters.observe(mean: mean, variance: variance, count: y.value.count / max(1, mean.count))
            return y.activated(activation)
        }
        let channels = mean.count, scale = Tensor(uninitialized: [channels]), shift = Tensor(uninitialized: [channels])
        for c in 0..<channels {
            scale.pointer[c] = gamma.value.pointer[c] / (variance.pointer[c] + epsilon).squareRoot()
            shift.pointer[c] = beta.value.pointer[c] - mean.pointer[c] * scale.pointer[c]
        }
        return channelAffine(x, scale: Variable(scale), shift: Variable(shift), activation: activation)
    }
}
