/// y = x / sqrt(sum of x^2 + epsilon), over the last axis.
/// - Returns: y, and the rows' factors 1 / sqrt(..) `[rows]`.
func l2NormaliseForward(_ x: Tensor, epsilon: Float) -> (y: Tensor, factors: Tensor) {
    let y = Tensor(uninitialized: x.shape)
    let factors = Tensor(uninitialized: [x.count / max(1, x.shape.last ?? 1)])
    let input = x.pointer, output = y.pointer, scale = factors.pointer
    eachRow(x) { row, width in
        let values = input + row * width
        let factor = 1 / (dotProduct(values, values, width) + epsilon).squareRoot()
        scale[row] = factor
        mapVectors(width, values, output + row * width) { $0 * factor }
    }
    return (y, factors)
}

/// dx = factor (g - y sum over j of g_j y_j); g `[K] +` the shape of y.
func l2NormaliseBackward(_ g: Tensor, y: Tensor, factors: Tensor) -> Tensor {
    let dx = Tensor(uninitialized: g.shape)
    let rows = factors.count
    let gradients = g.pointer, saved = y.pointer, output = dx.pointer, scale = factors.pointer
    eachRow(g) { row, width in
        let gradient = gradients + row * width, values = saved + (row % rows) * width, factor = scale[row % rows]
        let dot = dotProduct(gradient, values, width)
        mapVectors2(width, gradient, values, output + row * width) { g, y in factor * (g - dot * y) }
    }
    return dx
}
