import Tensors

/// A baseline that does not use the image: the question's part of ``DeeperLSTM`` and a linear layer to the answers. Its
/// accuracy shows how much the questions' wording alone predicts.
public struct QuestionOnly: VQAHead {
    let words: Embedding
    let reader: QuestionReader
    let answers: Linear

    public init(_ p: Parameters, _ configuration: VQAHeadConfiguration) {
        words = Embedding(
            p["words"], count: configuration.vocabulary, width: configuration.embedding,
            deviation: Self.wordDeviation)
        reader = QuestionReader(p, embedding: configuration.embedding, hidden: configuration.hidden)
        answers = Linear(p["answers"], inputs: reader.width, outputs: configuration.answers)
    }

    /// All of the scores: the image has no part in them.
    public func questionScores(embedded: Variable, lengths: [Int]) -> Variable? {
        answers(reader(embedded, QuestionBatch(words: embedded, lengths: lengths), nil))
    }

    public func embed(_ questions: [[Int]]) -> Variable { words(questions: questions) }

    /// `features` is not used.
    public func logits(features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?) -> Variable {
        let question = reader(embedded, QuestionBatch(words: embedded, lengths: lengths), dropout)
        return answers(dropout?(question) ?? question)
    }
}
