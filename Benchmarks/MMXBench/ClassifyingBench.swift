import Explain
import Foundation
import Tasks
import Tensors
import Vision
import Weights

/// A classifier's logits and the maps of one class, through the same calls as `mmx classify`.
final class ClassifyingBench {
    private let classifier: Classifier
    private let explainer: ClassExplainer
    private var photo = PreparedPhoto()

    init(model: String) throws {
        classifier = try Classifier.load(ModelFolder.find(model))
        explainer = try ClassExplainer(classifier)
    }

    /// The photograph that the next commands are about (``PreparedPhoto``).
    func prepare(photo path: String, output: String?) throws {
        try photo.read(path, classifier.configuration.preprocessing, output: output)
    }

    /// All logits: encoder and head.
    func classify(output: String?) throws -> Bench.Answer {
        let picture = try photo.tensor
        var logits = picture
        let time = Duration { logits = classifier.logits(features: classifier.features(picture)) }
        if let output { try NumPyArray.write(logits, to: URL(fileURLWithPath: output)) }
        return Bench.Answer(wall: time.wall, cpu: time.cpu)
    }

    /// Encoder, head and the raw map of the class `index` by `method`.
    /// - Parameter samples: masks of RISE.
    func explain(index: Int, method: String, samples: Int?, output: String?) throws -> Bench.Answer {
        let picture = try photo.tensor
        var settings = MethodSettings()
        settings.samples = samples
        let recipe = MapRecipe(methods: [try Methods.named(method, settings: settings)])
        var explanation: ClassExplanation?
        let time = try Duration {
            explanation = try explainer.explain(
                explainer.look(at: picture, for: recipe.methods), targets: [.named("\(index)")], recipe: recipe)
        }
        guard let score = explanation?.scores.first else { throw BenchError(description: "no map") }
        if let output { try NumPyArray.write(score.map, to: URL(fileURLWithPath: output)) }
        return Bench.Answer(wall: time.wall, cpu: time.cpu, value: Double(score.value))
    }
}
