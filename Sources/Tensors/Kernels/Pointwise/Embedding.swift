import CKernels

/// Rows of `table` `[V, E]`: `[indices.count, E]`.
func embeddingForward(_ table: Tensor, indices: [Int]) -> Tensor {
    let width = table.shape[1]
    let y = Tensor(uninitialized: [indices.count, width])
    for (i, index) in indices.enumerated() {
        precondition(index >= 0 && index < table.shape[0], "row \(index) of \(table.shape)")
        if let halves = table.halves {
            widen(halves + index * width, width, into: y.pointer + i * width)
        } else {
            (y.pointer + i * width).update(from: table.pointer + index * width, count: width)
        }
    }
    return y
}

/// g `[K, indices.count, E] -> [K, rows, E]`. The gradients of all uses of a row are added in their order.
func embeddingBackward(_ g: Tensor, indices: [Int], rows: Int, seeds: Int) -> Tensor {
    let width = g.shape[g.shape.count - 1]
    let result = Tensor([seeds, rows, width])
    for k in 0..<seeds {
        for (i, index) in indices.enumerated() {
            let output = result.pointer + (k * rows + index) * width
            kernels.add(width, output, g.pointer + (k * indices.count + i) * width, 1, output)
        }
    }
    return result
}
