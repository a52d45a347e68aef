/// The cell of a recurrent layer, as in a model's `config.json`.
public enum RecurrentCell: String, Codable, Sendable {
    case lstm
    /// ``MaxoutLSTM``
    case maxout
}

/// A recurrent layer with a state of h and c.
public protocol RecurrentLayer {
    /// H
    var hidden: Int { get }
    /// x `[T, N, I]`, h and c `[N, H]`; returns h `[T, N, H]` and c `[T, N, H]` of all steps.
    func callAsFunction(_ x: Variable, h: Variable, c: Variable) -> (h: Variable, c: Variable)
}

extension LSTM: RecurrentLayer {}

/// An LSTM whose new contents are the larger of two candidates instead of a tanh (Rennie et al. 2017, arXiv
/// 1612.00563, appendix; ruotianluo's `LSTMCore`): s = W_x x + W_h h + b in five parts; i, f, o = sigmoid(s_1, s_2,
/// s_3), g = max(s_4, s_5), c' = f c + i g, h' = o tanh(c').
///
/// Parameters `weight_ih_l0` `[5H, I]`, `weight_hh_l0` `[5H, H]`, `bias_l0` `[5H]`.
public struct MaxoutLSTM: RecurrentLayer {
    public let hidden: Int
    let weightInput: Variable
    let weightHidden: Variable
    let bias: Variable

    public init(_ p: Parameters, inputs: Int, hidden: Int) {
        let bound = 1 / Float(hidden).squareRoot()
        self.hidden = hidden
        weightInput = p("weight_ih_l0", shape: [5 * hidden, inputs], initial: .uniform(bound))
        weightHidden = p("weight_hh_l0", shape: [5 * hidden, hidden], initial: .uniform(bound))
        bias = p("bias_l0", shape: [5 * hidden], initial: .zeros)
    }

    /// One step.
    /// - Parameters:
    ///   - x: `[N, I]`, h and c `[N, H]`.
    ///   - candidates: what is added to s_4 and s_5, `[N, 2H]`; nil for nothing.
    /// - Returns: h and c `[N, H]`.
    public func step(
        _ x: Variable, h: Variable, c: Variable, candidates: Variable? = nil
    ) -> (h: Variable, c: Variable) {
        let sums = linear(x, weightInput, bias) + linear(h, weightHidden)
        func part(_ k: Int) -> Variable { sums.slicedLast(k * hidden..<(k + 1) * hidden) }
        var pair = (part(3), part(4))
        if let candidates {
            pair = (
                pair.0 + candidates.slicedLast(0..<hidden), pair.1 + candidates.slicedLast(hidden..<2 * hidden)
            )
        }
        let new = part(1).activated(.sigmoid) * c + part(0).activated(.sigmoid) * maximum(pair.0, pair.1)
        return (part(2).activated(.sigmoid) * new.activated(.tanh), new)
    }

    public func callAsFunction(_ x: Variable, h: Variable, c: Variable) -> (h: Variable, c: Variable) {
        var (h, c) = (h, c)
        var all: (h: [Variable], c: [Variable]) = ([], [])
        for t in 0..<x.shape[0] {
            (h, c) = step(x.rows(t..<t + 1).reshaped([x.shape[1], x.shape[2]]), h: h, c: c)
            all.h.append(h)
            all.c.append(c)
        }
        return (stackedRows(all.h), stackedRows(all.c))
    }
}

/// T variables `[N, W]` as one, `[T, N, W]`.
public func stackedRows(_ steps: [Variable]) -> Variable {
    guard let first = steps.first else { return Variable(Tensor([0, 0, 0])) }
    let (rows, width) = (first.shape[0], first.shape[1])
    if steps.count == 1 { return first.reshaped([1, rows, width]) }
    return concatenateLast(steps).reshaped([rows, steps.count, width]).permuted([1, 0, 2])
}
