import Tensors

/// The positions of the words of N questions of different lengths in tensors `[T, N, ...]`.
struct QuestionBatch {
    let steps: Int
    /// At least 1 and at most `steps`, `[N]`.
    let lengths: [Int]

    var count: Int { lengths.count }

    /// - Parameters: words `[T, N, E]`, lengths `[N]`.
    init(words: Variable, lengths: [Int]) {
        precondition(
            words.shape.count == 3 && words.shape[1] == lengths.count,
            "\(lengths.count) lengths for words \(words.shape)")
        steps = words.shape[0]
        self.lengths = lengths.map { max(1, $0) }
        precondition(self.lengths.allSatisfy { $0 <= words.shape[0] }, "a question longer than \(words.shape[0]) words")
    }

    /// The number of questions of each image.
    func questions(perImageOf features: Variable) -> Int {
        let images = features.shape[0]
        precondition(images > 0 && count % images == 0, "\(count) questions about \(images) images")
        return count / images
    }

    /// Each question's last word: `[T, N, F] -> [N, F]`.
    func last(of x: Variable) -> Variable {
        let indices = lengths.enumerated().map { n, length in (length - 1) * count + n }
        return embedding(x.reshaped([steps * count, x.shape[2]]), indices)
    }

    /// Question first: `[T, N, F] -> [N, T, F]`.
    func questionFirst(_ x: Variable) -> Variable {
        let width = x.shape[2]
        let indices = (0..<count).flatMap { n in (0..<steps).map { t in t * count + n } }
        return embedding(x.reshaped([steps * count, width]), indices).reshaped([count, steps, width])
    }

    /// Each word replaced by the one `distance` later, and by zeros after the question's end: `[T, N, F] -> [T, N, F]`.
    /// With distance 0, only the padding becomes 0.
    func shifted(_ x: Variable, by distance: Int) -> Variable {
        let width = x.shape[2]
        let mask = Tensor([steps, count, width])
        for t in 0..<steps {
            for n in 0..<count where t + distance < lengths[n] {
                (mask.pointer + (t * count + n) * width).update(repeating: 1, count: width)
            }
        }
        var moved = x
        if distance > 0 {
            let indices = (0..<steps).flatMap { t in (0..<count).map { n in min(t + distance, steps - 1) * count + n } }
            moved = embedding(x.reshaped([steps * count, width]), indices).reshaped(x.shape)
        }
        return moved * Variable(mask)
    }

    /// A mask to add to scores before a softmax over words, `[N, T]`: 0 at words, and a large negative number after the
    /// question's end, so that the padding's weight is 0.
    var padding: Variable {
        Variable(Tensor([count, steps], lengths.flatMap { length in (0..<steps).map { $0 < length ? 0 : -1e9 } }))
    }
}

extension Embedding {
    /// Word vectors of N questions, padded with 0 to the longest: `[T, N, E]`, T at least 1.
    func callAsFunction(questions: [[Int]]) -> Variable {
        let steps = max(1, questions.lazy.map(\.count).max() ?? 0)
        let width = weight.shape[1]
        let indices = (0..<steps).flatMap { t in questions.map { t < $0.count ? $0[t] : 0 } }
        let words = self(indices).reshaped([steps, questions.count, width])
        if questions.allSatisfy({ $0.count == steps }) { return words }
        let mask = Tensor([steps, questions.count, width])
        for t in 0..<steps {
            for (n, question) in questions.enumerated() where t < question.count {
                (mask.pointer + (t * questions.count + n) * width).update(repeating: 1, count: width)
            }
        }
        return words * Variable(mask)
    }
}

extension LSTM {
    /// From a state of zeros: x `[T, N, I]`, all steps' h and c `[T, N, H]`.
    func callAsFunction(_ x: Variable) -> (h: Variable, c: Variable) {
        let zero = Variable(Tensor([x.shape[1], hidden]))
        return self(x, h: zero, c: zero)
    }
}
