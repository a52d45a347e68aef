/// A one-layer LSTM (Hochreiter & Schmidhuber 1997; gates in PyTorch's order i, f, g, o).
///
/// Parameters `weight_ih_l0` `[4H, I]`, `weight_hh_l0` `[4H, H]`, and one `bias_l0` `[4H]`, the sum of PyTorch's two.
public struct LSTM {
    /// `[4H, I]`
    public let weightInput: Variable
    /// `[4H, H]`
    public let weightHidden: Variable
    /// `[4H]`
    public let bias: Variable
    /// H
    public let hidden: Int

    /// - Parameters:
    ///   - inputs: I.
    ///   - hidden: H.
    public init(_ p: Parameters, inputs: Int, hidden: Int) {
        let bound = 1 / Float(hidden).squareRoot()
        self.hidden = hidden
        weightInput = p("weight_ih_l0", shape: [4 * hidden, inputs], initial: .uniform(bound))
        weightHidden = p("weight_hh_l0", shape: [4 * hidden, hidden], initial: .uniform(bound))
        bias = p("bias_l0", shape: [4 * hidden], initial: .zeros)
    }

    /// x `[T, N, I]`, h and c `[N, H]`; returns h `[T, N, H]` and c `[T, N, H]` of all steps.
    public func callAsFunction(_ x: Variable, h: Variable, c: Variable) -> (h: Variable, c: Variable) {
        let states = lstm(x, h: h, c: c, weightInput: weightInput, weightHidden: weightHidden, bias: bias)
        let shape = Array(states.shape.dropFirst())
        return (states.rows(0..<1).reshaped(shape), states.rows(1..<2).reshaped(shape))
    }
}
