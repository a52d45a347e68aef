import Foundation
import Language
import Tasks
import Tensors

/// Each cell's own part of a caption's targets, for a decoder whose scores are a sum over the cells and of what the
/// words before say alone; run when it is first asked for.
///
/// Of a score before the softmax, a cell's part is what it adds. log p is no sum. There, with the language's scores s
/// and cell l's part x_l of the scores, the part of cell l is
///
///     sum over the words v of x_lv * the mean over a in 0...1 of (d log p / d score_v at s + a * sum over l of x_l):
///
/// integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365, eq. 1) from the model without the image, or the
/// cells' Aumann-Shapley values. The parts add up to log p less the language's log p.
final class CaptionCells {
    private let captioner: Captioner
    private let features: Tensor
    private let words: [Int]
    private let kind: WordScore
    /// log p `[T, V]`, and the language's scores before the softmax.
    private let logProbabilities: Tensor
    private let language: Tensor?

    /// - Parameters:
    ///   - features: `[1, u, v, K]`.
    ///   - words: of the caption, without start and end.
    ///   - logProbabilities: of every word at every position, `[T, V]`.
    ///   - language: the scores without the image, T x V numbers.
    init(
        _ captioner: Captioner, features: Tensor, words: [Int], kind: WordScore, logProbabilities: Tensor,
        language: Tensor?
    ) {
        (self.captioner, self.features, self.words, self.kind) = (captioner, features, words, kind)
        self.logProbabilities = logProbabilities
        self.language = language?.reshaped(logProbabilities.shape)
    }

    private lazy var regions = captioner.decoder.regionScores(
        features: features, words: [captioner.vocabulary.start] + words)

    /// The cells' parts of a target, `[u, v]`; nil for another decoder.
    func map(of target: LinearTarget) -> Tensor? {
        guard let language, let regions else { return nil }
        let width = logProbabilities.shape[1]
        let byStep = Dictionary(grouping: target.terms) { $0.index / width }.sorted { $0.key < $1.key }
        let weights = Tensor([byStep.count, width])
        for (row, (step, terms)) in byStep.enumerated() {
            let own = weights.pointer + row * width
            for term in terms { own[term.index % width] += term.weight }
            let sum = terms.reduce(0) { $0 + $1.weight }
            if kind != .logProbability || sum == 0 { continue }
            for (word, mean) in Self.meanProbabilities(language.row(step), logProbabilities.row(step)).enumerated() {
                own[word] -= sum * mean
            }
        }
        let parts = regions(byStep.map(\.key), weights)
        var map = [Float](repeating: 0, count: parts.shape[1])
        for row in byStep.indices {
            for cell in map.indices { map[cell] += parts[row, cell] }
        }
        return Tensor(Array(features.shape[1...2]), map)
    }

    /// The mean over a in 0...1 of softmax(from + a * (to - from)), `[V]`, by Gauss's rule of four points in each of
    /// twelve stretches: right to 1e-5 for scores that differ by up to 40.
    static func meanProbabilities(_ from: Tensor, _ to: Tensor) -> [Float] {
        let points: [(at: Float, weight: Float)] = [
            (-0.861_136_3, 0.347_854_85), (-0.339_981_04, 0.652_145_15), (0.339_981_04, 0.652_145_15),
            (0.861_136_3, 0.347_854_85),
        ]
        let stretches = 12, count = from.count
        var mean = [Float](repeating: 0, count: count)
        var scores = [Float](repeating: 0, count: count)
        for stretch in 0..<stretches {
            for (point, weight) in points {
                let a = (Float(stretch) + 0.5 + 0.5 * point) / Float(stretches)
                var largest = -Float.infinity, sum: Float = 0
                for v in 0..<count {
                    scores[v] = from.pointer[v] + a * (to.pointer[v] - from.pointer[v])
                    largest = max(largest, scores[v])
                }
                for v in 0..<count {
                    scores[v] = exp(scores[v] - largest)
                    sum += scores[v]
                }
                let factor = weight / 2 / Float(stretches) / sum
                for v in 0..<count { mean[v] += factor * scores[v] }
            }
        }
        return withExtendedLifetime((from, to)) { mean }
    }
}
