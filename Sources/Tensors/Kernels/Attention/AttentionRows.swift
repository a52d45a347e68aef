import CKernels
import CVector

/// What the attention of ``attentionLSTMForward`` reads. Its loops are in CKernels (recurrent.h).
///
/// tanh(k + q) = 1 - 2 s with s = 1 / (1 + e^2k e^2q). The exponential of a key is computed once, that of a query once
/// for each step. Each of the T N L A values of s then costs one product and one division, forward and backward.
/// Nothing of size N L A is stored.

/// Keys `[M, L, A]` in the form that the loops read: e^2k or k, in rows padded with zeros to whole vectors.
struct AttentionKeys {
    let values: Tensor
    /// Whether the keys are stored as e^2k, and the queries as e^2q. Keys beyond the limit are not, nor are those of a
    /// single step, where each exponential would be used only once.
    let isFactored: Bool
    /// The largest magnitude of a key whose exponential is stored. Queries are then clamped to 30: with |q| above 30,
    /// |k + q| is above 10, where tanh is 1 to the last bit.
    private static let limit: Float = 20
    /// A, and A rounded up to a multiple of 16.
    let width: Int, padded: Int

    /// - Parameter uses: the number of queries for each key.
    init(_ keys: Tensor, uses: Int) {
        let width = keys.shape[2]
        let padded = (width + 15) & ~15
        self.width = width
        self.padded = padded
        isFactored = uses > 2 && largestMagnitude(keys.pointer, keys.count) <= Self.limit
        if !isFactored && padded == width {
            values = keys
            return
        }
        let factored = isFactored
        let result = Tensor(uninitialized: [keys.shape[0], keys.shape[1], padded])
        let input = keys.pointer
        let output = result.pointer
        Parallel.ranges(keys.shape[0] * keys.shape[1], grain: max(1, 16384 / max(1, padded))) { range in
            for row in range { padRow(input + row * width, width, output + row * padded, exponentiated: factored) }
        }
        values = result
    }
}

@inline(__always)
private func padRow(
    _ input: UnsafePointer<Float>, _ width: Int, _ output: UnsafeMutablePointer<Float>, exponentiated: Bool
) {
    if exponentiated {
        kernels.exponentials(width, input, 2, 0, output)
    } else {
        output.update(from: input, count: width)
    }
    for j in width..<(width + 15) & ~15 { output[j] = 0 }
}

/// `factor * x` `[A]`, padded with zeros.
func paddedVector(_ x: Tensor, times factor: Float) -> Tensor {
    let result = Tensor([(x.count + 15) & ~15])
    mapVectors(x.count, x.pointer, result.pointer) { $0 * factor }
    return result
}

private func largestMagnitude(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var high = Vector.zero
    var i = 0
    while i &+ 16 <= count {
        let v = Vector(at: x + i)
        high = mmx_if_less(high, v, v, high)
        high = mmx_if_less(high, -v, -v, high)
        i &+= 16
    }
    var best = high.max()
    while i < count {
        best = max(best, abs(x[i]))
        i += 1
    }
    return best
}
