import Drawing
import Explain
import Foundation
import Language
import Tasks
import Tensors
import Vision

/// A model whose maps can be evaluated, also with other values of its parameters.
protocol EvaluableModel: ExplainableModel {
    /// Whether the model has attention over the cells of the feature map, so that ``ModelAttention`` applies.
    var attends: Bool { get }
    /// What the model's folder knows of the training images.
    var calibration: Calibration? { get set }
    /// The same model with other values of its parameters. An encoder that it shares with another model keeps its
    /// values.
    func remade(_ parameters: Parameters) throws -> Self
}

extension Captioner: EvaluableModel {
    var attends: Bool { configuration.decoder.kind.attends }

    func remade(_ parameters: Parameters) throws -> Captioner {
        try Captioner(
            configuration: configuration, vocabulary: vocabulary,
            encoder: configuration.sharedEncoder == nil ? nil : modelEncoder, parameters: parameters)
    }
}

extension VQAModel: EvaluableModel {
    var attends: Bool { head is any AttendingVQAHead }

    func remade(_ parameters: Parameters) throws -> VQAModel {
        try VQAModel(
            configuration: configuration, vocabulary: vocabulary, answers: answers,
            encoder: configuration.sharedEncoder == nil ? nil : modelEncoder, parameters: parameters)
    }
}

/// A model with the methods that are evaluated. If the model has attention over the layer of the maps, its attention is
/// added to the chosen methods as a reference.
struct EvaluatedModel<Model: EvaluableModel> {
    /// With the chosen methods and the reference.
    private(set) var explainer: Explainer<Model>
    var model: Model { explainer.model }
    /// The names of the chosen methods.
    let chosen: [String]
    /// The name of the reference. It is nil if the model has no attention, or if attention is a chosen method.
    let attention: String?
    /// The smoothing and clipping of the maps before they are drawn or measured.
    let preparation: MapPreparation
    /// The model's folder.
    let folder: URL

    /// - Parameters:
    ///   - model: the model.
    ///   - folder: the model's folder.
    ///   - options: the methods, the layer and the word score.
    ///   - smoothing: side of the smoothing square, odd. Without it, the model's own.
    /// - Throws: `ExplanationError` for an unknown layer, or for a method that does not apply.
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

    /// The methods of the table. Each chosen method has its name, and its name with `suffix` for the second target. The
    /// reference is last.
    func methods(_ suffix: String) -> [String] {
        chosen.flatMap { [$0, $0 + suffix] } + [attention].compactMap { $0 }
    }

    /// The maps of one question or phrase, in the order of ``methods(_:)``.
    /// - Parameters:
    ///   - first: the target whose maps have the methods' names.
    ///   - second: the target whose maps have the names with `suffix`, if there is one.
    ///   - fields: for the records of a target's maps.
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

    /// The preprocessed image `[1, H, W, 3]`, and the position of the model's input in the photograph.
    func prepare(_ photo: Image) -> (tensor: Tensor, placement: Placement) {
        let prepared = model.modelEncoder.identity.preprocessing.prepare(photo)
        return (prepared.tensor, prepared.placement)
    }

    /// The maps of one image.
    /// - Parameters:
    ///   - prepared: the image as ``prepare(_:)`` gives it.
    ///   - image: the same image, encoded.
    ///   - targets: with their maps.
    func imageMaps(
        _ prepared: (tensor: Tensor, placement: Placement), _ image: EncodedImage, targets: [MapTarget]
    ) -> ImageMaps {
        let encoder = model.modelEncoder.network
        return ImageMaps(
            input: prepared.tensor, placement: prepared.placement, preparation: preparation,
            wordBlind: ActivationSum.map(image.activations), features: { encoder(Variable($0)).value },
            targets: targets)
    }

    /// What the explanation of an image is made with where another image stands for no image.
    func explainer(of photo: Image, noImage: NoImage) throws -> Explainer<Model> {
        let preprocessing = model.modelEncoder.identity.preprocessing
        guard noImage != .typical, let calibration = model.calibration else { return explainer }
        var changed = model
        let features =
            noImage.image(of: photo, preprocessing).map {
                model.modelEncoder.network(Variable(preprocessing.prepare($0).tensor)).value
            } ?? Self.mean(calibration)
        changed.calibration?.typicalFeatures = features
        changed.calibration?.typicalShares = [1]
        return try Explainer(changed, options: explainer.options)
    }

    /// The mean of the typical feature maps, `[1, u, v, K]`.
    private static func mean(_ calibration: Calibration) -> Tensor {
        let maps = calibration.typicalFeatures, size = maps.count / maps.shape[0]
        let result = Tensor([1] + maps.shape.dropFirst())
        for (i, share) in calibration.typicalShares.enumerated() {
            for k in 0..<size { result.pointer[k] += share * maps.pointer[i * size + k] }
        }
        return withExtendedLifetime((maps, result)) { result }
    }

    // MARK: Other parameters

    /// A hash of all that the records of a run depend on: the model, the options, `settings` and the content of
    /// `files`.
    func fingerprint(_ settings: [String], files: [URL]) -> String {
        let options = ["\(explainer.layer)", "\(explainer.options)", "\(preparation)"]
        return ModelParameters.fingerprint(folder, settings: options + settings, files: files)
    }

    /// The values of the model's parameters by name, as the file has them.
    /// - Throws: `SafeTensorsError`.
    func parameters() throws -> [String: Tensor] { try ModelParameters.read(folder) }

    /// The names of the parameters in the order in which the model uses them.
    /// - Throws: `SafeTensorsError`, or the error of a model that cannot be made of the parameters.
    func parameterOrder() throws -> [String] {
        let store = ParameterStore(strict: try parameters(), origin: folder.path)
        _ = try remade(store)
        return store.order
    }

    /// The same model and methods with other values of the parameters.
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
