import Tensors

/// What stands between an encoder's feature map and the numbers that scores are sums of: a decoder that reads a given
/// caption, an answerer that reads a given question, a classifier's head.
public struct ScoreHead {
    /// From feature maps `[N, u', v', K']` to each picture's outputs `[N, F]`.
    public let outputs: (Variable) -> Variable
    /// Whether it is global average pooling and one linear layer, so that CAM applies.
    public let isPooledLinear: Bool
    /// Where the model itself looks for the score at that place in the list of scores: weights of the feature map's
    /// cells `[u', v']`; nil for a model without attention.
    public let attention: (Int) -> Tensor?
    /// For messages, as "vgg16" or "show-and-tell".
    public let name: String

    public init(
        name: String, isPooledLinear: Bool = false, attention: @escaping (Int) -> Tensor? = { _ in nil },
        outputs: @escaping (Variable) -> Variable
    ) {
        self.name = name
        self.isPooledLinear = isPooledLinear
        self.attention = attention
        self.outputs = outputs
    }
}
