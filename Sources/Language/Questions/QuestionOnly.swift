import Tensors

/// The baseline that never looks at the picture: the question reader of ``DeeperLSTM`` and a linear layer to the
/// answers. What it scores is what the questions' wording alone gives away.
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

    public func embed(_ questions: [[Int]]) -> Variable { words(questions: questions) }

    /// `features` plays no part.
    public func logits(features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?) -> Variable {
        let question = reader(embedded, QuestionBatch(words: embedded, lengths: lengths), dropout)
        return answers(dropout?(question) ?? question)
    }
}
