import Language
import Tasks
import Tensors
import Vision

/// An untrained model of a kind, small enough for finite differences.
func untrainedVQAModel(_ kind: VQAHeadConfiguration.Kind, seed: UInt64 = 7) throws -> VQAModel {
    let vocabulary = Vocabulary(tokens: [["what", "color", "is", "the", "dog", "shape"]], minimumCount: 1)
    let answers = ["red", "blue", "black and white", "yes"]
    let encoder = EncoderConfiguration(name: "tiny", folded: true), store = ParameterStore(seed: seed)
    let head = VQAHeadConfiguration(
        kind: kind, features: try encoder.makeEncoder(store.scope()["encoder"]).channels, vocabulary: vocabulary.count,
        answers: answers.count, embedding: 6, hidden: 8, attention: 5)
    return try VQAModel(
        configuration: VQAConfiguration(
            encoder: encoder, preprocessing: try encoder.defaultPreprocessing(), answerer: head,
            vocabulary: "questions.txt", answers: "answers.txt"),
        vocabulary: vocabulary, answers: answers, parameters: store.scope())
}
