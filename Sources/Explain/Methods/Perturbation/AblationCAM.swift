import Tensors

/// Ablation-CAM (Desai & Ramaswamy 2020, WACV, eq. 4-5): with y_k the score after channel k of the layer was set to 0,
/// w_k = (y - y_k) / |y|; map = ReLU(sum over k of w_k A_k), here before the ReLU.
///
/// The paper divides by y, which it takes to be positive; a log-probability is not, and the sign would turn.
public struct AblationCAM: ExplanationMethod {
    public let name = "ablation-cam"
    public let summary = "a layer's channels weighted by what the score loses without them"
    public let paper = "Desai & Ramaswamy 2020, WACV"
    public let support = MethodSupport.layer

    /// The method; it has no settings.
    public init() {}

    public func maps(of context: AttributionContext) -> Tensor {
        let activations = context.activations, channels = activations.shape[3], size = activations.count
        var weights = [[Float]](repeating: [], count: context.count)
        let y = context.values
        context.inBatches(channels) { part in
            let ablated = Tensor(uninitialized: [part.count] + activations.shape.dropFirst())
            for (n, k) in part.enumerated() {
                let copy = ablated.pointer + n * size
                copy.update(from: activations.pointer, count: size)
                for i in stride(from: k, to: size, by: channels) { copy[i] = 0 }
            }
            let values = context.values(ofActivations: ablated)
            for n in 0..<part.count {
                for s in 0..<context.count { weights[s].append((y[s] - values[n, s]) / max(abs(y[s]), 1e-7)) }
            }
        }
        return withExtendedLifetime(activations) { ChannelSums.weighted(activations, weights) }
    }
}
