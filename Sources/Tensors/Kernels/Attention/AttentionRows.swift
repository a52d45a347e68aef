import CVector

/// The inner loops of ``attentionLSTMForward``, for the rows of one image at one step.
///
/// tanh(k + q) = 1 - 2 s with s = 1 / (1 + e^2k e^2q). The exponential of a key is computed once, that of a query once
/// for each step. Each of the T N L A values of s then costs one product and one division, forward and backward.
/// Nothing of size N L A is stored.

/// The function s = 1 / (1 + e^(2 (k + q))) = (1 - tanh(k + q)) / 2 of a key k and a query q.
protocol AttentionSquash {
    /// The value that is stored for a query.
    static func prepare(_ query: Vector) -> Vector
    /// s, from the stored values of a key and a query.
    static func complement(_ key: Vector, _ query: Vector) -> Vector
}

/// Stores e^2k and e^2q. Correct for |k| <= ``limit``: with |q| above 30, |k + q| is above 10, where tanh is 1 to the
/// last bit.
enum FactoredSquash: AttentionSquash {
    static let limit: Float = 20

    @inline(__always)
    static func prepare(_ query: Vector) -> Vector {
        let x = query.clamped(-30, 30)
        return exponential(x + x)
    }

    @inline(__always)
    static func complement(_ key: Vector, _ query: Vector) -> Vector { 1 / (1 + key * query) }
}

/// Stores k and q: for keys beyond the limit, and for single steps, where the exponentials of the keys would be used
/// only once.
enum DirectSquash: AttentionSquash {
    @inline(__always)
    static func prepare(_ query: Vector) -> Vector { query }

    @inline(__always)
    static func complement(_ key: Vector, _ query: Vector) -> Vector {
        let sum = key + query
        return 1 / (1 + exponential(sum + sum))
    }
}

/// Keys `[M, L, A]` in the form that the loops read: e^2k or k, in rows padded with zeros to whole vectors.
struct AttentionKeys {
    let values: Tensor
    let isFactored: Bool
    /// A, and A rounded up to a multiple of 16.
    let width: Int, padded: Int

    /// - Parameter uses: the number of queries for each key.
    init(_ keys: Tensor, uses: Int) {
        let width = keys.shape[2]
        let padded = (width + 15) & ~15
        self.width = width
        self.padded = padded
        isFactored = uses > 2 && largestMagnitude(keys.pointer, keys.count) <= FactoredSquash.limit
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
        mapVectors(width, input, output) { exponential($0 + $0) }
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

/// Prepares queries `[count, A]`, in rows `width` apart, and writes them in rows `padded` apart.
@inline(__always)
func prepareQueries<S: AttentionSquash>(
    _ squash: S.Type, _ queries: UnsafePointer<Float>, _ count: Int, width: Int, padded: Int,
    into output: UnsafeMutablePointer<Float>
) {
    for n in 0..<count {
        mapVectors(width, queries + n * width, output + n * padded) { S.prepare($0) }
        for j in width..<padded { output[n * padded + j] = 0 }
    }
}

/// The sum over j of weight_j s_j. With weight = -2 w, this is the score w . tanh(k + q) minus the sum of w. The
/// softmax over the regions removes that constant.
@inline(__always)
func attentionScore<S: AttentionSquash>(
    _ squash: S.Type, _ key: UnsafePointer<Float>, _ query: UnsafePointer<Float>, _ weight: UnsafePointer<Float>,
    _ padded: Int
) -> Float {
    var a = Vector.zero
    var b = Vector.zero
    var j = 0
    while j &+ 32 <= padded {
        a.add(Vector(at: weight + j), times: S.complement(Vector(at: key + j), Vector(at: query + j)))
        b.add(Vector(at: weight + j + 16), times: S.complement(Vector(at: key + j + 16), Vector(at: query + j + 16)))
        j &+= 32
    }
    if j < padded { a.add(Vector(at: weight + j), times: S.complement(Vector(at: key + j), Vector(at: query + j))) }
    return (a + b).total
}

/// The backward pass of one score with gradient `d`. Let u = d s and v = u (1 - s). Then d q and d k are 4 w v, and d w
/// is -2 u (after the softmax, the sum of d over all regions is 0). This function adds v and u; the caller multiplies
/// by the factors.
@inline(__always)
func attentionScoreBackward<S: AttentionSquash>(
    _ squash: S.Type, _ d: Float, _ key: UnsafePointer<Float>, _ query: UnsafePointer<Float>, _ padded: Int,
    dQuery: UnsafeMutablePointer<Float>, dKey: UnsafeMutablePointer<Float>, dWeight: UnsafeMutablePointer<Float>
) {
    var j = 0
    while j < padded {
        let s = S.complement(Vector(at: key + j), Vector(at: query + j))
        let u = s * d
        let v = u - u * s
        (Vector(at: dQuery + j) + v).store(to: dQuery + j)
        (Vector(at: dKey + j) + v).store(to: dKey + j)
        (Vector(at: dWeight + j) + u).store(to: dWeight + j)
        j &+= 16
    }
}

/// For `rows` rows n: output_n = scale_n * sum over l of alpha_nl regions_l. The `count` regions `[L, D]` are read once
/// for all rows, four at a time. Rows of alpha and of the output are `stride` apart.
@inline(__always)
func weightedRegions(
    _ alpha: UnsafePointer<Float>, scale: UnsafePointer<Float>, _ rows: Int, stride: Int,
    _ regions: UnsafePointer<Float>, _ count: Int,
    _ width: Int, _ output: UnsafeMutablePointer<Float>
) {
    for n in 0..<rows { (output + n * stride).update(repeating: 0, count: width) }
    var l = 0
    while l &+ 4 <= count {
        let r0 = regions + l * width
        let r1 = r0 + width
        let r2 = r1 + width
        let r3 = r2 + width
        for n in 0..<rows {
            let weight = alpha + n * stride + l
            let target = output + n * stride
            let factor = scale[n]
            let a0 = weight[0] * factor
            let a1 = weight[1] * factor
            let a2 = weight[2] * factor
            let a3 = weight[3] * factor
            var j = 0
            while j &+ 16 <= width {
                let low = Vector(at: r0 + j) * a0 + Vector(at: r1 + j) * a1
                let high = Vector(at: r2 + j) * a2 + Vector(at: r3 + j) * a3
                (Vector(at: target + j) + (low + high)).store(to: target + j)
                j &+= 16
            }
            while j < width {
                target[j] += (r0[j] * a0 + r1[j] * a1) + (r2[j] * a2 + r3[j] * a3)
                j &+= 1
            }
        }
        l &+= 4
    }
    while l < count {
        for n in 0..<rows {
            let a = alpha[n * stride + l] * scale[n]
            let target = output + n * stride
            mapVectors2(width, target, regions + l * width, target) { $0 + $1 * a }
        }
        l &+= 1
    }
}
