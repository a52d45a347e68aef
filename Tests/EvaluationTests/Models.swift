import Foundation
import Language
import Tasks
import Tensors
import Vision

/// A model of the toy world, as `toy-show-attend-and-tell`. The tests of Explain have them among their fixtures.
func toyModel(_ name: String, file: StaticString = #filePath) -> URL {
    URL(fileURLWithPath: "\(file)").deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("ExplainTests/Fixtures/\(name)")
}

/// An untrained VQA model with stacked attention and a small encoder.
func untrainedVQAModel(seed: UInt64 = 7) throws -> VQAModel {
    let vocabulary = Vocabulary(tokens: [["what", "color", "is", "the", "dog", "shape"]], minimumCount: 1)
    let answers = ["red", "blue", "black and white", "yes"]
    let encoder = EncoderConfiguration(name: "tiny", folded: true), store = ParameterStore(seed: seed)
    let answerer = VQAHeadConfiguration(
        kind: .stackedAttention, features: try encoder.makeEncoder(store.scope()["encoder"]).channels,
        vocabulary: vocabulary.count, answers: answers.count, embedding: 6, hidden: 8, attention: 5)
    return try VQAModel(
        configuration: VQAConfiguration(
            encoder: encoder, preprocessing: try encoder.defaultPreprocessing(), answerer: answerer,
            vocabulary: "questions.txt", answers: "answers.txt"),
        vocabulary: vocabulary, answers: answers, parameters: store.scope())
}
