import ArgumentParser
import Explain
import Tasks
import Vision

/// The name of a method as a user writes it. Every text is taken, so that `Methods` itself names the nearest methods
/// where there is none of that name.
struct MethodName: ExpressibleByArgument {
    let text: String

    init(argument: String) { text = argument }

    static var allValueStrings: [String] { Methods.all().map(\.name) }

    static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }

    /// Each method's own summary, as a sentence.
    static var allValueDescriptions: [String: String] {
        Dictionary(
            uniqueKeysWithValues: Methods.all().map {
                ($0.name, $0.summary.prefix(1).uppercased() + $0.summary.dropFirst() + ".")
            })
    }

    static let help = ArgumentHelp(
        """
        Method that computes the maps. Repeat it to compare methods. Without it, the model's config.json decides: \
        \(ShippedDefaults.captionMethod) for \(ModelFolder.defaultCaptioner), \(ShippedDefaults.answerMethod) for \
        \(ModelFolder.defaultVQAModel), grad-cam for a model that names none.
        """, valueName: "name")
}

/// Which number of a word is explained: of captions only.
struct WordScoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The number of a caption's word that is explained. Without it, the model's config.json decides: \
            \(ShippedDefaults.captionScore) for \(ModelFolder.defaultCaptioner), log-probability for a model that \
            names none.
            """, valueName: "name"))
    var score: WordScore?
}

/// `--finer`, which explaining and measuring commands take.
enum FinerOption {
    static let help = ArgumentHelp(
        "Explain what sets the target apart from what is most like it, by any method (as finer-cam does by grad-cam).")
}

/// How maps are computed: what every explaining command takes.
struct MethodOptions: ParsableArguments {
    @Option(help: MethodName.help) var method: [MethodName] = []
    @Flag(help: "List the methods with their papers.") var listMethods = false
    @Flag(help: "Explain what speaks against the target instead of for it.") var counterfactual = false
    @Flag(help: FinerOption.help) var finer = false
    @Option(
        help: ArgumentHelp(
            """
            Layer whose cells the map has. Repeat it to fuse the maps of several layers. Without it, the encoder's \
            last layer.
            """, valueName: "layer"))
    var layer: [String] = []
    @Flag(help: "List the encoder's layers, with their channels and the pixels per cell.") var listLayers = false
    @Option(help: ArgumentHelp("Follow the steps of another tool from gradients to image.", valueName: "tool"))
    var compat: Compatibility?

    /// - Throws: `ExplanationError` for a name that no method has.
    func options(settings: MethodSettings, wordScore: WordScore? = nil) throws -> ExplanationOptions {
        ExplanationOptions(
            layers: layer, methods: try method.map { try Methods.named($0.text, settings: settings) },
            isCounterfactual: counterfactual, comparison: finer ? settings.comparison : nil, wordScore: wordScore,
            compatibility: compat)
    }

    /// What `--list-layers` prints.
    static func printLayers(of encoder: Encoder) throws {
        for stage in encoder.stages {
            let isDefault = stage.name == encoder.lastLayer
            try StandardOutput.print(
                "\(stage.name)\t\(stage.channels) channels\t\(stage.stride) px\(isDefault ? "\tdefault" : "")")
        }
    }

    /// What `--list-methods` prints.
    static func printMethods() throws {
        let methods = Methods.all()
        let width = methods.map(\.name.count).max() ?? 0
        for method in methods {
            let name = method.name + String(repeating: " ", count: width - method.name.count)
            try StandardOutput.print("\(name)  \(method.summary) (\(method.paper))")
        }
    }
}

/// Settings that only some methods have.
struct MethodSettingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Noisy images of smoothgrad (default: 50), steps of integrated-gradients (default: 50), masks of rise \
            (default: 1000).
            """, valueName: "count"))
    var samples: Int?
    @Option(help: ArgumentHelp("Seed of smoothgrad's noise and of rise's masks. (default: 1)", valueName: "seed"))
    var seed: UInt64?
    @Option(
        help: ArgumentHelp(
            "Standard deviation of smoothgrad's noise, as a part of the image's range. (default: 0.15)",
            valueName: "part"))
    var noise: Float?
    @Option(
        help: ArgumentHelp(
            "The image without content from which integrated-gradients starts, and the colour that occlusion covers "
                + "squares with.", valueName: "name"))
    var baseline: Baseline?
    @Option(
        help: ArgumentHelp(
            "Side of occlusion's square, in pixels of the model's input. (default: a seventh of the longer side)",
            valueName: "pixels"))
    var window: Int?
    @Option(
        help: ArgumentHelp(
            "Distance between occlusion's squares, in pixels. (default: half the window)", valueName: "pixels"))
    var stride: Int?
    @Option(help: ArgumentHelp("Cells along each side of rise's masks. (default: 7)", valueName: "count"))
    var cells: Int?
    @Option(
        help: ArgumentHelp("The part of its cells that each of rise's masks shows. (default: 0.5)", valueName: "part"))
    var keep: Float?
    @Option(
        help: ArgumentHelp(
            "How many of the classes, answers or words with the nearest scores finer-cam and --finer hold the target "
                + "against. (default: 3)", valueName: "count"))
    var comparisons: Int?
    @Option(
        help: ArgumentHelp(
            "How much of their mean score is taken away from the target's. (default: 0.6)", valueName: "factor"))
    var comparisonWeight: Float?

    func validate() throws {
        for (name, value, limit) in [
            ("--samples", samples, 1_000_000), ("--window", window, 4096), ("--stride", stride, 4096),
            ("--cells", cells, 256), ("--comparisons", comparisons, 1_000_000),
        ] {
            if let value, !(1...limit).contains(value) { throw ValidationError("\(name) is in 1...\(limit)") }
        }
        if let noise, !(noise >= 0 && noise.isFinite) { throw ValidationError("--noise is a number from 0 on") }
        if let comparisonWeight, !(comparisonWeight >= 0 && comparisonWeight <= 1000) {
            throw ValidationError("--comparison-weight is in 0...1000")
        }
        if let keep, !(keep > 0 && keep < 1) { throw ValidationError("--keep is between 0 and 1") }
    }

    var settings: MethodSettings {
        var settings = MethodSettings()
        (settings.samples, settings.seed, settings.noise) = (samples, seed, noise)
        (settings.baseline, settings.fill) = (baseline, baseline)
        (settings.window, settings.stride, settings.cells, settings.keep) = (window, stride, cells, keep)
        if let comparisons { settings.comparison.count = comparisons }
        if let comparisonWeight { settings.comparison.weight = comparisonWeight }
        return settings
    }
}

extension WordScore: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "log-probability": "log p of the word, given the image and the words before it. It also grows where the "
                + "scores of other words fall.",
            "logit": "The word's own score before the softmax.",
            "visual": "The part of that score that the decoder reads from the image's regions at this step. Only "
                + "decoders with a visual term have it.",
        ]
    }
}

extension Baseline: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "black": "Black. The default of integrated-gradients.",
            "mean": "The mean colour of the model's preprocessing. The default of occlusion.",
        ]
    }
}

extension Compatibility: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "ramprs": "The Torch code of the Grad-CAM paper.",
            "pytorch-grad-cam": "pytorch-grad-cam 1.5.7.",
            "captum": "captum 0.9.0, LayerGradCam.",
            "torch-cam": "torch-cam 0.5.0, GradCAM.",
        ]
    }
}
