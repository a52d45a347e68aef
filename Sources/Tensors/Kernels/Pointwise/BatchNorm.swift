import CKernels
import Foundation

struct BatchNormSaved {
    let x: Tensor
    let gamma: Tensor
    let mean: Tensor
    /// 1 / sqrt(variance + epsilon), `[C]`.
    let inverse: Tensor
}

/// Sums over the rows of a map `[..., C]`, in blocks of rows of a fixed size: in float inside a block, in double
/// between blocks. The order does not depend on the number of threads.
private struct RowBlocks {
    let rows: Int, channels: Int
    let block: Int
    var count: Int { (rows + block - 1) / block }

    init(rows: Int, channels: Int) {
        self.rows = rows
        self.channels = channels
        block = max(8, min(512, (1 << 13) / max(1, channels)))
    }

    /// Calls `body(rows of block b, b)` for every block.
    func run(_ body: (Range<Int>, Int) -> Void) {
        Parallel.ranges(count, grain: 4) { range in
            for b in range { body(b * block..<min(rows, (b + 1) * block), b) }
        }
    }

    /// The sum of `[blocks, C]` over the blocks, in double.
    func total(_ parts: Tensor) -> [Double] {
        var sums = [Double](repeating: 0, count: channels)
        for b in 0..<count { for ch in 0..<channels { sums[ch] += Double(parts.pointer[b * channels + ch]) } }
        withExtendedLifetime(parts) {}
        return sums
    }
}

/// Sums over all rows of x `[..., C]`: `[C]`.
func channelSums(_ x: Tensor, channels c: Int) -> Tensor {
    let blocks = RowBlocks(rows: c == 0 ? 0 : x.count / c, channels: c)
    let parts = Tensor(uninitialized: [blocks.count, c])
    blocks.run { rows, b in
        for ch in stride(from: 0, to: c, by: 16) {
            let valid = c - ch
            var sum = Vector.zero
            for r in rows { sum += Vector(at: x.pointer + (r * c + ch), first: valid) }
            sum.store(to: parts.pointer + (b * c + ch), first: valid)
        }
    }
    return Tensor([c], blocks.total(parts).map { Float($0) })
}

/// Batch normalisation with the batch's statistics (Ioffe & Szegedy 2015, algorithm 1); x `[..., C]`, gamma and beta
/// `[C]`.
///
/// One pass over x gives the mean of each block and the squared deviations from it. The blocks are merged in double
/// (Chan, Golub & LeVeque 1979), so a mean much larger than the deviation costs no accuracy.
/// - Returns: y, the batch's mean and biased variance `[C]`, and the values that the backward pass needs.
func batchNormForward(_ x: Tensor, gamma: Tensor, beta: Tensor, epsilon: Float) -> (
    Tensor, Tensor, Tensor, BatchNormSaved
) {
    let c = gamma.count
    let rows = x.count / max(1, c)
    let blocks = RowBlocks(rows: rows, channels: c)
    let means = Tensor(uninitialized: [blocks.count, c])
    let squares = Tensor(uninitialized: [blocks.count, c])
    blocks.run { rows, b in
        for ch in stride(from: 0, to: c, by: 16) {
            let valid = c - ch
            // Values relative to the first row are no larger than their spread.
            let pivot = Vector(at: x.pointer + ch, first: valid)
            var sum = Vector.zero
            var square = Vector.zero
            for r in rows { sum += Vector(at: x.pointer + (r * c + ch), first: valid) - pivot }
            let mean = sum / Float(rows.count)
            for r in rows {
                let d = Vector(at: x.pointer + (r * c + ch), first: valid) - pivot - mean
                square += d * d
            }
            mean.store(to: means.pointer + (b * c + ch), first: valid)
            square.store(to: squares.pointer + (b * c + ch), first: valid)
        }
    }
    let mean = Tensor([c])
    let variance = Tensor([c])
    let inverse = Tensor([c])
    for ch in 0..<c {
        var count = 0.0
        var m = 0.0
        var deviations = 0.0
        for b in 0..<blocks.count {
            let size = Double(min(blocks.block, rows - b * blocks.block))
            let delta = Double(means.pointer[b * c + ch]) - m
            count += size
            m += delta * size / count
            deviations += Double(squares.pointer[b * c + ch]) + delta * delta * size * (count - size) / count
        }
        let v = deviations / max(1, count)
        mean.pointer[ch] = Float(m + (rows > 0 ? Double(x.pointer[ch]) : 0))
        variance.pointer[ch] = Float(v)
        inverse.pointer[ch] = Float(1 / (v + Double(epsilon)).squareRoot())
    }
    withExtendedLifetime((means, squares)) {}
    let y = Tensor(uninitialized: x.shape)
    blocks.run { rows, _ in
        for ch in stride(from: 0, to: c, by: 16) {
            let valid = c - ch
            let centre = Vector(at: mean.pointer + ch, first: valid)
            let shift = Vector(at: beta.pointer + ch, first: valid)
            let scale = Vector(at: gamma.pointer + ch, first: valid) * Vector(at: inverse.pointer + ch, first: valid)
            for r in rows {
                let at = r * c + ch
                ((Vector(at: x.pointer + at, first: valid) - centre) * scale + shift).store(
                    to: y.pointer + at, first: valid)
            }
        }
    }
    return (y, mean, variance, BatchNormSaved(x: x, gamma: gamma, mean: mean, inverse: inverse))
}

/// With x^ = (x - mean) / sqrt(v + e): dx = gamma / sqrt(v + e) * (g - mean(g) - x^ mean(g x^)); dgamma = sum g x^;
/// dbeta = sum g. g `[K] +` the shape of x.
func batchNormBackward(_ g: Tensor, saved: BatchNormSaved, seeds: Int) -> [Tensor?] {
    let x = saved.x
    let c = saved.gamma.count
    let rows = x.count / max(1, c)
    let dx = Tensor(uninitialized: [seeds] + x.shape)
    let dGamma = Tensor([seeds, c])
    let dBeta = Tensor([seeds, c])
    let blocks = RowBlocks(rows: rows, channels: c)
    let sums = Tensor(uninitialized: [blocks.count, c])
    let products = Tensor(uninitialized: [blocks.count, c])
    for k in 0..<seeds {
        let gradient = g.pointer + k * x.count
        let output = dx.pointer + k * x.count
        blocks.run { rows, b in
            for ch in stride(from: 0, to: c, by: 16) {
                let valid = c - ch
                let centre = Vector(at: saved.mean.pointer + ch, first: valid)
                let inverse = Vector(at: saved.inverse.pointer + ch, first: valid)
                var sum = Vector.zero
                var product = Vector.zero
                for r in rows {
                    let value = Vector(at: gradient + (r * c + ch), first: valid)
                    sum += value
                    product += value * (Vector(at: x.pointer + (r * c + ch), first: valid) - centre)
                }
                sum.store(to: sums.pointer + (b * c + ch), first: valid)
                (product * inverse).store(to: products.pointer + (b * c + ch), first: valid)
            }
        }
        let beta = blocks.total(sums)
        let gamma = blocks.total(products)
        for ch in 0..<c {
            dBeta.pointer[k * c + ch] = Float(beta[ch])
            dGamma.pointer[k * c + ch] = Float(gamma[ch])
        }
        let meanG = Tensor([c], beta.map { Float($0 / Double(max(1, rows))) })
        let meanProduct = Tensor([c], gamma.map { Float($0 / Double(max(1, rows))) })
        blocks.run { rows, _ in
            for ch in stride(from: 0, to: c, by: 16) {
                let valid = c - ch
                let centre = Vector(at: saved.mean.pointer + ch, first: valid)
                let inverse = Vector(at: saved.inverse.pointer + ch, first: valid)
                let scale = Vector(at: saved.gamma.pointer + ch, first: valid) * inverse
                let shift = Vector(at: meanG.pointer + ch, first: valid)
                let slope = Vector(at: meanProduct.pointer + ch, first: valid) * inverse
                for r in rows {
                    let at = r * c + ch
                    let normalised = (Vector(at: x.pointer + at, first: valid) - centre) * slope
                    ((Vector(at: gradient + at, first: valid) - shift - normalised) * scale).store(
                        to: output + at, first: valid)
                }
            }
        }
        withExtendedLifetime((meanG, meanProduct)) {}
    }
    withExtendedLifetime((sums, products)) {}
    return [dx, dGamma, dBeta]
}

/// y = activation(x * scale + shift) by channel; x `[..., C]`.
func channelAffineForward(_ x: Tensor, scale: Tensor, shift: Tensor, activation: Activation = .none) -> Tensor {
    let c = scale.count
    let y = Tensor(uninitialized: x.shape)
    let input = x.pointer, output = y.pointer, a = scale.pointer, b = shift.pointer
    Parallel.ranges(x.count / max(1, c), grain: max(1, (1 << 13) / max(1, c))) { range in
        for r in range {
            let from = input + r * c, to = output + r * c
            var ch = 0
            while ch &+ 16 <= c {
                (Vector(at: from + ch) * Vector(at: a + ch) + Vector(at: b + ch)).store(to: to + ch)
                ch &+= 16
            }
            if ch < c {
                let valid = c - ch
                (Vector(at: from + ch, first: valid) * Vector(at: a + ch, first: valid)
                    + Vector(at: b + ch, first: valid)).store(to: to + ch, first: valid)
            }
            activation.apply(c, to, to)
        }
    }
    return y
}

/// Gradients of x, scale and shift; g `[K] +` the shape of x.
func channelAffineBackward(_ g: Tensor, x: Tensor, scale: Tensor, seeds: Int, needed: [Bool]) -> [Tensor?] {
    let c = scale.count
    var dx: Tensor?
    var dScale: Tensor?
    var dShift: Tensor?
    if needed[0] {
        let result = Tensor(uninitialized: g.shape)
        Parallel.ranges(g.count / max(1, c), grain: 64) { range in
            for r in range { kernels.multiply(c, g.pointer + r * c, scale.pointer, 1, result.pointer + r * c) }
        }
        dx = result
    }
    if needed[1] || needed[2] {
        precondition(seeds == 1, "parameter gradients are for one seed")
        dScale = channelSums(multiplyForward(g, x), channels: c)
        dShift = channelSums(g, channels: c)
    }
    return [dx, dScale, dShift]
}

/// Folds batch normalisation into the convolution before it; computed in double. weight `[O, ...]`, all others `[O]`.
public func foldedBatchNorm(
    weight: Tensor, bias: Tensor?, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor, epsilon: Float
) -> (weight: Tensor, bias: Tensor) {
    let outputs = weight.shape[0]
    let each = weight.count / max(1, outputs)
    let newWeight = Tensor(uninitialized: weight.shape)
    let newBias = Tensor(uninitialized: [outputs])
    for o in 0..<outputs {
        let scale = Double(gamma.pointer[o]) / (Double(variance.pointer[o]) + Double(epsilon)).squareRoot()
        for i in 0..<each { newWeight.pointer[o * each + i] = Float(Double(weight.pointer[o * each + i]) * scale) }
        newBias.pointer[o] = Float(
            (Double(bias?.pointer[o] ?? 0) - Double(mean.pointer[o])) * scale + Double(beta.pointer[o]))
    }
    return (newWeight, newBias)
}
