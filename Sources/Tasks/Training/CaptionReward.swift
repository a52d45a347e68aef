import Tensors

/// The reward of sampled captions: their CIDEr-D against the picture's own, with document frequencies of the training set.
///
/// The end of the caption counts as a word, so that an unfinished sentence ("a dog in a") costs.
final class CaptionReward {
    private let scorer: CIDErScorer
    private let end: Int

    /// tokens: word indices of every training picture's captions.
    init(tokens: [[[Int]]], end: Int) {
        self.end = end
        scorer = CIDErScorer(references: tokens.map { $0.map { $0 + [end] } })
    }

    /// How much better each caption is than the picture's other samples are on average (self-critical training, Rennie et al. 2017, with the
    /// leave-one-out baseline of Luo 2020), and the mean reward.
    func advantages(_ captions: [[Int]], pictures: [Int], rows: Int) -> ([Float], Double) {
        var rewards = [Float](repeating: 0, count: captions.count)
        rewards.withUnsafeMutableBufferPointer { rewards in
            nonisolated(unsafe) let rewards = rewards
            Parallel.ranges(captions.count, grain: 4) { range in
                for n in range { rewards[n] = Float(scorer.score(captions[n] + [end], image: pictures[n / rows])) }
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
