import Tensors

/// The sum of a layer's output over its channels: what the encoder reacts to at all. It knows no score and is the same
/// for every word: what a method has to be better than.
public struct Activity: ExplanationMethod {
    public let name = "activation"
    public let summary = "the sum of a layer's channels, the same for every score: a baseline"
    public let paper = "Zagoruyko & Komodakis 2017, arXiv 1612.03928, section 3.1"
    public let place = MapPlace.layer
    public let hasCounterfactual = false

    public init() {}

    public func maps(of scores: ExplainedScores) -> Tensor {
        repeated(ReferenceMaps.activity(scores.activations), scores.count)
    }
}
