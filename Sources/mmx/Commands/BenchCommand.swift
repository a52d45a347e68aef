import ArgumentParser
import Foundation
import Support
import Tasks
import Tensors
import Vision

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast the engine is on this machine.",
        discussion: """
              mmx bench layers --model vgg16
                  Time each convolution of VGG-16.
            """, subcommands: [BenchLayers.self])
}

/// What is measured, and how.
struct BenchOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "An installed model, a model folder, or a network with random weights: "
                + "\(EncoderConfiguration.names.joined(separator: ", ")).", valueName: "name"))
    var model: String
    @Option(help: ArgumentHelp("Side of the image in pixels. Without it, the model's own.", valueName: "n"))
    var size: Int?
    @Option(help: ArgumentHelp("Threads. Without it, $MMX_THREADS, or all cores.", valueName: "n")) var threads: Int?
    @Option(help: ArgumentHelp("Runs of each layer; their median is reported.", valueName: "n")) var repeats = 15

    func validate() throws {
        if let size, !(1...4096).contains(size) { throw ValidationError("--size is in 1...4096") }
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads is in 1...256") }
        if !(1...10_000).contains(repeats) { throw ValidationError("--repeats is in 1...10000") }
    }
}

struct BenchLayers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "layers", abstract: "Time each convolution of an encoder, beside a matrix product.",
        usage: "mmx bench layers --model <name> [<options>]",
        discussion: """
              mmx bench layers --model vgg16
                  Time each convolution of VGG-16.
              mmx bench layers --model resnet50 --threads 1 --json
                  Time ResNet-50 on one thread; print JSON.

            Each layer runs alone, in the network's order, on one image. GFLOP/s count the operations of a direct \
            convolution. The share is a part of what a large matrix product reaches in the same run: a layer with a \
            small share and a large time leaves the most to gain. Winograd multiplies less, so its share may be above \
            100 %.
            """)

    @OptionGroup(title: HelpGroup.measurement) var options: BenchOptions
    @OptionGroup(title: HelpGroup.output) var output: JSONOption

    func run() throws {
        // The engine reads it once, when it first computes.
        if let threads = options.threads { setenv(Parallel.threadsVariable, "\(threads)", 1) }
        let progress = Progress()
        let bench = try progress.clearing {
            try LayerBenchmark(named: options.model, size: options.size, repeats: options.repeats) { done, all in
                progress.update("round \(done) of \(all)", fraction: Double(done) / Double(all))
            }
        }
        if output.json { return try StandardOutput.printJSON(JSON.pretty(bench)) }
        func cells(_ cost: LayerBenchmark.Cost) -> [String] {
            [
                String(format: "%.1f", Double(cost.flops) / 1e6), String(format: "%.3f", cost.milliseconds),
                String(format: "%.0f", cost.gigaflopsPerSecond), String(format: "%.0f %%", 100 * cost.shareOfPeak),
            ]
        }
        let threads = bench.threads == 1 ? "1 thread" : "\(bench.threads) threads"
        try StandardOutput.print(
            "\(bench.encoder), \(bench.input[1])x\(bench.input[2]), \(threads), \(bench.instructions); "
                + "medians of \(bench.repeats)")
        try StandardOutput.print(
            String(
                format: "matrix product %d x %d x %d: %.0f GFLOP/s\n", LayerBenchmark.productSize,
                LayerBenchmark.productSize, LayerBenchmark.productSize, bench.peakGigaflopsPerSecond))
        var rows = [["layer", "kernel", "in", "out", "MFLOP", "ms", "GFLOP/s", "share"]]
        rows += bench.layers.map { layer in
            let stride = layer.stride == [1, 1] ? "" : "/\(layer.stride[0])"
            return [
                layer.name, "\(ResultText.shape(layer.kernel))\(stride) \(layer.algorithm)",
                ResultText.shape(layer.input.dropFirst()), ResultText.shape(layer.output.dropFirst()),
            ] + cells(layer.cost)
        }
        rows += bench.byAlgorithm.map { ["all \($0.algorithm)", "\($0.count)", "", ""] + cells($0.cost) }
        rows.append(["total", "\(bench.layers.count)", "", ""] + cells(bench.total))
        try StandardOutput.print(Table.text(rows, right: [2, 3, 4, 5, 6, 7]))
        try StandardOutput.print(String(format: "\nthe whole encoder: %.3f ms", bench.encoderMilliseconds))
    }
}
