import Language
import Tensors

/// Samples captions word by word from the decoder's distribution.
/// - Parameters:
///   - features: `[M, u, v, K]`.
///   - rows: the number of captions of each image.
/// - Returns: `M * rows` captions, word indices without `<start>` and `<end>`.
func sampleCaptions(
    _ decoder: any CaptionDecoder, features: Tensor, rows: Int, start: Int, end: Int, forbidden: [Int],
    maximumLength: Int,
    using generator: inout SeededGenerator
) -> [[Int]] {
    let count = features.shape[0] * rows
    var captions = [[Int]](repeating: [], count: count)
    var done = [Bool](repeating: false, count: count)
    var state = decoder.begin(features: features, rows: rows)
    var last = [Int](repeating: start, count: count)
    for _ in 0..<maximumLength {
        let (logits, next) = decoder.step(state, words: last)
        let probabilities = Variable(logits).softmax().value
        let width = logits.shape[1]
        for n in 0..<count where !done[n] {
            let row = UnsafeBufferPointer(start: probabilities.pointer + n * width, count: width)
            let word = draw(row, forbidden: forbidden, generator.uniform()) ?? end
            if word == end {
                done[n] = true
            } else {
                captions[n].append(word)
            }
            last[n] = word
        }
        if !done.contains(false) { break }
        state = next
    }
    return captions
}

/// The index at which the cumulative probability exceeds `uniform` times the total, without the forbidden indices.
private func draw(_ probabilities: UnsafeBufferPointer<Float>, forbidden: [Int], _ uniform: Float) -> Int? {
    let total = probabilities.reduce(0, +) - forbidden.reduce(0) { $0 + probabilities[$1] }
    var left = uniform * total
    for (i, p) in probabilities.enumerated() where !forbidden.contains(i) {
        left -= p
        if left < 0 { return i }
    }
    return nil
}

/// decay * a + (1 - decay) * b
func mixed(_ a: Tensor, _ b: Tensor, _ decay: Float) -> Tensor {
    (Variable(a).scaled(by: decay) + Variable(b).scaled(by: 1 - decay)).value
}
