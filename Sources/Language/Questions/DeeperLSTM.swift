import Tensors

/// "Deeper LSTM Q + norm I" (Antol et al. 2015, section 4; Lu et al. 2015): two LSTM layers read the question; the
/// feature map's mean over the regions is normalised to length 1. Both are mapped into one space and multiplied element
/// by element.
public struct DeeperLSTM: VQAHead {
    let words: Embedding
    let reader: QuestionReader
    let image: ImageEmbedding
    let answers: Linear

    public init(_ p: Parameters, _ configuration: VQAHeadConfiguration) {
        words = Embedding(
            p["words"], count: configuration.vocabulary, width: configuration.embedding,
            deviation: Self.wordDeviation)
        reader = QuestionReader(p, embedding: configuration.embedding, hidden: configuration.hidden)
        // The image's vector has length 1, whatever its number of channels: weights of order 1 use the range of tanh.
        image = ImageEmbedding(p, configuration, outputs: reader.width, bound: 1)
        answers = Linear(p["answers"], inputs: reader.width, outputs: configuration.answers)
    }

    public func embed(_ questions: [[Int]]) -> Variable { words(questions: questions) }

    public func logits(features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?) -> Variable {
        let batch = QuestionBatch(words: embedded, lengths: lengths)
        let question = reader(embedded, batch, dropout)
        let shown = image(globalAveragePool(features).l2Normalised())
        let x = question * shown.repeatedRows(batch.questions(perImageOf: features))
        return answers(dropout?(x) ?? x)
    }
}

/// The question's part of ``DeeperLSTM``: tanh of the word vectors, two LSTM layers, then a linear layer and tanh over
/// both layers' c and h after the last word (4H numbers).
struct QuestionReader {
    let lstm: [LSTM]
    let question: Linear
    /// Width of the question's vector: 2H, as the paper's 1024 for an LSTM of 512.
    let width: Int

    init(_ p: Parameters, embedding: Int, hidden: Int) {
        width = 2 * hidden
        lstm = [
            LSTM(p["lstm"]["0"], inputs: embedding, hidden: hidden),
            LSTM(p["lstm"]["1"], inputs: hidden, hidden: hidden),
        ]
        question = Linear(p["question"], inputs: 4 * hidden, outputs: width)
    }

    /// embedded `[T, N, E] -> [N, 2H]`
    func callAsFunction(_ embedded: Variable, _ batch: QuestionBatch, _ dropout: Dropout?) -> Variable {
        var x = embedded.activated(.tanh)
        var held: [Variable] = []
        for layer in lstm {
            if let dropout { x = dropout(x) }
            let (h, c) = layer(x)
            held += [batch.last(of: c), batch.last(of: h)]
            x = h
        }
        let state = concatenateLast(held)
        return question(dropout?(state) ?? state).activated(.tanh)
    }
}
