import Drawing
import Explain
import Foundation
import Tasks
import Tensors
import Vision

/// A model whose maps can be evaluated, also with other parameters.
protocol EvaluableModel: ExplainableModel {
    /// Whether the model weighs the regions of the feature map, so that its own attention is a map.
    var attends: Bool { get }
    /// The model again, of other parameters. An encoder that it shares with another model keeps its own.
    func remade(_ parameters: Parameters) throws -> Self
}

extension Captioner: EvaluableModel {
    var attends: Bool { configuration.decoder.kind == .showAttendAndTell }

    func remade(_ parameters: Parameters) throws -> Captioner {
        try Captioner(
            configuration: configuration, vocabulary: vocabulary,
            encoder: configuration.sharedEncoder == nil ? nil : modelEncoder, parameters: parameters)
    }
}

extension VQAModel: EvaluableModel {
    var attends: Bool {
        let kind = configuration.answerer.kind
        return kind == .stackedAttention || kind == .coAttention
    }

    func remade(_ parameters: Parameters) throws -> VQAModel {
        try VQAModel(
            configuration: configuration, vocabulary: vocabulary, answers: answers,
            encoder: configuration.sharedEncoder == nil ? nil : modelEncoder, parameters: parameters)
    }
}

/// A model with the methods that are evaluated: those chosen and, as a reference beside them, the model's own attention
/// where it has one over the layer of the maps.
struct EvaluatedModel<Model: EvaluableModel> {
    private(set) var explainer: Explainer<Model>
    var model: Model { explainer.model }
    /// The names of the methods that were chosen.
    let chosen: [String]
    /// The name of the reference beside them; nil where the model has no attention, or it was chosen itself.
    let attention: String?
    /// What is drawn, and so measured, of the maps.
    let preparation: MapPreparation
    /// The model's folder.
    let folder: URL

    /// - Parameters:
    ///   - options: the methods chosen, the layer and the word score.
    ///   - smoothing: side of the smoothing square, odd; nil takes the model's own.
    /// - Throws: `ExplanationError` for a layer that is not there or a method that does not apply.
    init(_ model: Model, folder: URL, options: ExplanationOptions, smoothing: Int?) throws {
        let plain = try Explainer(model, options: options)
        chosen = plain.methods.map(\.name)
        let baseline = ModelAttention()
        let isAdded =
            model.attends && plain.isLastLayer && !options.isCounterfactual && !chosen.contains(baseline.name)
        attention = isAdded ? baseline.name : nil
        var options = plain.options
        if isAdded { options.methods.append(baseline) }
        explainer = try Explainer(model, options: options)
        preparation = MapPreparation(smoothing: smoothing, own: model.mapConfiguration?.smoothing)
        self.folder = folder
    }

    /// The table's methods: each chosen one by its name, and with `suffix` for the second target; then the attention.
    func methods(_ suffix: String) -> [String] {
        chosen.flatMap { [$0, $0 + suffix] } + [attention].compactMap { $0 }
    }

    /// What was explained of one thing, in the order of ``methods(_:)``.
    /// - Parameters:
    ///   - first: the target whose maps have the methods' names.
    ///   - second: the target whose maps have names with `suffix`; nil where there is none.
    func maps(
        _ first: ExplainedTarget<Model.Subject>, _ second: ExplainedTarget<Model.Subject>?, suffix: String,
        fields: (ExplainedTarget<Model.Subject>) -> [String: RecordValue] = { _ in [:] }
    ) -> [MapTarget.Map] {
        func map(_ target: ExplainedTarget<Model.Subject>, _ method: String, _ score: Int) -> MapTarget.Map? {
            target.attribution(by: method).map {
                .init(
                    method: score == 0 ? method : method + suffix, score: score, fields: fields(target), raw: $0.map,
                    isOfPixels: $0.support.isPixels)
            }
        }
        let own = chosen.flatMap { method in [map(first, method, 0), second.flatMap { map($0, method, 1) }] }
        return (own + [attention.flatMap { map(first, $0, 0) }]).compactMap { $0 }
    }

    /// The preprocessed image and where the model's frame lies in the photograph.
    func prepare(_ photo: Image) -> (tensor: Tensor, placement: Placement) {
        let prepared = model.modelEncoder.identity.preprocessing.prepare(photo)
        return (prepared.tensor, prepared.placement)
    }

    /// The maps of one image.
    func imageMaps(
        _ prepared: (tensor: Tensor, placement: Placement), _ image: EncodedImage, targets: [MapTarget]
    ) -> ImageMaps {
        let encoder = model.modelEncoder.network
        return ImageMaps(
            input: prepared.tensor, placement: prepared.placement, preparation: preparation,
            wordBlind: ActivationSum.map(image.activations), features: { encoder(Variable($0)).value },
            targets: targets)
    }

    // MARK: Other parameters

    /// Names what the records of a run depend on.
    func fingerprint(_ settings: [String], files: [URL]) -> String {
        let options = ["\(explainer.layer)", "\(explainer.options)", "\(preparation)"]
        return ModelParameters.fingerprint(folder, settings: options + settings, files: files)
    }

    func parameters() throws -> [String: Tensor] { try ModelParameters.read(folder) }

    func parameterOrder() throws -> [String] {
        let store = ParameterStore(strict: try parameters(), origin: folder.path)
        _ = try remade(store)
        return store.order
    }

    func with(parameters: [String: Tensor]) throws -> EvaluatedModel {
        var changed = self
        let store = ParameterStore(strict: parameters, origin: folder.path)
        changed.explainer = try Explainer(remade(store), options: explainer.options)
        return changed
    }

    private func remade(_ store: ParameterStore) throws -> Model {
        let model = try model.remade(store.scope())
        try store.checkComplete()
        return model
    }
}
