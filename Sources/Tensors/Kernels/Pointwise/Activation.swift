import CKernels

/// Element-wise nonlinearities. Their derivatives are written in terms of the output y, so a fused or in-place forward
/// pass need not save x.
public enum Activation: String, Codable, Sendable {
    case none, relu, relu6, tanh, sigmoid

    /// As the kernels name it; nil for none.
    private var function: mmx_function? {
        switch self {
        case .none: nil
        case .relu: MMX_RELU
        case .relu6: MMX_RELU6
        case .tanh: MMX_TANH
        case .sigmoid: MMX_SIGMOID
        }
    }

    /// y = f(x) for `count` numbers, on this thread; x may be y.
    func apply(_ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
        if let function { return kernels.apply(function, count, x, y) }
        if UnsafePointer(y) != x { y.update(from: x, count: count) }
    }

    /// The gradient of x from that of y = f(x), g, for `count` numbers, on this thread.
    fileprivate func applyBackward(
        _ count: Int, _ g: UnsafePointer<Float>, y: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
        _ rule: ReLURule
    ) {
        guard let function else { return dx.update(from: g, count: count) }
        let rule =
            switch rule {
            case .exact: MMX_EXACT
            case .guided: MMX_GUIDED
            case .deconvolution: MMX_DECONVOLUTION
            }
        kernels.apply_backward(function, rule, count, g, y, dx)
    }
}

func activationForward(_ kind: Activation, _ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    let input = x.pointer, output = y.pointer
    Parallel.ranges(x.count, grain: kind.bounds == nil ? 1 << 12 : 1 << 14) { range in
        kind.apply(range.count, input + range.lowerBound, output + range.lowerBound)
    }
    return y
}

/// g `[K] + S`, y `[S]`. `rule` affects only the ReLUs. Under `exact` and `guided`, ReLU6 passes no gradient where it
/// is saturated.
func activationBackward(_ kind: Activation, _ g: Tensor, y: Tensor, rule: ReLURule) -> Tensor {
    let result = Tensor(uninitialized: g.shape)
    let size = y.count
    if size == 0 { return result }
    let seeds = g.count / size
    for k in 0..<seeds {
        let gradient = g.pointer + k * size, saved = y.pointer, output = result.pointer + k * size
        Parallel.ranges(size, grain: 1 << 14) { range in
            let from = range.lowerBound
            kind.applyBackward(range.count, gradient + from, y: saved + from, output + from, rule)
        }
    }
    return result
}
