import Tasks
import Tensors

/// Probabilities as a calibration has them; those of the model itself where there is none.
extension Calibration? {
    /// log p at the fitted temperature T: log softmax(scores / T).
    /// - Parameter scores: before the softmax, or the model's own log p, `[..., V]`.
    func logProbabilities(of scores: Tensor) -> Tensor {
        let temperature = self?.temperature.map { Float($0.value) } ?? 1
        let scaled = temperature == 1 ? scores : Tensor(scores.shape, scores.array.map { $0 / temperature })
        return Variable(scaled).logSoftmax().value
    }

    /// log p for each typical image at the fitted temperature, with the images' shares.
    /// - Parameter scores: before the softmax, for each typical image, `[n, ..., V]`.
    /// - Returns: nil without scores or a calibration.
    func withoutImage(_ scores: Tensor?) -> EvidenceReading.NoImage? {
        guard let scores, let shares = self?.typicalShares else { return nil }
        return .init(logProbabilities: logProbabilities(of: scores), shares: shares)
    }
}
