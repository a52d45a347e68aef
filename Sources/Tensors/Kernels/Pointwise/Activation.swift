import CKernels
import CVector

/// Element-wise nonlinearities. Their derivatives are written in terms of the output y, so a fused or in-place forward
/// pass need not save x.
public enum Activation: String, Codable, Sendable {
    case none, relu, relu6, tanh, sigmoid

    /// y = f(x) for `count` numbers, on this thread; x may be y.
    func apply(_ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
        switch self {
        case .none: if UnsafePointer(y) != x { y.update(from: x, count: count) }
        case .relu: kernels.apply(MMX_RELU, count, x, y)
        case .relu6: kernels.apply(MMX_RELU6, count, x, y)
        case .tanh: kernels.apply(MMX_TANH, count, x, y)
        case .sigmoid: kernels.apply(MMX_SIGMOID, count, x, y)
        }
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
            func run(_ body: (Vector, Vector) -> Vector) {
                mapVectors2(
                    range.count, gradient + range.lowerBound, saved + range.lowerBound, output + range.lowerBound, body)
            }
            // The gradient is 0 where `y` is at most 0, or at least 6. Where `y` is NaN, it passes.
            @inline(__always) func positive(_ y: Vector, _ g: Vector) -> Vector { mmx_if_at_most(y, .zero, .zero, g) }
            @inline(__always) func belowSix(_ y: Vector, _ g: Vector) -> Vector {
                mmx_if_at_most(Vector(repeating: 6), y, .zero, g)
            }
            switch (kind, rule) {
            case (.none, _): run { g, _ in g }
            case (.tanh, _): run { g, y in g * (1 - y * y) }
            case (.sigmoid, _): run { g, y in g * y * (1 - y) }
            case (.relu, .exact): run { g, y in positive(y, g) }
            case (.relu6, .exact): run { g, y in belowSix(y, positive(y, g)) }
            case (.relu, .guided): run { g, y in positive(y, positive(g, g)) }
            case (.relu6, .guided): run { g, y in belowSix(y, positive(y, positive(g, g))) }
            case (.relu, .deconvolution), (.relu6, .deconvolution): run { g, _ in positive(g, g) }
            }
        }
    }
    return result
}
