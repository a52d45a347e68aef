/// Captions as inputs and targets of a decoder: it reads every word and should predict the next one.
public struct TeacherForcing {
    /// `[N][T]`: `<start>` and the words, padded.
    public let inputs: [[Int]]
    /// `[T * N]`, time first: the words and `<end>`.
    public let targets: [Int]
    /// `[T * N]`: the caption's weight over the number of words in the batch; 0 for padding.
    public let weights: [Float]

    /// - Parameters:
    ///   - captions: word indices without `<start>` and `<end>`.
    ///   - weights: one for each caption.
    public init(captions: [[Int]], weights: [Float], start: Int, end: Int, pad: Int) {
        let length = (captions.map(\.count).max() ?? 0) + 1
        let words = Float(max(1, captions.reduce(0) { $0 + $1.count + 1 }))
        inputs = captions.map { [start] + $0 + [Int](repeating: pad, count: length - 1 - $0.count) }
        var targets: [Int] = []
        var each: [Float] = []
        targets.reserveCapacity(length * captions.count)
        each.reserveCapacity(length * captions.count)
        for t in 0..<length {
            for (n, caption) in captions.enumerated() {
                targets.append(t < caption.count ? caption[t] : t == caption.count ? end : pad)
                each.append(t <= caption.count ? weights[n] / words : 0)
            }
        }
        self.targets = targets
        self.weights = each
    }
}
