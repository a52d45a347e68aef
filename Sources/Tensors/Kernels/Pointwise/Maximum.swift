import CVector

/// The larger of a and b, element by element; both have the same shape.
/// - Returns: y, and a mask of its shape: 1 where a is larger or both are equal, else 0.
func maximumForward(_ a: Tensor, _ b: Tensor) -> (y: Tensor, first: Tensor) {
    precondition(a.shape == b.shape, "the maximum of \(a.shape) and \(b.shape)")
    let y = Tensor(uninitialized: a.shape), first = Tensor(uninitialized: a.shape)
    let pa = a.pointer, pb = b.pointer, py = y.pointer, mask = first.pointer
    Parallel.ranges(a.count, grain: 1 << 15) { range in
        let from = range.lowerBound
        mapVectors2(range.count, pa + from, pb + from, py + from) { a, b in mmx_if_less(a, b, b, a) }
        mapVectors2(range.count, pa + from, pb + from, mask + from) { a, b in
            mmx_if_less(a, b, .zero, Vector(repeating: 1))
        }
    }
    return (y, first)
}

/// The gradient goes to the larger element, or to a's where both are equal; g `[K] +` the shape of the mask.
func maximumBackward(_ g: Tensor, first: Tensor, needed: [Bool]) -> [Tensor?] {
    let toFirst = multiplyForward(g, first)
    return [needed[0] ? toFirst : nil, needed[1] ? addForward(g, scaleForward(toFirst, by: -1)) : nil]
}
