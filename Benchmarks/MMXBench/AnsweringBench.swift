import Explain
import Foundation
import Tasks
import Tensors
import Vision
import Weights

/// One warm answer and its map, through the same calls as `mmx vqa`.
final class AnsweringBench {
    private let answerer: VQAModel
    private let explainer: AnswerExplainer
    private var photo = PreparedPhoto()

    init(model: String) throws {
        answerer = try VQAModel.load(ModelFolder.find(model))
        explainer = try AnswerExplainer(answerer)
    }

    /// The photograph that the next commands are about (``PreparedPhoto``).
    func prepare(photo path: String, output: String?) throws {
        try photo.read(path, answerer.configuration.preprocessing, output: output)
    }

    /// Encoder, the question, every answer's score, the best one's Grad-CAM map. `words` are the question's.
    func ask(_ question: String, output: String?) throws -> Bench.Answer {
        let picture = try photo.tensor
        var explanation: AnswerExplanation?
        let time = try Duration {
            let seen = explainer.look(at: picture)
            explanation = try explainer.explain(seen, question: explainer.read(question).question, targets: [.best])
        }
        guard let explanation, let score = explanation.scores.first else { throw BenchError(description: "no answer") }
        if let output { try NumPyArray.write(score.map, to: URL(fileURLWithPath: output)) }
        return Bench.Answer(
            wall: time.wall, cpu: time.cpu, words: explanation.question.words, answer: score.score.name,
            value: Double(score.value))
    }
}
