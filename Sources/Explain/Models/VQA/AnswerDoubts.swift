import Foundation

/// What makes an answer doubtful, in words for the person who asked.
enum AnswerDoubts {
    /// Two answers are within reach of each other where the first is less than this many times as likely. Of the 8,380
    /// dev questions of `vqa-flickr8k` 7 % are warned of: the first answer is right in 39 % of them and the second in
    /// 31 %, and of the others the first in 69 %. Of those that are not answered by yes or no 8 % are warned of: 31, 24
    /// and 60 %. (Counted in `results.jsonl` of `mmx vqa` on a list of the dev questions.)
    static let reach: Float = 1.2
    /// A model is bad at a kind of question where it is right in less than this part of them.
    static let badAccuracy = 0.6

    /// The doubts about the best answer.
    /// - Parameters:
    ///   - ranking: all answers, the likeliest first.
    ///   - accuracy: the part of questions of this kind that the model answers right, 0...1, where its folder says it.
    ///   - name: an answer's text, by its index.
    static func warnings(
        _ ranking: [RankedChoice], accuracy: Double? = nil, name: (Int) -> String
    ) -> [String] {
        var warnings: [String] = []
        if ranking.count > 1, ranking[0].probability < reach * ranking[1].probability {
            let both = ranking.prefix(2).map { "'\(name($0.index))' (\(percent($0.probability)))" }
            warnings.append("the two best answers are within reach of each other: \(both.joined(separator: " and "))")
        }
        if let accuracy, accuracy < badAccuracy {
            let right = Int((accuracy * 100).rounded())
            warnings.append("the model is bad at such questions: it is right in \(right) of 100")
        }
        return warnings
    }

    private static func percent(_ probability: Float) -> String { String(format: "%.1f %%", probability * 100) }
}
