import ArgumentParser
import Explain
import Tasks

/// How maps are made: what every explaining command takes.
struct MethodOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How maps are made (--list-methods); may be given several times. The model's own by default, or grad-cam.",
            valueName: "name"))
    var method: [String] = []
    @Flag(help: "List the methods, what they do and their papers.") var listMethods = false
    @Flag(help: "Show what speaks against the score instead of for it.") var counterfactual = false

    @Option(
        help: ArgumentHelp(
            "Noisy pictures of smoothgrad (50), steps of integrated-gradients (50), masks of rise (1000).",
            valueName: "count"))
    var samples: Int?
    @Option(help: "Seed of smoothgrad's noise and of rise's masks.") var seed: UInt64?
    @Option(help: ArgumentHelp("smoothgrad's noise, as a part of the picture's range.", valueName: "part"))
    var noise: Float?
    @Option(
        help: ArgumentHelp(
            "The empty picture of integrated-gradients (black) and what hides in occlusion (mean): black, mean.",
            valueName: "name"))
    var baseline: Baseline?
    @Option(help: ArgumentHelp("occlusion's square, in pixels of the model's input.", valueName: "pixels"))
    var window: Int?
    @Option(help: ArgumentHelp("Pixels between occlusion's squares.", valueName: "pixels")) var stride: Int?
    @Option(help: ArgumentHelp("Cells along each side of rise's masks.", valueName: "count")) var cells: Int?
    @Option(help: ArgumentHelp("The part of them that is kept.", valueName: "part")) var keep: Float?

    func validate() throws {
        for (name, value, limit) in [
            ("--samples", samples, 1_000_000), ("--window", window, 4096), ("--stride", stride, 4096),
            ("--cells", cells, 256),
        ] {
            if let value, !(1...limit).contains(value) { throw ValidationError("\(name) is in 1...\(limit)") }
        }
        if let noise, !(noise >= 0 && noise.isFinite) { throw ValidationError("--noise is a number from 0 on") }
        if let keep, !(keep > 0 && keep < 1) { throw ValidationError("--keep is between 0 and 1") }
    }

    private var settings: MethodSettings {
        var settings = MethodSettings()
        (settings.samples, settings.seed, settings.noise) = (samples, seed, noise)
        (settings.baseline, settings.fill) = (baseline, baseline)
        (settings.window, settings.stride, settings.cells, settings.keep) = (window, stride, cells, keep)
        return settings
    }

    /// - Throws: `ExplanationError` for a name that no method has.
    func options(layers: [String] = []) throws -> ExplanationOptions {
        ExplanationOptions(
            layers: layers, methods: try method.map { try Methods.named($0, settings: settings) },
            isCounterfactual: counterfactual)
    }

    /// What `--list-methods` prints.
    static func printMethods() {
        let methods = Methods.all(), width = methods.map(\.name.count).max() ?? 0
        for method in methods {
            let name = method.name + String(repeating: " ", count: width - method.name.count)
            print("\(name)  \(method.summary) (\(method.paper))")
        }
    }
}

extension Baseline: ExpressibleByArgument {}
extension WordScore: ExpressibleByArgument {}
