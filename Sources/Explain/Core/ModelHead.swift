import Tensors

/// The part of a model between the encoder's feature map and the outputs that targets are sums of: a decoder that reads
/// a given caption, a VQA head that reads a given question, a classifier's last layers.
public struct ModelHead {
    /// From feature maps `[N, u', v', K']` to each image's outputs `[N, F]`.
    public let outputs: (Variable) -> Variable
    /// Whether the head is global average pooling and one linear layer, so that CAM applies.
    public let isPooledLinear: Bool
    /// How many outputs compete with each other: the outputs are rows of so many, for a captioner the words of one
    /// position. nil where all outputs are one row.
    public let choices: Int?
    /// The model's own attention for a target: weights of the feature map's cells `[u', v']`; nil for a model without
    /// attention.
    public let attention: (LinearTarget) -> Tensor?
    /// Each cell's own part of a target, `[u', v']`, for a model whose scores are a sum over the feature map's cells and
    /// of what does not depend on the image; nil for another model.
    public let cellScores: (LinearTarget) -> Tensor?
    /// For messages, as "vgg16" or "show-and-tell".
    public let name: String

    /// - Parameters:
    ///   - name: for messages, as "vgg16" or "show-and-tell".
    ///   - isPooledLinear: whether the head is global average pooling and one linear layer.
    ///   - choices: how many outputs compete with each other, a divisor of F; nil for all.
    ///   - attention: the model's own attention for a target, `[u', v']`; nil for a model without attention.
    ///   - cellScores: each cell's own part of a target, `[u', v']`; nil for a model whose scores are no sum over the
    ///     cells.
    ///   - outputs: from feature maps `[N, u', v', K']` to outputs `[N, F]`, one row an image. It has to be made of
    ///     functions of `Tensors` over `Variable`, which have derivatives.
    public init(
        name: String, isPooledLinear: Bool = false, choices: Int? = nil,
        attention: @escaping (LinearTarget) -> Tensor? = { _ in nil },
        cellScores: @escaping (LinearTarget) -> Tensor? = { _ in nil }, outputs: @escaping (Variable) -> Variable
    ) {
        self.name = name
        self.isPooledLinear = isPooledLinear
        self.choices = choices
        self.attention = attention
        self.cellScores = cellScores
        self.outputs = outputs
    }
}
