import CKernels

/// Arithmetic on whole tensors, and copies of elements. A gradient of K seeds uses the saved operand K times.

func addForward(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.shape == b.shape, "\(a.shape) plus \(b.shape)")
    let y = Tensor(uninitialized: a.shape)
    let pa = a.pointer, pb = b.pointer, py = y.pointer
    Parallel.ranges(a.count, grain: 1 << 14) { r in
        kernels.add(r.count, pa + r.lowerBound, pb + r.lowerBound, 1, py + r.lowerBound)
    }
    return y
}

/// a `[K] + S` or S, b `S`.
func multiplyForward(_ a: Tensor, _ b: Tensor) -> Tensor {
    let y = Tensor(uninitialized: a.shape)
    if b.count == 0 { return y }
    precondition(a.count % b.count == 0, "\(a.shape) times \(b.shape)")
    for k in 0..<a.count / b.count {
        let pa = a.pointer + k * b.count, pb = b.pointer, py = y.pointer + k * b.count
        Parallel.ranges(b.count, grain: 1 << 14) { r in
            kernels.multiply(r.count, pa + r.lowerBound, pb + r.lowerBound, 1, py + r.lowerBound)
        }
    }
    return y
}

func scaleForward(_ x: Tensor, by factor: Float) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    let input = x.pointer, output = y.pointer
    Parallel.ranges(x.count, grain: 1 << 14) { r in
        mapVectors(r.count, input + r.lowerBound, output + r.lowerBound) { $0 * factor }
    }
    return y
}

/// Shape `[]`; summed in double.
func sumForward(_ x: Tensor) -> Tensor {
    var sum = 0.0
    for i in 0..<x.count { sum += Double(x.pointer[i]) }
    return Tensor([], repeating: Float(sum))
}

/// Repeats each seed's gradient over the input: g `[K] -> [K, count]`. The caller reshapes it.
func sumBackward(_ g: Tensor, count: Int) -> Tensor {
    let y = Tensor(uninitialized: [g.count, count])
    for k in 0..<g.count { (y.pointer + k * count).update(repeating: g.pointer[k], count: count) }
    return y
}

func pickForward(_ x: Tensor, positions: [Int]) -> Tensor {
    precondition(positions.allSatisfy { $0 >= 0 && $0 < x.count }, "a position outside \(x.shape)")
    return Tensor([positions.count], positions.map { x.pointer[$0] })
}

/// g `[K, P]`
func pickBackward(_ g: Tensor, positions: [Int], count: Int) -> Tensor {
    let seeds = g.shape[0]
    let y = Tensor([seeds, count])
    for k in 0..<seeds {
        for (p, position) in positions.enumerated() {
            y.pointer[k * count + position] += g.pointer[k * positions.count + p]
        }
    }
    return y
}

/// `[..., W] -> [..., width]`
func sliceLastForward(_ x: Tensor, from: Int, width: Int) -> Tensor {
    let last = x.shape[x.shape.count - 1]
    precondition(from >= 0 && from + width <= last, "columns \(from)..<\(from + width) of \(x.shape)")
    let y = Tensor(uninitialized: x.shape.dropLast() + [width])
    let rows = last == 0 ? 0 : x.count / last
    let input = x.pointer + from, output = y.pointer
    Parallel.ranges(rows, grain: max(1, (1 << 15) / max(1, width))) { range in
        for r in range { (output + r * width).update(from: input + r * last, count: width) }
    }
    return y
}

/// g `[..., width] -> [..., of]`, zero outside the slice.
func sliceLastBackward(_ g: Tensor, from: Int, of last: Int) -> Tensor {
    let width = g.shape[g.shape.count - 1]
    let y = Tensor(uninitialized: g.shape.dropLast() + [last])
    let rows = last == 0 ? 0 : y.count / last
    let input = g.pointer, output = y.pointer
    Parallel.ranges(rows, grain: max(1, (1 << 15) / max(1, last))) { range in
        for r in range {
            let row = output + r * last
            row.update(repeating: 0, count: from)
            (row + from).update(from: input + r * width, count: width)
            (row + from + width).update(repeating: 0, count: last - from - width)
        }
    }
    return y
}

/// g `[K, rows, ...] -> [K, of, ...]`, zero outside the rows.
func rowsBackward(_ g: Tensor, from: Int, of: Int) -> Tensor {
    let seeds = g.shape[0], rows = g.shape[1], row = g.shape.dropFirst(2).reduce(1, *)
    let y = Tensor([seeds, of] + g.shape.dropFirst(2))
    for k in 0..<seeds {
        (y.pointer + (k * of + from) * row).update(from: g.pointer + k * rows * row, count: rows * row)
    }
    return y
}

func concatenateLastForward(_ parts: [Tensor]) -> Tensor {
    let widths = parts.map { $0.shape[$0.shape.count - 1] }
    let total = widths.reduce(0, +), lead = Array(parts[0].shape.dropLast())
    precondition(parts.allSatisfy { Array($0.shape.dropLast()) == lead }, "parts of different shapes")
    let y = Tensor(uninitialized: lead + [total])
    Parallel.ranges(lead.reduce(1, *), grain: max(1, (1 << 15) / max(1, total))) { range in
        var from = 0
        for (part, width) in zip(parts, widths) {
            for r in range { (y.pointer + r * total + from).update(from: part.pointer + r * width, count: width) }
            from += width
        }
    }
    return y
}

/// `[M, ...] -> [M * times, ...]`
func repeatRowsForward(_ x: Tensor, times: Int) -> Tensor {
    let rows = x.shape[0], row = x.shape.dropFirst().reduce(1, *)
    let y = Tensor(uninitialized: [rows * times] + x.shape.dropFirst())
    for r in 0..<rows * times { (y.pointer + r * row).update(from: x.pointer + (r / times) * row, count: row) }
    return y
}

/// g `[K, M * times, ...] -> [K, M, ...]`
func repeatRowsBackward(_ g: Tensor, times: Int) -> Tensor {
    let seeds = g.shape[0], rows = g.shape[1] / times, row = g.shape.dropFirst(2).reduce(1, *)
    let y = Tensor([seeds, rows] + g.shape.dropFirst(2))
    for r in 0..<seeds * rows {
        let output = y.pointer + r * row
        for t in 0..<times {
            let input = g.pointer + (r * times + t) * row
            kernels.add(row, output, input, 1, output)
        }
    }
    return y
}
