import Foundation

struct BatchNormSaved {
    /// (x - mean) / sqrt(variance + epsilon), the shape of x.
    let normalised: Tensor
    let gamma: Tensor
    /// 1 / sqrt(variance + epsilon), `[C]`.
    let inverse: Tensor
}

/// Batch normalisation with the batch's statistics (Ioffe & Szegedy 2015, algorithm 1); x `[..., C]`, gamma and beta `[C]`.
/// Statistics are summed in double.
/// - Returns: y, the batch's mean and biased variance `[C]`, and what backward needs.
func batchNormForward(_ x: Tensor, gamma: Tensor, beta: Tensor, epsilon: Float) -> (Tensor, Tensor, Tensor, BatchNormSaved) {
    let c = gamma.count, rows = x.count / max(1, c)
    let mean = Tensor([c]), variance = Tensor([c]), inverse = Tensor([c])
    let y = Tensor(uninitialized: x.shape), normalised = Tensor(uninitialized: x.shape)
    Parallel.ranges(c, grain: 4) { range in
        var sum = [Double](repeating: 0, count: range.count), squares = sum
        for r in 0..<rows { for ch in range { sum[ch - range.lowerBound] += Double(x.pointer[r * c + ch]) } }
        for i in sum.indices { sum[i] /= Double(max(1, rows)) }
        for r in 0..<rows {
            for ch in range {
                let d = Double(x.pointer[r * c + ch]) - sum[ch - range.lowerBound]
                squares[ch - range.lowerBound] += d * d
            }
        }
        for ch in range {
            let v = squares[ch - range.lowerBound] / Double(max(1, rows))
            mean.pointer[ch] = Float(sum[ch - range.lowerBound])
            variance.pointer[ch] = Float(v)
            inverse.pointer[ch] = Float(1 / (v + Double(epsilon)).squareRoot())
        }
    }
    Parallel.ranges(rows, grain: 64) { range in
        for r in range {
            for ch in 0..<c {
                let value = (x.pointer[r * c + ch] - mean.pointer[ch]) * inverse.pointer[ch]
                normalised.pointer[r * c + ch] = value
                y.pointer[r * c + ch] = value * gamma.pointer[ch] + beta.pointer[ch]
            }
        }
    }
    return (y, mean, variance, BatchNormSaved(normalised: normalised, gamma: gamma, inverse: inverse))
}

/// dx = gamma / sqrt(v + e) * (g - mean(g) - x^ mean(g x^)); dgamma = sum g x^; dbeta = sum g. g `[K] +` the shape of x.
func batchNormBackward(_ g: Tensor, saved: BatchNormSaved, seeds: Int) -> [Tensor?] {
    let c = saved.gamma.count, size = saved.normalised.count, rows = size / max(1, c)
    let dx = Tensor(uninitialized: [seeds] + saved.normalised.shape)
    let dGamma = Tensor([seeds, c]), dBeta = Tensor([seeds, c])
    for k in 0..<seeds {
        let gradient = g.pointer + k * size
        Parallel.ranges(c, grain: 4) { range in
            var sum = [Double](repeating: 0, count: range.count), products = sum
            for r in 0..<rows {
                for ch in range {
                    let value = Double(gradient[r * c + ch])
                    sum[ch - range.lowerBound] += value
                    products[ch - range.lowerBound] += value * Double(saved.normalised.pointer[r * c + ch])
                }
            }
            for ch in range {
                dBeta.pointer[k * c + ch] = Float(sum[ch - range.lowerBound])
                dGamma.pointer[k * c + ch] = Float(products[ch - range.lowerBound])
            }
        }
        Parallel.ranges(rows, grain: 64) { range in
            for r in range {
                for ch in 0..<c {
                    let p = r * c + ch
                    let centred = gradient[p] - dBeta.pointer[k * c + ch] / Float(rows)
                        - saved.normalised.pointer[p] * dGamma.pointer[k * c + ch] / Float(rows)
                    dx.pointer[k * size + p] = saved.gamma.pointer[ch] * saved.inverse.pointer[ch] * centred
                }
            }
        }
    }
    return [dx, dGamma, dBeta]
}

/// y = x * scale + shift by channel; x `[..., C]`.
func channelAffineForward(_ x: Tensor, scale: Tensor, shift: Tensor) -> Tensor {
    let c = scale.count
    let y = Tensor(uninitialized: x.shape)
    Parallel.ranges(x.count / max(1, c), grain: 64) { range in
        for r in range {
            let row = y.pointer + r * c
            mapVectors2(c, x.pointer + r * c, scale.pointer, row) { $0 * $1 }
            mapVectors2(c, row, shift.pointer, row) { $0 + $1 }
        }
    }
    return y
}

/// Gradients of x, scale and shift; g `[K] +` the shape of x.
func channelAffineBackward(_ g: Tensor, x: Tensor, scale: Tensor, seeds: Int, needed: [Bool]) -> [Tensor?] {
    let c = scale.count
    var dx: Tensor?, dScale: Tensor?, dShift: Tensor?
    if needed[0] {
        let result = Tensor(uninitialized: g.shape)
        for r in 0..<g.count / max(1, c) { mapVectors2(c, g.pointer + r * c, scale.pointer, result.pointer + r * c) { $0 * $1 } }
        dx = result
    }
    if needed[1] || needed[2] {
        precondition(seeds == 1, "parameter gradients are for one seed")
        dScale = columnSums(multiplyForward(g, x), columns: c)
        dShift = columnSums(g, columns: c)
    }
    return [dx, dScale, dShift]
}

/// One convolution that does what a convolution and the batch normalisation after it do; worked out in double.
/// weight `[O, ...]`, all others `[O]`.
public func foldedBatchNorm(
    weight: Tensor, bias: Tensor?, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor, epsilon: Float
) -> (weight: Tensor, bias: Tensor) {
    let outputs = weight.shape[0], each = weight.count / max(1, outputs)
    let newWeight = Tensor(uninitialized: weight.shape), newBias = Tensor(uninitialized: [outputs])
    for o in 0..<outputs {
        let scale = Double(gamma.pointer[o]) / (Double(variance.pointer[o]) + Double(epsilon)).squareRoot()
        for i in 0..<each { newWeight.pointer[o * each + i] = Float(Double(weight.pointer[o * each + i]) * scale) }
        newBias.pointer[o] = Float((Double(bias?.pointer[o] ?? 0) - Double(mean.pointer[o])) * scale + Double(beta.pointer[o]))
    }
    return (newWeight, newBias)
}
