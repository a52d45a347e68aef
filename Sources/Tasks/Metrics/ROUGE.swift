/// ROUGE-L (Lin 2004): the longest common subsequence of candidate and reference.
public enum ROUGE {
    /// The weight of recall relative to precision, as in pycocoevalcap.
    static let beta = 1.2

    /// The F-score of the best precision and the best recall among the references, which may come from different
    /// references, as in pycocoevalcap. A sentence without words counts as one empty word.
    /// - Parameters:
    ///   - candidate: word indices, none negative.
    ///   - references: at least one.
    public static func l(candidate: [Int], references: [[Int]]) -> Double {
        precondition(!references.isEmpty, "ROUGE needs a reference")
        let candidate = candidate.isEmpty ? [-1] : candidate
        var precision = 0.0
        var recall = 0.0
        for reference in references {
            let reference = reference.isEmpty ? [-1] : reference
            let common = Double(longestCommonSubsequence(candidate, reference))
            precision = max(precision, common / Double(candidate.count))
            recall = max(recall, common / Double(reference.count))
        }
        guard precision > 0, recall > 0 else { return 0 }
        return (1 + beta * beta) * precision * recall / (recall + beta * beta * precision)
    }

    static func longestCommonSubsequence(_ a: [Int], _ b: [Int]) -> Int {
        // row[j]: the longest common subsequence of the words of a so far and the first j words of b.
        var row = [Int](repeating: 0, count: b.count + 1)
        for word in a {
            var diagonal = 0
            for j in b.indices {
                let above = row[j + 1]
                row[j + 1] = word == b[j] ? diagonal + 1 : max(above, row[j])
                diagonal = above
            }
        }
        return row[b.count]
    }
}
