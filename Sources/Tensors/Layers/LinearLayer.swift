/// y = x W^T + b. Parameters `weight` `[O, I]` and, with a bias, `bias` `[O]`: PyTorch's names and shapes.
public struct Linear {
    /// `[O, I]`
    public let weight: Variable
    /// `[O]`
    public let bias: Variable?
    private let prepared: PreparedLinear?

    /// - Parameter bound: new weights are uniform in ±bound; nil means 1/sqrt(I), as in PyTorch.
    public init(_ p: Parameters, inputs: Int, outputs: Int, bias: Bool = true, bound: Float? = nil) {
        let bound = bound ?? 1 / Float(max(1, inputs)).squareRoot()
        weight = p("weight", shape: [outputs, inputs], initial: .uniform(bound))
        self.bias = bias ? p("bias", shape: [outputs], initial: .zeros) : nil
        prepared = p.isInference ? PreparedLinear(weight: weight.value) : nil
    }

    /// x `[..., I] -> [..., O]`
    public func callAsFunction(_ x: Variable) -> Variable { linear(x, weight, bias, prepared: prepared) }
}
