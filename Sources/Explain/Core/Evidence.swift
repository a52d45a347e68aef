import Foundation
import Tensors

/// What the image says of a target, in nats.
///
/// The evidence is y(image) - y(no image), where y is the target's log-probability at the temperature that was fitted
/// on dev, or for a contrast the difference of two. Without an image the model says the mean of what it says of a few
/// typical training images (`Calibration.typicalFeatures`): p(word | words before) is the mean over images of
/// p(word | words before, image). A word that the sentence decides has evidence 0; a word that only the image decides
/// has its full surprise.
///
/// Where the scores before the softmax are the sum of a part that is read off the image's regions and of a part of the
/// language model, the odds of the target have two factors, and their logarithm two terms, ``regions`` and
/// ``language``. The odds are those of the word against all other words, p / (1 - p), or for a contrast against the
/// other word; they are the model's own, before any temperature. Of a phrase the terms are the sums of its words'.
public struct Evidence: Codable, Equatable, Sendable {
    /// y(image) - y(no image), in nats; nil for a model without a calibration.
    public var evidence: Float?
    /// What the regions add to the logarithm of the odds; nil for a model whose scores have no such part.
    public var regions: Float?
    /// The logarithm of the odds by the language model's part: the sentence so far with what the LSTM remembers of the
    /// image, or the question. nil where ``regions`` is.
    public var language: Float?

    /// Evidence; what is left out is not known.
    public init(evidence: Float? = nil, regions: Float? = nil, language: Float? = nil) {
        (self.evidence, self.regions, self.language) = (evidence, regions, language)
    }

    /// Below it, the regions lower the odds by more than a fifth.
    private static let against = log(Float(0.8))

    /// Whether the regions, which a map shows, speak against the target.
    public var regionsAreAgainst: Bool { (regions ?? 0) < Self.against }

    /// The evidence in -1...1, for colours: 1 - exp(-evidence) where the image speaks for the target, and the same of its
    /// magnitude, negative, where it speaks against it; 0 where nothing is known.
    public var shade: Float {
        guard let evidence else { return 0 }
        return evidence > 0 ? 1 - exp(-evidence) : exp(evidence) - 1
    }

    /// How strongly a map of the target is drawn, 0...1: the part of its probability that the image accounts for,
    /// (p - p0) / p = 1 - exp(-evidence), with p0 its probability without the image. 0 where the image or its regions
    /// speak against the target; 1 where nothing is known.
    public var strength: Float {
        guard evidence != nil else { return 1 }
        return regionsAreAgainst ? 0 : max(0, shade)
    }
}

/// A head's outputs, from which the evidence of any target is read.
///
/// The F outputs are one or more choices of `width` each: a word of the vocabulary at every position, or an answer.
public struct EvidenceReading: Sendable {
    private let width: Int
    /// log p of every output given the image, at the fitted temperature, `[1, F]`.
    private let image: Tensor
    private let noImage: NoImage?
    /// The scores before the softmax, or log p, `[1, F]`.
    private let scores: Tensor
    /// The language model's part of the scores before the softmax, `[1, F]`.
    private let language: Tensor?
    /// The index of what stands for unknown words, whose probability means nothing.
    private let unknown: Int?

    /// What a model says without an image: the mean of the probabilities for n images.
    public struct NoImage: Sendable {
        /// log p of every output for each image, at the fitted temperature, `[n, F]`.
        private let logProbabilities: Tensor
        /// The weight of each image in the mean; they add up to 1.
        private let shares: [Float]

        /// - Parameters:
        ///   - logProbabilities: of every output for each of n images, n x F numbers.
        ///   - shares: the n weights of the images, which add up to 1.
        public init(logProbabilities: Tensor, shares: [Float]) {
            self.logProbabilities = logProbabilities.reshaped([shares.count, -1])
            self.shares = shares
        }

        /// log of the mean probability of an output.
        func logProbability(_ index: Int) -> Float {
            let each = shares.indices.map { logProbabilities[$0, index] }, largest = each.max() ?? 0
            return largest + log(zip(each, shares).reduce(0) { $0 + $1.1 * exp($1.0 - largest) })
        }
    }

    /// - Parameters:
    ///   - width: how many outputs one softmax is over; divides F.
    ///   - image: log p of every output given the image, at the fitted temperature, F numbers.
    ///   - noImage: the same without the image; nil for a model without a calibration.
    ///   - scores: before the softmax, or log p, F numbers.
    ///   - language: the language model's part of the scores before the softmax; nil for a model without such a part.
    ///   - unknown: the index of what stands for unknown words, which have no evidence.
    public init(
        width: Int, image: Tensor, noImage: NoImage?, scores: Tensor, language: Tensor?, unknown: Int? = nil
    ) {
        func flat(_ x: Tensor) -> Tensor { x.reshaped([1, x.count]) }
        self.width = width
        self.unknown = unknown
        (self.image, self.noImage) = (flat(image), noImage)
        (self.scores, self.language) = (flat(scores), language.map(flat))
    }

    /// The evidence of a target.
    public func evidence(of target: LinearTarget) -> Evidence {
        if target.terms.contains(where: { $0.index % width == unknown }) { return Evidence() }
        let language = language.map { logOdds(of: target, $0) }
        return Evidence(
            evidence: noImage.map { noImage in
                target.terms.reduce(0) { $0 + $1.weight * (image[0, $1.index] - noImage.logProbability($1.index)) }
            },
            regions: language.map { logOdds(of: target, scores) - $0 }, language: language)
    }

    /// The logarithm of the odds of a target's outputs by `scores` `[1, F]`, whose softmax are the probabilities. Terms
    /// of one choice that add up to 0 are a contrast, where the softmax cancels.
    private func logOdds(of target: LinearTarget, _ scores: Tensor) -> Float {
        let values = scores.pointer
        let byChoice = Dictionary(grouping: target.terms) { $0.index / width }
        let sum = byChoice.sorted { $0.key < $1.key }.reduce(Float(0)) { sum, choice in
            let (first, terms) = (choice.key * width, choice.value)
            guard terms.count == 1 else { return sum + terms.reduce(0) { $0 + $1.weight * values[$1.index] } }
            // The others' exponentials before the own score, and behind it.
            let own = terms[0].index, end = first + width
            let parts = [first..<own, own + 1..<end].filter { !$0.isEmpty }
                .map { logSumExp(values + $0.lowerBound, $0.count) }
            let others = parts.withUnsafeBufferPointer { $0.baseAddress.map { logSumExp($0, parts.count) } }
            return sum + terms[0].weight * (values[own] - (others ?? -.infinity))
        }
        return withExtendedLifetime(scores) { sum }
    }
}
