import Tensors

/// Single kernels.
enum KernelBench {
    /// Numbers in -0.5..<0.5 that the peer makes in the same way.
    private static func numbers(_ shape: [Int]) -> Tensor {
        let count = shape.reduce(1, *)
        return Tensor(shape, (0..<count).map { Float($0 * 7919 % 1000) / 1000 - 0.5 })
    }

    /// Medians of `repeats` runs after 10 ms of runs that are not counted: caches are warm, threads awake.
    private static func median(_ repeats: Int, _ body: () -> Void) -> (wall: Double, cpu: Double) {
        var warm = 0.0
        while warm < 10 { warm += Duration(body).wall }
        let times = (0..<repeats).map { _ in Duration(body) }
        return (times.map(\.wall).sorted()[repeats / 2], times.map(\.cpu).sorted()[repeats / 2])
    }

    /// A product of `[m, k]` and `[n, k]` transposed, as in a 1x1 convolution; size: m, n, k.
    static func gemm(_ size: [Int], repeats: Int) -> Bench.Answer {
        let a = numbers([size[0], size[2]])
        let b = numbers([size[1], size[2]])
        let c = Tensor([size[0], size[1]])
        let time = median(repeats) {
            Tensors.gemm(
                transposeB: true, m: size[0], n: size[1], k: size[2], a.pointer, lda: size[2], b.pointer, ldb: size[2],
                c.pointer,
                ldc: size[1])
        }
        return Bench.Answer(wall: time.wall, cpu: time.cpu, checksum: withExtendedLifetime((a, b, c)) { mean(c) })
    }

    /// One picture through one convolution with its bias, "same" padding; size: height, width, inputs, outputs, kernel,
    /// stride, groups.
    static func convolution(_ size: [Int], repeats: Int) -> Bench.Answer {
        let (inputs, outputs, kernel, groups) = (size[2], size[3], size[4], size[6])
        let geometry = ConvolutionGeometry(kernel, stride: size[5], padding: .same, groups: groups)
        let x = Variable(numbers([1, size[0], size[1], inputs]))
        let weight = numbers([outputs, inputs / groups, kernel, kernel]).permuted([0, 2, 3, 1])
        let bias = Variable(numbers([outputs]))
        let prepared = PreparedConvolution(weight: weight, geometry: geometry)
        var y = x
        let time = median(repeats) { y = Tensors.convolution(x, Variable(weight), bias, geometry, prepared: prepared) }
        return Bench.Answer(wall: time.wall, cpu: time.cpu, checksum: mean(y.value))
    }

    /// The mean of all magnitudes: says whether two sides computed the same thing.
    private static func mean(_ x: Tensor) -> Double { x.array.reduce(0.0) { $0 + Double(abs($1)) } / Double(x.count) }
}
