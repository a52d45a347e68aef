import Tensors

/// An LSTM whose gates are clip(s, 0, 1) of their sums s in place of sigmoid(s): Keras's `hard_sigmoid`, whose slope and
/// 0.5 are in the weights of the gates. Parameters are those of `LSTM`.
struct ClippedLSTM: RecurrentLayer {
    private let weights: LSTM
    var hidden: Int { weights.hidden }

    init(_ p: Parameters, inputs: Int, hidden: Int) { weights = LSTM(p, inputs: inputs, hidden: hidden) }

    func callAsFunction(_ x: Variable, h: Variable, c: Variable) -> (h: Variable, c: Variable) {
        var (h, c) = (h, c)
        var all: (h: [Variable], c: [Variable]) = ([], [])
        for t in 0..<x.shape[0] {
            (h, c) = step(x.rows(t..<t + 1).reshaped([x.shape[1], x.shape[2]]), h: h, c: c)
            all.h.append(h)
            all.c.append(c)
        }
        return (stackedRows(all.h), stackedRows(all.c))
    }

    /// x `[N, I]`, h and c `[N, H]`; returns h and c `[N, H]`.
    private func step(_ x: Variable, h: Variable, c: Variable) -> (h: Variable, c: Variable) {
        let sums = linear(x, weights.weightInput, weights.bias) + linear(h, weights.weightHidden)
        func part(_ k: Int) -> Variable { sums.slicedLast(k * hidden..<(k + 1) * hidden) }
        let one = Variable(Tensor(h.shape, repeating: 1))
        /// clip(s, 0, 1) = relu(s) - relu(s - 1).
        func gate(_ k: Int) -> Variable { part(k).activated(.relu) - (part(k) - one).activated(.relu) }
        let new = gate(1) * c + gate(0) * part(2).activated(.tanh)
        return (gate(3) * new.activated(.tanh), new)
    }
}
