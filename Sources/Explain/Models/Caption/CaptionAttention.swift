import Language
import Tasks
import Tensors

/// Where a captioner's soft attention looks before each word of a known caption; run when it is first asked for.
final class CaptionAttention {
    private let captioner: Captioner
    private let features: Tensor
    private let words: [Int]

    /// features `[1, u, v, K]`
    init(_ captioner: Captioner, features: Tensor, words: [Int]) {
        self.captioner = captioner
        self.features = features
        self.words = words
    }

    /// Weights of the regions before each word and before the end, `[L]` each; nil for a decoder without attention.
    private lazy var steps: [[Float]]? = {
        var state = captioner.decoder.begin(features: features, rows: 1), steps: [[Float]] = []
        for word in [captioner.vocabulary.start] + words {
            state = captioner.decoder.step(state, words: [word]).state
            guard let attention = state.attention else { return nil }
            steps.append(attention.array)
        }
        return steps
    }()

    /// The mean over the words at `positions`, `[u, v]`.
    func map(at positions: [Int]) -> Tensor? {
        guard let steps else { return nil }
        let shape = Array(features.shape[1...2])
        var sum = [Float](repeating: 0, count: shape[0] * shape[1])
        for t in positions {
            for (cell, weight) in steps[t].enumerated() { sum[cell] += weight / Float(positions.count) }
        }
        return Tensor(shape, sum)
    }
}
