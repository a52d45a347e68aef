import Tensors

/// A score as a weighted sum of a model's outputs: y = sum over the terms of weight x output. One logit, what sets two
/// apart, a phrase's log-probability: what a method needs to know of a score, whatever its task.
public struct ScoreSum: Equatable, Sendable {
    public struct Term: Equatable, Sendable {
        /// Among one picture's F outputs.
        public var index: Int
        public var weight: Float

        public init(index: Int, weight: Float) {
            self.index = index
            self.weight = weight
        }
    }

    public var terms: [Term]

    public init(_ terms: [Term]) { self.terms = terms }

    /// -y: what it is explained by speaks against y.
    public var negated: ScoreSum { ScoreSum(terms.map { Term(index: $0.index, weight: -$0.weight) }) }

    /// y of each of N pictures. outputs `[N, F]`.
    public func values(_ outputs: Tensor) -> [Float] {
        let width = outputs.shape[1]
        return withExtendedLifetime(outputs) {
            (0..<outputs.shape[0]).map { n in
                terms.reduce(0) { $0 + $1.weight * outputs.pointer[n * width + $1.index] }
            }
        }
    }

    /// Seeds of `sums` over N pictures, `[S, N, F]`: row s holds the derivative of score s, summed over the pictures,
    /// with respect to the outputs. As no picture's output depends on another's input, one sweep gives each its own.
    /// - Parameter width: F.
    public static func seeds(_ sums: [ScoreSum], pictures: Int = 1, width: Int) -> Tensor {
        let seeds = Tensor([sums.count, pictures, width])
        for (s, sum) in sums.enumerated() {
            for n in 0..<pictures {
                let row = seeds.pointer + (s * pictures + n) * width
                for term in sum.terms { row[term.index] += term.weight }
            }
        }
        return withExtendedLifetime(seeds) { seeds }
    }
}
