import Foundation
import Tensors
import Vision

/// The time of each convolution of an encoder for one image, compared with the machine's peak: a large matrix product,
/// measured in the same run.
///
/// The layers run one after another, each on the input that it has in the network and with its bias.
public struct LayerBenchmark: Codable, Sendable {
    public struct Layer: Codable, Sendable {
        /// The checkpoint's name.
        public var name: String
        public var algorithm: ConvolutionAlgorithm
        /// Height and width.
        public var kernel: [Int]
        /// Vertical and horizontal.
        public var stride: [Int]
        public var groups: Int
        /// `[1, height, width, channels]`
        public var input: [Int]
        public var output: [Int]
        public var cost: Cost
    }

    /// The cost of one layer or of several together.
    public struct Cost: Codable, Sendable {
        /// Of a direct convolution, whatever the algorithm: 2 for each multiplication and addition.
        public var flops: Int
        /// The median; for several layers, the sum of their medians.
        public var milliseconds: Double
        public var gigaflopsPerSecond: Double
        /// ``gigaflopsPerSecond`` divided by the product's. It can exceed 1 for Winograd, which multiplies less.
        public var shareOfPeak: Double

        init(flops: Int, milliseconds: Double, peak: Double) {
            self.flops = flops
            self.milliseconds = milliseconds
            gigaflopsPerSecond = Double(flops) / max(milliseconds, 1e-9) / 1e6
            shareOfPeak = gigaflopsPerSecond / peak
        }
    }

    public var encoder: String
    /// `[1, height, width, 3]`
    public var input: [Int]
    public var threads: Int
    /// The set of vector instructions (`Instructions.name`).
    public var instructions: String
    public var repeats: Int
    /// The fastest product of ``productSize`` cubed, GFLOP/s.
    public var peakGigaflopsPerSecond: Double
    public var layers: [Layer]
    public var total: Cost
    /// The whole encoder with pooling and additions: the median, in milliseconds.
    public var encoderMilliseconds: Double

    public static let productSize = 1024

    /// - Parameters:
    ///   - name: an installed model, a model folder, or a network, which then has random weights.
    ///   - size: side of the image in pixels; nil for the model's own.
    ///   - progress: called with the rounds done and the number of all rounds.
    /// - Throws: ``ModelError``, `UnknownEncoder`, or `EncoderInputError` for an image too small for the network.
    public init(named name: String, size: Int? = nil, repeats: Int, progress: (Int, Int) -> Void = { _, _ in }) throws {
        let configuration: EncoderConfiguration
        let network: Encoder
        var preprocessing: Preprocessing
        if let folder = try Self.folder(name) {
            let own = try ModelFiles(folder).encoder().encoder
            (configuration, preprocessing, network) = (own.identity.encoder, own.identity.preprocessing, own.network)
        } else {
            configuration = EncoderConfiguration(name: name, folded: true)
            preprocessing = try configuration.defaultPreprocessing()
            network = try configuration.makeEncoder(ParameterStore(seed: 1).scope())
        }
        if let size {
            preprocessing = Preprocessing(
                width: size, height: size, fit: .squash, filter: preprocessing.filter, mean: preprocessing.mean,
                std: preprocessing.std)
        }
        try configuration.check(preprocessing)
        let names = NetworkSummary(try configuration.architecture(), preprocessing: preprocessing, classes: 0).layers
        self.init(
            network, names: names.map(\.name), encoder: configuration.name,
            input: [1, preprocessing.height, preprocessing.width, 3], repeats: max(1, repeats), progress)
    }

    /// The folder of a model; nil where `name` can only be a network's name.
    private static func folder(_ name: String) throws -> URL? {
        do { return try ModelFolder.find(name) } catch {
            if name.contains("/") { throw error }
            return nil
        }
    }

    private init(
        _ network: Encoder, names: [String], encoder: String, input: [Int], repeats: Int, _ progress: (Int, Int) -> Void
    ) {
        var random = SeededGenerator(seed: 1)
        let image = Tensor(input, (0..<input.reduce(1, *)).map { _ in random.normal() })
        // Only the image is on the tape, so that weights are folded and prepared as for inference.
        let tape = Tape()
        _ = network(tape.leaf(image))
        let convolutions = tape.convolutions
        precondition(convolutions.count == names.count, "\(convolutions.count) convolutions, \(names.count) names")
        let prepared = convolutions.map { PreparedConvolution(weight: $0.weight, geometry: $0.geometry) }
        let biases = convolutions.map { Variable(Tensor([$0.weight.shape[0]])) }
        let n = Self.productSize
        let a = Tensor([n, n], repeating: 0.5)
        let b = Tensor([n, n], repeating: 0.5)
        let c = Tensor([n, n])
        var times = convolutions.map { _ in [Double]() }
        var whole: [Double] = []
        var products: [Double] = []
        // The first round warms up caches and threads and is not counted.
        for round in 0...repeats {
            progress(round, repeats + 1)
            let product = milliseconds {
                gemm(m: n, n: n, k: n, a.pointer, lda: n, b.pointer, ldb: n, c.pointer, ldc: n)
            }
            let layers = convolutions.indices.map { i in
                let one = convolutions[i]
                let x = Variable(one.input)
                let weight = Variable(one.weight)
                return milliseconds { _ = convolution(x, weight, biases[i], one.geometry, prepared: prepared[i]) }
            }
            let all = milliseconds { _ = network(Variable(image)) }
            if round == 0 { continue }
            products.append(product)
            for (i, time) in layers.enumerated() { times[i].append(time) }
            whole.append(all)
        }
        withExtendedLifetime((a, b, c)) {}
        let peak = 2 * Double(n * n * n) / (products.min() ?? 1) / 1e6
        layers = convolutions.indices.map { i in
            let one = convolutions[i]
            let g = one.geometry
            let flops = 2 * one.output.reduce(1, *) * (one.weight.count / max(1, one.weight.shape[0]))
            return Layer(
                name: names[i], algorithm: ConvolutionAlgorithm(weight: one.weight, geometry: g, output: one.output),
                kernel: [g.kernelHeight, g.kernelWidth], stride: [g.strideHeight, g.strideWidth], groups: g.groups,
                input: one.input.shape, output: one.output,
                cost: Cost(flops: flops, milliseconds: median(times[i]), peak: peak))
        }
        self.encoder = encoder
        self.input = input
        self.repeats = repeats
        threads = Parallel.threads
        instructions = Instructions.name
        peakGigaflopsPerSecond = peak
        total = Self.sum(layers, peak: peak)
        encoderMilliseconds = median(whole)
    }

    private static func sum(_ layers: [Layer], peak: Double) -> Cost {
        Cost(
            flops: layers.reduce(0) { $0 + $1.cost.flops },
            milliseconds: layers.reduce(0) { $0 + $1.cost.milliseconds }, peak: peak)
    }

    /// The sums over each algorithm's layers, in the order of ``ConvolutionAlgorithm``.
    public var byAlgorithm: [(algorithm: ConvolutionAlgorithm, count: Int, cost: Cost)] {
        ConvolutionAlgorithm.allCases.compactMap { algorithm in
            let own = layers.filter { $0.algorithm == algorithm }
            return own.isEmpty ? nil : (algorithm, own.count, Self.sum(own, peak: peakGigaflopsPerSecond))
        }
    }
}

private func milliseconds(_ body: () -> Void) -> Double {
    let time = ContinuousClock().measure(body)
    return Double(time.components.seconds) * 1e3 + Double(time.components.attoseconds) / 1e15
}

private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
