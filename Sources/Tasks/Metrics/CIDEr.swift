import Foundation

/// CIDEr-D (Vedantam, Zitnick and Parikh 2015, section 5): the similarity of the n-grams of a caption and of the
/// references, n in 1...4, where rare n-grams have larger weights.
///
/// For each n, a sentence is a vector of tf-idf weights, `count * (log N - log max(1, df))`, where df is the number of
/// the N images that have the n-gram in a reference. Its similarity to a reference is `min(c, r) . r / (|c| |r|)`,
/// times `exp(-d^2 / 72)` for lengths that differ by d (sigma 6; d counts bigrams, as pycocoevalcap's `Cider` does);
/// the score is ten times the mean over n and over the references. In a set of one image all scores are 0, because all
/// idf weights are 0.
///
/// Document frequencies and reference vectors are computed once; a score then takes a few microseconds, on any thread.
public final class CIDErScorer: Sendable {
    /// The tf-idf weights of the n-grams that references have, in ascending order of `order << 32 | term`, and the
    /// norms over all n-grams.
    private struct Vector {
        var terms: [Int] = []
        var weights: [Double] = []
        var norms = SIMD4<Double>()
        var bigrams = 0
    }

    private static let sigma = 6.0

    private let terms: [NGram: Int]
    /// log N - log df of each term.
    private let rarities: [Double]
    private let logCount: Double
    private let references: [[Vector]]

    /// - Parameter references: word indices of every image's references `[image][reference][word]`, none negative.
    public convenience init(references: [[[Int]]]) {
        self.init(counts: references.map { $0.map { NGramCounts($0) } })
    }

    init(counts: [[NGramCounts]]) {
        var terms: [NGram: Int] = [:]
        var frequencies: [Int] = []
        var lastSeen: [Int] = []
        for (image, sentences) in counts.enumerated() {
            for sentence in sentences {
                for gram in sentence.grams {
                    if let term = terms[gram] {
                        if lastSeen[term] != image { frequencies[term] += 1 }
                        lastSeen[term] = image
                    } else {
                        terms[gram] = frequencies.count
                        frequencies.append(1)
                        lastSeen.append(image)
                    }
                }
            }
        }
        let logCount = log(Double(max(1, counts.count)))
        let rarities = frequencies.map { logCount - log(Double($0)) }
        self.terms = terms
        self.rarities = rarities
        self.logCount = logCount
        self.references = counts.map { image in
            image.map { Self.vector($0, terms: terms, rarities: rarities, logCount: logCount) }
        }
    }

    /// The number of images with references.
    public var count: Int { references.count }

    /// The score of a caption for one of the images whose references the scorer was made with, in 0...10.
    /// - Parameters:
    ///   - candidate: word indices, none negative.
    ///   - image: its index among the references, in `0..<count`.
    public func score(_ candidate: [Int], image: Int) -> Double { score(NGramCounts(candidate), image: image) }

    func score(_ candidate: NGramCounts, image: Int) -> Double {
        let own = references[image]
        guard !own.isEmpty else { return 0 }
        let vector = Self.vector(candidate, terms: terms, rarities: rarities, logCount: logCount)
        var total = 0.0
        for reference in own {
            let difference = Double(vector.bigrams - reference.bigrams)
            total += Self.similarity(vector, reference) * exp(-difference * difference / (2 * Self.sigma * Self.sigma))
        }
        return 10 * total / 4 / Double(own.count)
    }

    private static func vector(
        _ sentence: NGramCounts, terms: [NGram: Int], rarities: [Double], logCount: Double
    ) -> Vector {
        var vector = Vector()
        var known: [(key: Int, weight: Double)] = []
        known.reserveCapacity(sentence.grams.count)
        for (gram, count) in zip(sentence.grams, sentence.counts) {
            let order = gram.order
            let term = terms[gram]
            let weight = Double(count) * (term.map { rarities[$0] } ?? logCount)
            vector.norms[order - 1] += weight * weight
            if let term { known.append((order << 32 | term, weight)) }
        }
        known.sort { $0.key < $1.key }
        vector.terms = known.map(\.key)
        vector.weights = known.map(\.weight)
        vector.norms = vector.norms.squareRoot()
        vector.bigrams = max(0, sentence.length - 1)
        return vector
    }

    /// The sum over n of the clipped cosine.
    private static func similarity(_ a: Vector, _ b: Vector) -> Double {
        var products = SIMD4<Double>()
        var i = 0
        var j = 0
        while i < a.terms.count, j < b.terms.count {
            if a.terms[i] < b.terms[j] {
                i += 1
            } else if a.terms[i] > b.terms[j] {
                j += 1
            } else {
                products[a.terms[i] >> 32 - 1] += min(a.weights[i], b.weights[j]) * b.weights[j]
                i += 1
                j += 1
            }
        }
        var sum = 0.0
        for n in 0..<4 where a.norms[n] != 0 && b.norms[n] != 0 { sum += products[n] / (a.norms[n] * b.norms[n]) }
        return sum
    }
}
