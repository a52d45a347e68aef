import Explain
import Foundation
import Tasks
import Tensors
import Vision
import Weights

/// A classifier's logits and the maps of one class, through the same calls as `mmx classify`.
final class ClassifyingBench {
    private let classifier: Classifier
    private var photo = PreparedPhoto()

    init(model: String) throws {
        classifier = try Classifier.load(ModelFolder.find(model))
    }

    /// The photograph that the next commands are about (``PreparedPhoto``).
    func prepare(photo path: String, output: String?) throws {
        try photo.read(path, classifier.configuration.preprocessing, output: output)
    }

    /// All logits: encoder and head.
    func classify(output: String?) throws -> Bench.Answer {
        let image = try photo.tensor
        var logits = image
        let time = Duration { logits = classifier.logits(features: classifier.features(image)) }
        if let output { try NumPyArray.write(logits, to: URL(fileURLWithPath: output)) }
        return Bench.Answer(wall: time.wall, cpu: time.cpu)
    }

    /// Encoder, head and the raw map of the class `index` by `method`.
    /// - Parameter samples: masks of RISE.
    func explain(index: Int, method: String, samples: Int?, output: String?) throws -> Bench.Answer {
        let image = try photo.tensor
        var settings = MethodSettings()
        settings.samples = samples
        let explainer = try Explainer(
            classifier, options: ExplanationOptions(methods: [try Methods.named(method, settings: settings)]))
        var explanation: Explanation<Classifier>?
        let time = try Duration {
            explanation = try explainer.explain(explainer.encode(image), input: (), targets: [.named("\(index)")])
        }
        guard let target = explanation?.targets.first, let map = target.attributions.first?.map else {
            throw BenchError(description: "no map")
        }
        if let output { try NumPyArray.write(map, to: URL(fileURLWithPath: output)) }
        return Bench.Answer(wall: time.wall, cpu: time.cpu, value: Double(target.value))
    }
}
