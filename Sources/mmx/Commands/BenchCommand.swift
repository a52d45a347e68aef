import ArgumentParser
import Foundation
import Tasks
import Vision

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "How fast the engine is on this machine.", subcommands: [BenchLayers.self])
}

struct BenchLayers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "layers", abstract: "What each convolution of an encoder takes, beside the machine's matrix product.",
        discussion: """
            mmx bench layers --model vgg16
            mmx bench layers --model resnet50 --threads 1 --json

            Each layer runs alone, in the network's order, for one picture. GFLOP/s count a direct convolution's \
            operations, and the share is of what a large matrix product reaches in the same run: small shares of \
            large times are where speed is left. Winograd multiplies less, so its share may be above 100 %.
            """)

    @Option(
        help: ArgumentHelp(
            "An installed model, a model folder, or a network, with random weights: "
                + "\(EncoderConfiguration.names.joined(separator: ", ")).", valueName: "name"))
    var model: String
    @Option(help: ArgumentHelp("Side of the picture in pixels; the model's own by default.", valueName: "n"))
    var size: Int?
    @Option(help: ArgumentHelp("Threads; $MMX_THREADS, or all cores, by default.", valueName: "n")) var threads: Int?
    @Option(help: ArgumentHelp("Runs of each layer, of which the median counts.", valueName: "n")) var repeats = 15
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if let size, !(1...4096).contains(size) { throw ValidationError("--size is in 1...4096") }
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads is in 1...256") }
        if !(1...10_000).contains(repeats) { throw ValidationError("--repeats is in 1...10000") }
    }

    func run() throws {
        // The engine reads it once, when it first computes.
        if let threads { setenv("MMX_THREADS", "\(threads)", 1) }
        let progress = Progress()
        let bench = try progress.clearing {
            try LayerBenchmark(named: model, size: size, repeats: repeats) { done, all in
                progress.update("round \(done) of \(all)", fraction: Double(done) / Double(all))
            }
        }
        if json { return print(try ModelCommand.json(bench)) }
        func shape(_ sizes: [Int]) -> String { sizes.map(String.init).joined(separator: "x") }
        func cells(_ cost: LayerBenchmark.Cost) -> [String] {
            [
                String(format: "%.1f", Double(cost.flops) / 1e6), String(format: "%.3f", cost.milliseconds),
                String(format: "%.0f", cost.gigaflopsPerSecond), String(format: "%.0f %%", 100 * cost.shareOfPeak),
            ]
        }
        let threads = bench.threads == 1 ? "1 thread" : "\(bench.threads) threads"
        print("\(bench.encoder), \(bench.input[1])x\(bench.input[2]), \(threads); medians of \(bench.repeats)")
        print(
            String(
                format: "matrix product %d x %d x %d: %.0f GFLOP/s\n", LayerBenchmark.productSize,
                LayerBenchmark.productSize, LayerBenchmark.productSize, bench.peakGigaflopsPerSecond))
        var rows = [["layer", "kernel", "in", "out", "MFLOP", "ms", "GFLOP/s", "share"]]
        rows += bench.layers.map { layer in
            let stride = layer.stride == [1, 1] ? "" : "/\(layer.stride[0])"
            return [
                layer.name, "\(shape(layer.kernel))\(stride) \(layer.algorithm)",
                shape(Array(layer.input.dropFirst())), shape(Array(layer.output.dropFirst())),
            ] + cells(layer.cost)
        }
        rows += bench.byAlgorithm.map { ["all \($0.algorithm)", "\($0.count)", "", ""] + cells($0.cost) }
        rows.append(["total", "\(bench.layers.count)", "", ""] + cells(bench.total))
        print(ModelCommand.table(rows, right: [2, 3, 4, 5, 6, 7]))
        print(String(format: "\nthe whole encoder: %.3f ms", bench.encoderMilliseconds))
    }
}
