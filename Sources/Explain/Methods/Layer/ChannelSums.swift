import Tensors

/// What the methods over a layer's channels have in common.
enum ChannelSums {
    /// map_s = sum over k of w_sk A_k.
    /// - Parameters:
    ///   - activations: A, `[1, u, v, K]`.
    ///   - weights: w, `[S][K]`.
    /// - Returns: `[S, u, v]`.
    static func weighted(_ activations: Tensor, _ weights: [[Float]]) -> Tensor {
        let (rows, columns, channels) = (activations.shape[1], activations.shape[2], activations.shape[3])
        let cells = rows * columns, maps = Tensor(uninitialized: [weights.count, rows, columns])
        for (s, weights) in weights.enumerated() {
            for cell in 0..<cells {
                maps.pointer[s * cells + cell] = dotProduct(
                    weights, activations.pointer + cell * channels, channels)
            }
        }
        return withExtendedLifetime((activations, maps)) { maps }
    }

    /// map_sij = sum over k of term(A_kij, dy_s / dA_kij).
    /// - Parameter gradients: `[S, 1, u, v, K]`.
    /// - Returns: `[S, u, v]`.
    @inline(__always) static func elementwise(
        _ activations: Tensor, _ gradients: Tensor, _ term: (_ a: Float, _ g: Float) -> Float
    ) -> Tensor {
        let (rows, columns, channels) = (activations.shape[1], activations.shape[2], activations.shape[3])
        let cells = rows * columns, maps = Tensor(uninitialized: [gradients.shape[0], rows, columns])
        // Terms first and their sum then: loops that become vector instructions.
        let scratch = Tensor(uninitialized: [channels]), terms = scratch.pointer, whole = channels / 16 * 16
        for i in 0..<maps.count {
            let a = activations.pointer + i % cells * channels, g = gradients.pointer + i * channels
            for k in 0..<channels { terms[k] = term(a[k], g[k]) }
            var sums = SIMD16<Float>.zero
            for k in stride(from: 0, to: whole, by: 16) {
                sums += UnsafeRawPointer(terms + k).loadUnaligned(as: SIMD16<Float>.self)
            }
            var sum = sums.sum()
            for k in whole..<channels { sum += terms[k] }
            maps.pointer[i] = sum
        }
        return withExtendedLifetime((activations, gradients, scratch)) { maps }
    }

    /// w_sk = sum over i, j of term(A_kij, dy_s / dA_kij, k).
    /// - Returns: `[S][K]`.
    @inline(__always) static func weights(
        _ activations: Tensor, _ gradients: Tensor, _ term: (_ a: Float, _ g: Float, _ k: Int) -> Float
    ) -> [[Float]] {
        let cells = activations.shape[1] * activations.shape[2], channels = activations.shape[3]
        return withExtendedLifetime((activations, gradients)) {
            (0..<gradients.shape[0]).map { s in
                var weights = [Float](repeating: 0, count: channels)
                for cell in 0..<cells {
                    let a = activations.pointer + cell * channels
                    let g = gradients.pointer + (s * cells + cell) * channels
                    for k in 0..<channels { weights[k] += term(a[k], g[k], k) }
                }
                return weights
            }
        }
    }

    /// The sum of each channel over the cells, `[K]`.
    static func totals(_ activations: Tensor) -> [Float] {
        weights(activations, activations.reshaped([1] + activations.shape)) { a, _, _ in a }[0]
    }
}
