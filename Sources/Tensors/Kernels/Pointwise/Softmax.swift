import CVector
import Foundation

/// y_i = exp(x_i) / sum over j of exp(x_j), over the last axis.
func softmaxForward(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    eachRow(x) { row, width in softmaxRow(x.pointer + row * width, y.pointer + row * width, width) }
    return y
}

/// dx = y * (g - sum over j of g_j y_j); g `[K] +` the shape of y.
func softmaxBackward(_ g: Tensor, y: Tensor) -> Tensor {
    let dx = Tensor(uninitialized: g.shape)
    let rows = y.shape.isEmpty ? 0 : y.count / max(1, y.shape[y.shape.count - 1])
    eachRow(g) { row, width in
        let gradient = g.pointer + row * width
        let saved = y.pointer + (row % rows) * width
        let dot = dotProduct(gradient, saved, width)
        mapVectors2(width, gradient, saved, dx.pointer + row * width) { g, y in y * (g - dot) }
    }
    return dx
}

/// y_i = x_i - log sum over j of exp(x_j), over the last axis.
func logSoftmaxForward(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    eachRow(x) { row, width in
        let input = x.pointer + row * width
        let shift = logSumExp(input, width)
        mapVectors(width, input, y.pointer + row * width) { $0 - shift }
    }
    return y
}

/// dx = g - exp(y) * sum over j of g_j; g `[K] +` the shape of y.
func logSoftmaxBackward(_ g: Tensor, y: Tensor) -> Tensor {
    let dx = Tensor(uninitialized: g.shape)
    let rows = y.shape.isEmpty ? 0 : y.count / max(1, y.shape[y.shape.count - 1])
    eachRow(g) { row, width in
        let gradient = g.pointer + row * width
        let sum = sumOf(gradient, width)
        mapVectors2(width, gradient, y.pointer + (row % rows) * width, dx.pointer + row * width) { g, y in
            g - exponential(y) * sum
        }
    }
    return dx
}

// MARK: Rows

/// Calls `body(row, width)` for each row of the last axis, in parallel.
@inline(__always)
func eachRow(_ x: Tensor, _ body: (Int, Int) -> Void) {
    guard let width = x.shape.last, width > 0 else { return }
    Parallel.ranges(x.count / width, grain: max(1, 8192 / width)) { range in for row in range { body(row, width) } }
}

@inline(__always)
func softmaxRow(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ width: Int) {
    let high = maximumOf(x, width)
    mapVectors(width, x, y) { exponential($0 - high) }
    let scale = 1 / sumOf(y, width)
    mapVectors(width, y, y) { $0 * scale }
}

@inline(__always)
func logSumExp(_ x: UnsafePointer<Float>, _ width: Int) -> Float {
    let high = maximumOf(x, width)
    var sum = Vector.zero
    var i = 0
    while i + 16 <= width {
        sum += exponential(Vector(at: x + i) - high)
        i += 16
    }
    var total = sum.total
    while i < width {
        total += exp(x[i] - high)
        i += 1
    }
    return high + log(total)
}

@inline(__always)
func maximumOf(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var i = 0
    var best = -Float.infinity
    if count >= 16 {
        var high = Vector(at: x)
        i = 16
        while i + 16 <= count {
            let v = Vector(at: x + i)
            high = mmx_if_less(high, v, v, high)
            i += 16
        }
        best = high.max()
    }
    while i < count {
        best = max(best, x[i])
        i += 1
    }
    return best
}

@inline(__always)
func sumOf(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var sum = Vector.zero
    var i = 0
    while i + 16 <= count {
        sum += Vector(at: x + i)
        i += 16
    }
    var total = sum.total
    while i < count {
        total += x[i]
        i += 1
    }
    return total
}

@inline(__always)
func dotProduct(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    // Four sums, because each addition to a sum waits for the one before.
    var sum = Vector.zero
    var sum1 = Vector.zero
    var sum2 = Vector.zero
    var sum3 = Vector.zero
    var i = 0
    while i &+ 64 <= count {
        sum.add(Vector(at: a + i), times: Vector(at: b + i))
        sum1.add(Vector(at: a + i + 16), times: Vector(at: b + i + 16))
        sum2.add(Vector(at: a + i + 32), times: Vector(at: b + i + 32))
        sum3.add(Vector(at: a + i + 48), times: Vector(at: b + i + 48))
        i &+= 64
    }
    while i &+ 16 <= count {
        sum.add(Vector(at: a + i), times: Vector(at: b + i))
        i &+= 16
    }
    var total = ((sum + sum1) + (sum2 + sum3)).total
    while i < count {
        total += a[i] * b[i]
        i &+= 1
    }
    return total
}
