import Foundation

/// BLEU (Papineni et al. 2002): the precision of a candidate's n-grams against the references, n in 1...4.
///
/// The values equal pycocoevalcap's `Bleu(4)` with the closest reference length. Its two small constants are included:
/// a precision without n-grams is 1e-15 / 1e-9, not a division by zero.
public enum BLEU {
    /// The counts of one image, or of a corpus as the sum over its images.
    public struct Statistics: Equatable, Sendable {
        /// The number of words of the candidates.
        public var candidateLength = 0
        /// The number of words of the references: for each image the one closest in length to the candidate, the
        /// shorter of two.
        public var referenceLength = 0
        /// The number of the candidates' n-grams, `[n - 1]`.
        public var guesses = SIMD4<Int>()
        /// The number of those that references have, each counted at most as often as in one reference, `[n - 1]`.
        public var matches = SIMD4<Int>()

        public init() {}

        /// - Parameters:
        ///   - candidate: word indices.
        ///   - references: at least one.
        public init(candidate: [Int], references: [[Int]]) {
            self.init(NGramCounts(candidate), references.map { NGramCounts($0) })
        }

        init(_ candidate: NGramCounts, _ references: [NGramCounts]) {
            precondition(!references.isEmpty, "BLEU needs a reference")
            candidateLength = candidate.length
            referenceLength =
                references.map(\.length).min {
                    (abs($0 - candidate.length), $0) < (abs($1 - candidate.length), $1)
                } ?? 0
            for n in 0..<4 { guesses[n] = max(0, candidate.length - n) }
            var most = [Int](repeating: 0, count: candidate.grams.count)
            for reference in references {
                var j = 0
                for i in candidate.grams.indices {
                    while j < reference.grams.count, reference.grams[j] < candidate.grams[i] { j += 1 }
                    guard j < reference.grams.count else { break }
                    if reference.grams[j] == candidate.grams[i] { most[i] = max(most[i], reference.counts[j]) }
                }
            }
            for i in candidate.grams.indices {
                matches[candidate.grams[i].order - 1] += min(most[i], candidate.counts[i])
            }
        }

        public static func += (a: inout Statistics, b: Statistics) {
            a.candidateLength += b.candidateLength
            a.referenceLength += b.referenceLength
            a.guesses &+= b.guesses
            a.matches &+= b.matches
        }

        /// BLEU-1 to BLEU-4: the brevity penalty times the geometric mean of the precisions up to n.
        public var scores: [Double] {
            let small = 1e-9
            let tiny = 1e-15
            let ratio = (Double(candidateLength) + tiny) / (Double(referenceLength) + small)
            let brevity = ratio < 1 ? exp(1 - 1 / ratio) : 1
            var product = 1.0
            return (0..<4).map { n in
                product *= (Double(matches[n]) + tiny) / (Double(guesses[n]) + small)
                return pow(product, 1 / Double(n + 1)) * brevity
            }
        }
    }
}
