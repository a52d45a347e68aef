import Tensors

/// The sum of a layer's output over its channels: where the encoder reacts at all. It does not depend on the target, so
/// it is the same for every word. A method has to be better than it.
public struct ActivationSum: ExplanationMethod {
    public let name = "activation"
    public let summary = "the sum of a layer's channels, the same for every score: a baseline"
    public let paper = "Zagoruyko & Komodakis 2017, arXiv 1612.03928, section 3.1"
    public let support = MethodSupport.layer
    public let hasCounterfactual = false

    /// The method; it has no settings.
    public init() {}

    public func maps(of context: AttributionContext) -> Tensor {
        repeated(Self.map(context.activations), context.count)
    }

    /// The sum over the channels. activations A `[1, u, v, K] -> [u, v]`
    public static func map(_ activations: Tensor) -> Tensor {
        let channels = activations.shape[3]
        let cells = activations.shape[1] * activations.shape[2]
        let sums = (0..<cells).map { cell -> Float in
            let row = activations.pointer + cell * channels
            return (0..<channels).reduce(0) { $0 + row[$1] }
        }
        return withExtendedLifetime(activations) { Tensor([activations.shape[1], activations.shape[2]], sums) }
    }
}
