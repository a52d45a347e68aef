import Explain
import Foundation
import Tasks
import Tensors
import Vision
import Weights

/// One warm answer and its map, through the same calls as `mmx vqa`.
final class AnsweringBench {
    private let answerer: VQAModel
    private let explainer: Explainer<VQAModel>
    private var photo = PreparedPhoto()

    init(model: String, withEvidence: Bool) throws {
        var answerer = try VQAModel.load(ModelFolder.find(model))
        if !withEvidence { answerer.calibration = nil }
        self.answerer = answerer
        explainer = try Explainer(answerer)
    }

    /// The photograph that the next commands are about (``PreparedPhoto``).
    func prepare(photo path: String, output: String?) throws {
        try photo.read(path, answerer.configuration.preprocessing, output: output)
    }

    /// Encoder, the question, every answer's score, the best one's Grad-CAM map. `words` are the question's.
    func ask(_ question: String, output: String?) throws -> Bench.Answer {
        let image = try photo.tensor
        var explanation: Explanation<VQAModel>?
        let time = try Duration {
            let encoded = explainer.encode(image)
            explanation = try explainer.explain(
                encoded, input: answerer.question(question).question, targets: [.best])
        }
        guard let explanation, let target = explanation.targets.first, let map = target.attributions.first?.map else {
            throw BenchError(description: "no answer")
        }
        if let output { try NumPyArray.write(map, to: URL(fileURLWithPath: output)) }
        return Bench.Answer(
            wall: time.wall, cpu: time.cpu, words: explanation.output.question.words, answer: target.name,
            value: Double(target.value))
    }
}
