import Support
import Tasks
import Tensors

/// Explains one model: any target with any method, all targets of an input in one backward sweep.
public struct Explainer<Model: ExplainableModel> {
    /// The model that is explained.
    public let model: Model
    /// The options with the model's own defaults filled in; the methods are those that run.
    public let options: ExplanationOptions
    private let layers: EncoderLayers

    /// The methods, each name once.
    public var methods: [any ExplanationMethod] { options.methods }
    /// The layers that maps lie over, as manifests say it: "conv4", "conv1 + conv4".
    public var layer: String { MapSupport.layers(layers.names).description }
    /// Whether maps lie over the feature map that the head takes.
    public var isLastLayer: Bool { layers.isLast }

    /// - Parameters:
    ///   - model: the model to explain.
    ///   - options: layers and methods, checked here before anything is computed.
    /// - Throws: ``ExplanationError`` when the encoder has no such layer, a method of the model's configuration does
    ///   not exist, or a method does not apply to the layers.
    public init(_ model: Model, options: ExplanationOptions = ExplanationOptions()) throws {
        self.model = model
        layers = try EncoderLayers(model.modelEncoder, layers: options.layers)
        self.options = try options.filled(from: model.mapConfiguration)
        try self.options.check(layers)
    }

    /// Runs the encoder once. Where a method's maps have pixels, the way back to them is recorded, so that it is not
    /// run again.
    /// - Parameter pixels: `[1, height, width, 3]`, preprocessed.
    public func encode(_ pixels: Tensor) -> EncodedImage {
        layers.encode(pixels, recordsPixels: methods.contains { $0 is any PixelMethod })
    }

    /// Whether the image was encoded by this encoder (the same weights and preprocessing) with the same layers: only
    /// such an image can be explained here.
    public func accepts(_ image: EncodedImage) -> Bool { image.view == layers.view }

    /// What the model says of the image and the input, and the attributions of the targets.
    /// - Parameters:
    ///   - image: an image that ``encode(_:)`` of this explainer returned, or another that it ``accepts(_:)``.
    ///   - input: what the head reads beside the image.
    ///   - requests: what to explain; nothing is explained where there is none.
    ///   - progress: called with the model's runs done and to do, by methods that take many.
    /// - Throws: ``ExplanationError`` for a request that cannot be met, a method that does not apply to the model, or
    ///   an image that another encoder saw.
    public func explain(
        _ image: EncodedImage, input: Model.Input, targets requests: [Model.Request],
        progress: ((Int, Int) -> Void)? = nil
    ) throws -> Explanation<Model> {
        guard accepts(image) else {
            throw ExplanationError(
                kind: .otherEncoder,
                description: "the image was encoded by another encoder or with other layers than \(layer)")
        }
        let tape = Tape(), features = tape.leaf(image.features)
        let reading = try Timings.measure(.reading) {
            try model.read(input, features: features, on: tape, options: options)
        }
        var resolved: [(request: Int, target: ResolvedTarget<Model.Subject>)] = []
        for (index, request) in requests.enumerated() {
            resolved += try reading.targets(request).map { (index, $0) }
        }
        guard !resolved.isEmpty else { return Explanation(output: reading.output, targets: []) }
        let own = resolved.map(\.target.linear)
        let context = AttributionContext(
            image, head: reading.head, targets: explained(own, reading),
            recorded: .init(tape: tape, features: features, outputs: reading.outputs), progress: progress)
        let words = options.explainsWords ? reading.wordContributions?(own) : nil
        let wordEvidence = options.explainsWords ? reading.wordEvidence?(own) : nil
        var targets = resolved.enumerated().map { k, found in
            ExplainedTarget(
                request: found.request, name: found.target.name, subject: found.target.subject,
                value: found.target.linear.values(reading.outputs.value)[0],
                evidence: reading.evidence?.evidence(of: found.target.linear) ?? Evidence(),
                warnings: found.target.warnings, words: words?[k], wordEvidence: wordEvidence?[k], attributions: [])
        }
        for method in methods {
            let found = try Timings.measure(.backward) { try attributions(method, context) }
            for (k, attribution) in found.enumerated() {
                targets[k].attributions.append(attribution)
            }
        }
        return Explanation(output: reading.output, targets: targets)
    }

    /// What methods explain of the targets: what sets them apart from others, what speaks against them, or themselves.
    private func explained(_ targets: [LinearTarget], _ reading: HeadReading<Model>) -> [LinearTarget] {
        var targets = targets
        if let comparison = options.comparison {
            let outputs = reading.outputs.value.array, choices = reading.head.choices ?? outputs.count
            targets = targets.map { $0.compared(comparison, outputs: outputs, choices: choices) }
        }
        return options.isCounterfactual ? targets.map(\.negated) : targets
    }

    /// One method's attributions of all targets. The method runs over each of the layers; the maps of several are fused
    /// as the method says, as `options.compatibility` does, or by ``LayerFusion``.
    private func attributions(
        _ method: any ExplanationMethod, _ context: AttributionContext
    ) throws -> [Attribution] {
        let maps: Tensor
        if method.support == .layer && layers.names.count > 1 {
            let found = try context.layers.map { try method.maps(of: $0) }
            maps =
                method.fuse(found)
                ?? options.compatibility?.fuse(
                    found, method: method.name, height: context.pixels.shape[1], width: context.pixels.shape[2])
                ?? LayerFusion.fuse(found)
        } else {
            maps = try method.maps(of: context)
        }
        let support = method.support == .pixels ? MapSupport.pixels : .layers(layers.names)
        return context.takeWarnings().enumerated().map { k, warnings in
            Attribution(method: method.name, support: support, map: maps.row(k), warnings: warnings)
        }
    }
}
