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
    private var picture: Tensor?

    init(model: String) throws {
        classifier = try Classifier.load(ModelFolder.find(model))
        explainer = try ClassExplainer(classifier)
    }

    /// Reads and prepares the photograph that the next commands look at, and writes the prepared tensor, so that the
    /// peers see the same numbers.
    func prepare(photo: String, output: String?) throws {
        let prepared = classifier.configuration.preprocessing.prepare(try Image.read(URL(fileURLWithPath: photo))).tensor
        if let output { try NumPyArray.write(prepared, to: URL(fileURLWithPath: output)) }
        picture = prepared
    }

    private func current() throws -> Tensor {
        guard let picture else { throw BenchError(description: "no photograph was prepared") }
        return picture
    }

    /// All logits: encoder and head.
    func classify(output: String?) throws -> Bench.Answer {
        let picture = try current()
        var logits = picture
        let time = Duration { logits = classifier.logits(features: classifier.features(picture)) }
        if let output { try NumPyArray.write(logits, to: URL(fileURLWithPath: output)) }
        return Bench.Answer(wall: time.wall, cpu: time.cpu)
    }

    /// Encoder, head and the raw map of the class `index` by `method`.
    /// - Parameter samples: masks of RISE.
    func explain(index: Int, method: String, samples: Int?, output: String?) throws -> Bench.Answer {
        let picture = try current()
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
