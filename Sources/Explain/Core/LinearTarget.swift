import Tensors

/// A target as a weighted sum of a model's outputs: y = sum over the terms of weight x output. One logit, the
/// difference of two, the log-probability of a phrase: all that a method needs to know of a target, whatever its task.
public struct LinearTarget: Equatable, Sendable {
    /// One of the model's outputs and its factor.
    public struct Term: Equatable, Sendable {
        /// Index among one image's F outputs.
        public var index: Int
        /// The factor: 1 for the target itself, -1 for what it is compared with.
        public var weight: Float

        /// A term: weight x output(index).
        public init(index: Int, weight: Float) {
            self.index = index
            self.weight = weight
        }
    }

    /// The terms of the sum.
    public var terms: [Term]

    /// The sum of these terms.
    public init(_ terms: [Term]) { self.terms = terms }

    /// One output, or the difference of two: y = output(index) - output(against).
    public init(output index: Int, against: Int? = nil) {
        self.init([Term(index: index, weight: 1)] + (against.map { [Term(index: $0, weight: -1)] } ?? []))
    }

    /// -y: its maps show what speaks against y.
    public var negated: LinearTarget { LinearTarget(terms.map { Term(index: $0.index, weight: -$0.weight) }) }

    /// y of each of N images. outputs `[N, F]`.
    public func values(_ outputs: Tensor) -> [Float] {
        let width = outputs.shape[1]
        return withExtendedLifetime(outputs) {
            (0..<outputs.shape[0]).map { n in
                terms.reduce(0) { $0 + $1.weight * outputs.pointer[n * width + $1.index] }
            }
        }
    }

    /// Seeds of S targets over N images, `[S, N, F]`: row s holds the derivative of target s, summed over the images,
    /// with respect to the outputs. One image's output does not depend on another's input, so one sweep gives each
    /// image its own gradient.
    /// - Parameters:
    ///   - targets: the S targets.
    ///   - images: N.
    ///   - width: F.
    public static func seeds(_ targets: [LinearTarget], images: Int = 1, width: Int) -> Tensor {
        let seeds = Tensor([targets.count, images, width])
        for (s, target) in targets.enumerated() {
            for n in 0..<images {
                let row = seeds.pointer + (s * images + n) * width
                for term in target.terms { row[term.index] += term.weight }
            }
        }
        return withExtendedLifetime(seeds) { seeds }
    }
}
