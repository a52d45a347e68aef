import Tensors

/// A head with attention over the image's regions.
protocol AttendingVQAHead: VQAHead {
    /// logits `[N, A]`, and the weights of the regions in the last attention step, `[M, N / M, L]`.
    func look(
        features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?
    ) -> (logits: Variable, attention: Tensor)
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
