import Foundation
import Language
import Tasks
import Tensors

extension Captioner {
    /// The probability of the words at `positions`, given the words before them, for each of N images. It is the
    /// product over the positions.
    /// - Parameters:
    ///   - positions: in `words`, not empty.
    ///   - words: the caption as word indices.
    ///   - features: the images' feature maps, `[N, u, v, K]`.
    func probabilities(of positions: Range<Int>, in words: [Int], features: Tensor) -> [Double] {
        let count = features.shape[0]
        let read = [vocabulary.start] + words.prefix(positions.upperBound - 1)
        // [T, N, V]
        let logs = decoder.logits(
            features: Variable(features), words: [[Int]](repeating: read, count: count), dropout: nil
        ).logSoftmax().value
        return (0..<count).map { n in exp(positions.reduce(0) { $0 + Double(logs[$1, n, words[$1]]) }) }
    }
}

extension VQAModel {
    /// The probability of an answer to a question, for each of N images.
    /// - Parameters:
    ///   - answer: the answer's index.
    ///   - features: the images' feature maps, `[N, u, v, K]`.
    func probabilities(of answer: Int, asked question: ReadQuestion, features: Tensor) -> [Double] {
        let count = features.shape[0]
        let logits = self.scores(
            features: features, questions: [[Int]](repeating: question.words, count: count))
        let probabilities = Variable(logits).softmax().value
        return (0..<count).map { Double(probabilities[$0, answer]) }
    }
}
