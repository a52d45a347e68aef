import Tensors

/// The reward of sampled captions: their CIDEr-D against the image's reference captions, with the training set's
/// document frequencies.
///
/// The end of the caption counts as a word, so that an unfinished sentence ("a dog in a") costs.
final class CaptionReward {
    private let scorer: CIDErScorer
    private let end: Int

    /// - Parameter tokens: word indices of every training image's captions.
    init(tokens: [[[Int]]], end: Int) {
        self.end = end
        scorer = CIDErScorer(references: tokens.map { $0.map { $0 + [end] } })
    }

    /// Each caption's reward minus the mean reward of the image's other samples (self-critical training, Rennie et al.
    /// 2017, with the leave-one-out baseline of Luo 2020), and the mean reward.
    func advantages(_ captions: [[Int]], images: [Int], rows: Int) -> ([Float], Double) {
        var rewards = [Float](repeating: 0, count: captions.count)
        rewards.withUnsafeMutableBufferPointer { rewards in
            nonisolated(unsafe) let rewards = rewards
            Parallel.ranges(captions.count, grain: 4) { range in
                for n in range { rewards[n] = Float(scorer.score(captions[n] + [end], image: images[n / rows])) }
            }
        }
        var advantages = rewards
        for n in captions.indices {
            let first = n / rows * rows
            let others = rewards[first..<first + rows].reduce(0, +) - rewards[n]
            advantages[n] = rows > 1 ? rewards[n] - others / Float(rows - 1) : rewards[n]
        }
        return (advantages, Double(rewards.reduce(0, +)) / Double(max(1, rewards.count)))
    }
}
