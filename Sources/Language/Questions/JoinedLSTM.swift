import Tensors

/// ``DeeperLSTM`` in the variant of tbmoon's basic_vqa: the image's vector is VGG's fc7 through a linear layer,
/// normalised to length 1; the question is padded to a fixed number of words, which the LSTMs read too; tanh comes
/// before the question's linear layer, not after it; the product of both goes through tanh, a layer, tanh and a layer.
public struct JoinedLSTM: VQAHead {
    let neck: NeckLayers?
    let image: Linear
    let words: Embedding
    let lstm: [LSTM]
    let question: Linear
    let joint: Linear
    let answers: Linear
    let length: Int
    let detachesNorm: Bool

    public init(_ p: Parameters, _ configuration: VQAHeadConfiguration) {
        let hidden = configuration.hidden
        let width = configuration.joint ?? 2 * hidden
        neck = NeckLayers(p["neck"], configuration.neck, features: configuration.features)
        image = Linear(p["image"], inputs: neck?.channels ?? configuration.features, outputs: width)
        words = Embedding(
            p["words"], count: configuration.vocabulary, width: configuration.embedding,
            deviation: Self.wordDeviation)
        lstm = (0..<max(1, configuration.layers ?? 2)).map {
            LSTM(p["lstm"]["\($0)"], inputs: $0 == 0 ? configuration.embedding : hidden, hidden: hidden)
        }
        question = Linear(p["question"], inputs: 2 * lstm.count * hidden, outputs: width)
        joint = Linear(p["joint"], inputs: width, outputs: configuration.answers)
        answers = Linear(p["answers"], inputs: configuration.answers, outputs: configuration.answers)
        length = max(1, configuration.paddedTo ?? 1)
        detachesNorm = configuration.detachesNorm == true
    }

    public func embed(_ questions: [[Int]]) -> Variable { words(questions: questions) }

    public func logits(features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?) -> Variable {
        let batch = QuestionBatch(words: embedded, lengths: lengths)
        let times = batch.questions(perImageOf: features)
        func dropped(_ x: Variable) -> Variable { dropout?(x) ?? x }
        var x = padded(embedded, batch).activated(.tanh)
        var states: [Variable] = []
        let end = x.shape[0] - 1
        for layer in lstm {
            let (h, c) = layer(x)
            states += [h, c].map { $0.rows(end..<end + 1).reshaped([batch.count, -1]) }
            x = h
        }
        let q = question(concatenateLast(states).activated(.tanh))
        let seen = image(globalAveragePool(neck?(features) ?? features))
        let unit = detachesNorm ? Self.scaled(seen) : seen.l2Normalised(epsilon: 1e-12)
        let product = dropped((unit.repeatedRows(times) * q).activated(.tanh))
        return answers(dropped(joint(product).activated(.tanh)))
    }

    /// Each question with the pad's vector after its end, up to the fixed length: `[T, N, E] -> [max(T, length), N, E]`.
    private func padded(_ embedded: Variable, _ batch: QuestionBatch) -> Variable {
        let (steps, rows, width) = (embedded.shape[0], batch.count, embedded.shape[2])
        let total = max(steps, length)
        let isWord = Tensor([rows, total, width]), isPad = Tensor([rows, total, width])
        for n in 0..<rows {
            let words = batch.lengths[n]
            (isWord.pointer + n * total * width).update(repeating: 1, count: words * width)
            (isPad.pointer + (n * total + words) * width).update(repeating: 1, count: (total - words) * width)
        }
        let pads = words([Int](repeating: 0, count: rows * total)).reshaped([rows, total, width])
        var spread = batch.questionFirst(embedded).reshaped([rows, steps * width])
        if total > steps {
            spread = concatenateLast([spread, Variable(Tensor([rows, (total - steps) * width]))])
        }
        let all = spread.reshaped([rows, total, width]) * Variable(isWord) + pads * Variable(isPad)
        return all.permuted([1, 0, 2])
    }

    /// Rows divided by their lengths, which are held constant in derivatives as the original does.
    private static func scaled(_ x: Variable) -> Variable {
        let (rows, width) = (x.shape[0], x.shape[1])
        let values = x.value.array
        let factors = (0..<rows).flatMap { row -> [Float] in
            let squares = values[row * width..<(row + 1) * width].reduce(Float(0)) { $0 + $1 * $1 }
            return [Float](repeating: 1 / max(squares.squareRoot(), 1e-12), count: width)
        }
        return x * Variable(Tensor([rows, width], factors))
    }
}
