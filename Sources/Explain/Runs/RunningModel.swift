import Foundation
import Support
import Tasks

/// One model at work on one photograph: what the runs of all tasks share.
///
/// A run finds the model's folder, then reads the photograph, then loads the model: where several are wrong, the first
/// of them is what the error tells.
struct RunningModel<Model: ExplainableModel> {
    let folder: URL
    let explainer: Explainer<Model>
    var model: Model { explainer.model }
    private let weights: FileHash

    /// - Parameters:
    ///   - weights: the hash of the model's weights, computed beside other work.
    ///   - load: reads the model's folder.
    init(
        _ folder: URL, weights: FileHash, options: ExplanationOptions, load: (URL) throws -> Model
    ) throws {
        self.folder = folder
        self.weights = weights
        explainer = try Timings.measure(.model) { try Explainer(load(folder), options: options) }
    }

    /// Runs the encoder over the photograph, or takes what another model's encoder saw where it is the same encoder.
    func encode(_ photo: PhotoFile, sharing other: EncodedImage? = nil) -> EncodedImage {
        if let other, explainer.accepts(other) { return other }
        let input = Timings.measure(.resizing) {
            model.modelEncoder.identity.preprocessing.prepare(photo.image).tensor
        }
        return Timings.measure(.encoder) { explainer.encode(input) }
    }

    /// - Throws: `ModelError` when a score is not finite: some of the model's weights are not.
    func checkFinite(_ scores: [Float]) throws { try ModelError.check(scores, of: folder) }

    /// The writer of the run's attributions.
    func writer(_ rendering: RenderingOptions, _ photo: PhotoFile, _ attributions: [Attribution]) -> ExplanationWriter {
        let preprocessing = model.modelEncoder.identity.preprocessing
        return ExplanationWriter(
            rendering, photo: photo.image,
            placement: preprocessing.placement(
                originalWidth: photo.image.width, originalHeight: photo.image.height),
            smoothing: model.mapConfiguration?.smoothing, compatibility: explainer.options.compatibility,
            isCounterfactual: explainer.options.isCounterfactual, attributions: attributions)
    }

    /// What the manifest says whatever the task.
    /// - Parameter describe: adds what is the task's own to the model's description.
    /// - Throws: what reading the weights' file threw.
    func header(
        task: String, request: String, _ photo: PhotoFile, _ image: EncodedImage, _ writer: ExplanationWriter,
        warnings: [String] = [], describe: (inout ManifestModel) -> Void
    ) throws -> ManifestHeader {
        let identity = model.modelEncoder.identity
        var description = ManifestModel(
            name: folder.lastPathComponent, path: folder.path,
            sha256: try Timings.measure(.hashing) { try weights.value },
            encoder: identity.encoder.name)
        describe(&description)
        let distance = trainingDistance(of: image)
        let view = [
            identity.preprocessing.viewWarning(photoWidth: photo.image.width, photoHeight: photo.image.height),
            distance?.warning, photo.description.sizeWarning,
        ].compactMap(\.self)
        return ManifestHeader(
            tool: Version.tool, task: task, model: description, photo: photo.description,
            preprocessing: identity.preprocessing, layer: explainer.layer,
            isCounterfactual: explainer.options.isCounterfactual, comparison: explainer.options.comparison,
            rendering: writer.rendering,
            trainingDistance: distance, manifest: nil,
            request: request, warnings: photo.warnings + view + warnings)
    }
}
