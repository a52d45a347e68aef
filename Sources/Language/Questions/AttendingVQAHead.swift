import Tensors

/// What a head with attention makes of questions about images.
public struct AttendedAnswers {
    /// `[N, A]`
    public let logits: Variable
    /// The regions' weights in the last attention step, `[M, N / M, L]`.
    public let attention: Tensor
    /// The scores whose softmax is ``attention``, from which boxes can teach where to look; nil where the weights are
    /// no single softmax.
    public let scores: Variable?
}

/// A head with attention over the image's regions.
public protocol AttendingVQAHead: VQAHead {
    /// As ``VQAHead/logits(features:embedded:lengths:dropout:)``, with the attention.
    func look(features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?) -> AttendedAnswers
}

extension AttendingVQAHead {
    public func logits(features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?) -> Variable {
        look(features: features, embedded: embedded, lengths: lengths, dropout: dropout).logits
    }

    public func attention(features: Tensor, embedded: Tensor, lengths: [Int]) -> Tensor? {
        look(features: Variable(features), embedded: Variable(embedded), lengths: lengths, dropout: nil).attention
            .reshaped([lengths.count] + features.shape[1...2])
    }
}
