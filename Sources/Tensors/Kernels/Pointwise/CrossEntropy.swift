import CKernels

struct CrossEntropySaved {
    let logits: Tensor
    /// log sum exp of each row.
    let shift: [Float]
    let targets: [Int]
    let weights: [Float]
    let smoothing: Float
}

/// The sum over rows r of weight_r * ((1 - s) * -log p(target_r) + s * mean over v of -log p(v)); logits `[R, V]`, loss
/// `[]`.
func crossEntropyForward(
    _ logits: Tensor, targets: [Int], weights: [Float], smoothing: Float
) -> (Tensor, CrossEntropySaved) {
    let rows = logits.shape[0]
    let width = logits.shape[1]
    precondition(targets.count == rows && weights.count == rows, "\(targets.count) targets for \(rows) rows")
    precondition(targets.allSatisfy { $0 >= 0 && $0 < width }, "a target outside 0..<\(width)")
    var shift = [Float](repeating: 0, count: rows)
    var losses = [Float](repeating: 0, count: rows)
    shift.withUnsafeMutableBufferPointer { shift in
        losses.withUnsafeMutableBufferPointer { losses in
            nonisolated(unsafe) let shift = shift
            nonisolated(unsafe) let losses = losses
            Parallel.ranges(rows, grain: 8) { range in
                for r in range where weights[r] != 0 {
                    let row = logits.pointer + r * width
                    shift[r] = logSumExp(row, width)
                    var loss = (1 - smoothing) * (shift[r] - row[targets[r]])
                    if smoothing > 0 { loss += smoothing * (shift[r] - sumOf(row, width) / Float(width)) }
                    losses[r] = weights[r] * loss
                }
            }
        }
    }
    let total = losses.reduce(0.0) { $0 + Double($1) }
    return (
        Tensor([], repeating: Float(total)),
        CrossEntropySaved(logits: logits, shift: shift, targets: targets, weights: weights, smoothing: smoothing)
    )
}

/// g `[K]`; d logits = g * weight * (p - (1 - s) * onehot - s / V), `[K, R, V]`.
func crossEntropyBackward(_ g: Tensor, saved: CrossEntropySaved, seeds: Int) -> Tensor {
    let rows = saved.logits.shape[0]
    let width = saved.logits.shape[1]
    let result = Tensor(uninitialized: [seeds, rows, width])
    for k in 0..<seeds {
        let seed = g.pointer[k]
        Parallel.ranges(rows, grain: 8) { range in
            for r in range {
                let output = result.pointer + (k * rows + r) * width
                let factor = seed * saved.weights[r]
                if factor == 0 {
                    output.update(repeating: 0, count: width)
                    continue
                }
                let shift = saved.shift[r]
                let even = saved.smoothing / Float(width)
                kernels.exponentials(width, saved.logits.pointer + r * width, 1, shift, output)
                mapVectors(width, output, output) { ($0 - even) * factor }
                output[saved.targets[r]] -= (1 - saved.smoothing) * factor
            }
        }
    }
    return result
}
