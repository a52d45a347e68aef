import Tensors

/// A convolution and its gradients as plain sums in double precision, at single positions: the reference for fast
/// kernels.
public struct DirectConvolution {
    /// `[N, H, W, C]`
    let x: Tensor
    /// `[O, kh, kw, C / groups]`
    let weight: Tensor
    let geometry: ConvolutionGeometry
    let pad: (top: Int, left: Int, bottom: Int, right: Int)
    private var channels: Int { x.shape[3] }
    private var outputs: Int { weight.shape[0] }

    public init(_ x: Tensor, _ weight: Tensor, _ geometry: ConvolutionGeometry) {
        (self.x, self.weight, self.geometry) = (x, weight, geometry)
        pad = geometry.padding(height: x.shape[1], width: x.shape[2])
    }

    /// All outputs `[O]` of one pixel.
    func output(_ n: Int, _ row: Int, _ column: Int) -> [Double] {
        let (height, width, inner) = (x.shape[1], x.shape[2], weight.shape[3])
        let groupOutputs = outputs / geometry.groups
        var sums = [Double](repeating: 0, count: outputs)
        for ky in 0..<geometry.kernelHeight {
            for kx in 0..<geometry.kernelWidth {
                let y = row * geometry.strideHeight - pad.top + ky, at = column * geometry.strideWidth - pad.left + kx
                guard (0..<height).contains(y), (0..<width).contains(at) else { continue }
                for o in 0..<outputs {
                    let p = x.pointer + ((n * height + y) * width + at) * channels + o / groupOutputs * inner
                    let w = weight.pointer + ((o * geometry.kernelHeight + ky) * geometry.kernelWidth + kx) * inner
                    var sum = 0.0
                    for c in 0..<inner { sum += Double(p[c]) * Double(w[c]) }
                    sums[o] += sum
                }
            }
        }
        return withExtendedLifetime((x, weight)) { sums }
    }

    /// The gradient of all inputs `[C]` of one pixel; g `[N, H', W', O]`.
    func inputGradient(_ g: Tensor, _ n: Int, _ row: Int, _ column: Int) -> [Double] {
        let (rows, columns, inner) = (g.shape[1], g.shape[2], weight.shape[3])
        let groupOutputs = outputs / geometry.groups
        var sums = [Double](repeating: 0, count: channels)
        for ky in 0..<geometry.kernelHeight {
            for kx in 0..<geometry.kernelWidth {
                let down = row + pad.top - ky, across = column + pad.left - kx
                guard down >= 0, across >= 0, down % geometry.strideHeight == 0, across % geometry.strideWidth == 0,
                    down / geometry.strideHeight < rows, across / geometry.strideWidth < columns
                else { continue }
                let from =
                    g.pointer
                    + ((n * rows + down / geometry.strideHeight) * columns + across / geometry.strideWidth) * outputs
                for o in 0..<outputs {
                    let w = weight.pointer + ((o * geometry.kernelHeight + ky) * geometry.kernelWidth + kx) * inner
                    let first = o / groupOutputs * inner
                    for c in 0..<inner { sums[first + c] += Double(from[o]) * Double(w[c]) }
                }
            }
        }
        return withExtendedLifetime((g, weight)) { sums }
    }

    /// The gradient of the weight's element `index`; g `[N, H', W', O]`.
    func weightGradient(_ g: Tensor, _ index: Int) -> Double {
        let inner = weight.shape[3], (height, width) = (x.shape[1], x.shape[2])
        let kx = index / inner % geometry.kernelWidth
        let ky = index / inner / geometry.kernelWidth % geometry.kernelHeight
        let o = index / inner / geometry.kernelWidth / geometry.kernelHeight
        let channel = o / (outputs / geometry.groups) * inner + index % inner
        var sum = 0.0
        for n in 0..<x.shape[0] {
            for row in 0..<g.shape[1] {
                let y = row * geometry.strideHeight - pad.top + ky
                guard (0..<height).contains(y) else { continue }
                for column in 0..<g.shape[2] {
                    let at = column * geometry.strideWidth - pad.left + kx
                    guard (0..<width).contains(at) else { continue }
                    sum +=
                        Double(g.pointer[((n * g.shape[1] + row) * g.shape[2] + column) * outputs + o])
                        * Double(x.pointer[((n * height + y) * width + at) * channels + channel])
                }
            }
        }
        return withExtendedLifetime((g, x)) { sum }
    }
}

/// The errors of the kernels that the engine chooses, against ``DirectConvolution``: the largest differences at sampled
/// positions, relative to the largest value of the whole result.
public struct KernelError {
    /// With bias and ReLU6 fused.
    public let forward: Double
    public let input: Double
    public let weight: Double
    public var worst: Double { max(forward, input, weight) }

    /// - Parameters:
    ///   - x: `[N, H, W, C]`
    ///   - weight: `[O, kh, kw, C / groups]`
    ///   - gradient: of the output, `[1, N, H', W', O]`.
    ///   - samples: the number of sampled pixels, and of sampled elements of the weight, besides the first and the
    ///     last.
    public init(
        x: Tensor, weight: Tensor, geometry: ConvolutionGeometry, gradient: Tensor, samples: Int = 10
    ) {
        let direct = DirectConvolution(x, weight, geometry)
        let outputs = weight.shape[0]
        var random = SeededGenerator(seed: UInt64(x.count + weight.count))
        func positions(_ count: Int) -> [Int] {
            [0, count - 1] + (0..<samples).map { _ in min(count - 1, Int(random.uniform() * Float(count))) }
        }
        let plain = convolution(Variable(x), Variable(weight), nil, geometry).value
        // A bias of the same size as the outputs, and activations around the corners of ReLU6.
        let peak = max(1e-30, Self.largest(plain)), scale = 3 / peak
        let scaled = Variable(Tensor(weight.shape, weight.array.map { $0 * scale }))
        let bias = Tensor([outputs], (0..<outputs).map { _ in random.uniform() * 6 - 1 })
        let y = convolution(
            Variable(x), scaled, Variable(bias), geometry, activation: .relu6,
            prepared: PreparedConvolution(weight: scaled.value, geometry: geometry)
        ).value
        var forward = 0.0
        let height = Double(max(3, Self.largest(y)))
        for position in positions(y.count / outputs) {
            let (n, row, column) = (
                position / (y.shape[1] * y.shape[2]), position / y.shape[2] % y.shape[1], position % y.shape[2]
            )
            for (o, exact) in direct.output(n, row, column).enumerated() {
                let unfused = abs(Double(plain.pointer[position * outputs + o]) - exact) / Double(peak)
                let expected = min(6, max(0, exact * Double(scale) + Double(bias.pointer[o])))
                let fused = abs(Double(y.pointer[position * outputs + o]) - expected) / height
                forward = max(forward, unfused, fused)
            }
        }
        let tape = Tape(), leaf = tape.leaf(x), kernel = tape.leaf(weight)
        let found = tape.gradients(
            of: convolution(leaf, kernel, nil, geometry), seed: gradient, withRespectTo: [leaf, kernel])
        let g = gradient.reshaped(plain.shape), channels = x.shape[3]
        var input = 0.0, largest = Double(Self.largest(found[0]))
        for position in positions(x.count / channels) {
            let exact = direct.inputGradient(
                g, position / (x.shape[1] * x.shape[2]), position / x.shape[2] % x.shape[1], position % x.shape[2])
            for c in 0..<channels {
                input = max(
                    input, abs(Double(found[0].pointer[position * channels + c]) - exact[c]) / max(1e-30, largest))
            }
        }
        var own = 0.0
        largest = Double(Self.largest(found[1]))
        for position in positions(weight.count) {
            own = max(
                own, abs(Double(found[1].pointer[position]) - direct.weightGradient(g, position)) / max(1e-30, largest))
        }
        (self.forward, self.input, self.weight) = (forward, input, own)
        withExtendedLifetime((plain, y, bias, found)) {}
    }

    private static func largest(_ x: Tensor) -> Float { x.array.reduce(0) { max($0, abs($1)) } }
}
