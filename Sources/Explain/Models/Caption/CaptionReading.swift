import Foundation
import Language
import Tasks
import Tensors

/// What a captioner says of an image and a caption.
public struct CaptionOutput: Sendable {
    /// The caption's words, without its start and its end.
    public var words: [String]
    /// For each word whether the model knows it; it reads the others as an unknown word.
    public var isKnown: [Bool]
    /// log p of each word given those before it, and of the end last.
    public var logProbabilities: [Float]
    /// The same as probabilities at the temperature that was fitted on dev (`Calibration.temperature`), 0...1: how
    /// often such a word is right.
    public var probabilities: [Float]
    /// What the image says of each word, and of the end last.
    public var evidence: [Evidence]
    /// Which number of a word is explained.
    public var wordScore: WordScore
}

extension CaptionOutput {
    /// Says that words have one map at several places each, counted from 0.
    static func warning(ofOneMapFor words: [(word: String, places: [Int])]) -> String {
        let list = words.map { word, places in
            "'\(word)' (words \(places.map { String($0 + 1) }.joined(separator: ", ")))"
        }
        return "one map for all places of \(list.joined(separator: " and ")): by grad-cam and its like, the map of a "
            + "word's visual score does not depend on its place; --method gated-grad-cam draws one for each place"
    }
}

/// A caption's words in one captioner, over one feature map: every target of the caption is read from here.
///
/// y = sum over a span of positions of log p(w_t | w_<t, image), or of the words' scores before the softmax
/// (``WordScore``): one word, a phrase, or, over all words and the end, the whole caption. A contrast is a word's
/// number less another word's at the same position, where the softmax cancels.
struct CaptionReading {
    let captioner: Captioner
    /// Word indices without `<start>` and `<end>`.
    let words: [Int]
    /// The words' spelling; of words that the model does not know, the person's own.
    let names: [String]
    let wordOutputs: WordOutputs
    /// log p of every word of the vocabulary at every position, `[T, V]`, T = words + 1.
    let logProbabilities: Variable
    /// The same at the fitted temperature, `[T, V]`.
    let calibrated: Tensor
    /// What targets are sums of, `[T, V]`.
    let outputs: Variable
    /// The scores before the softmax without the image's part that is linear in the feature map, T x V numbers; nil for
    /// a decoder that has no such part.
    let language: Tensor?
    /// What the image says of the words, over `[1, T * V]`.
    let evidence: EvidenceReading
    /// Whether a word has one map at all its places: the visual part of its score has the same weights everywhere, and
    /// the first method does not see where the decoder looked.
    let hasOneMapOfAWord: Bool

    /// Runs the decoder over the caption, each position given the words before it. features `[1, u, v, K]`.
    /// - Throws: ``ExplanationError`` for a decoder that has no such word score.
    init(_ captioner: Captioner, caption: CaptionWords, features: Variable, options: ExplanationOptions) throws {
        self.captioner = captioner
        let wordScore = options.wordScore ?? .logProbability
        hasOneMapOfAWord =
            wordScore == .visual && captioner.configuration.decoder.kind == .showAttendAndTell
            && options.methods.first?.takesMeanGradient == true
        let words = caption.indices
        self.words = words
        names = caption.names(in: captioner.vocabulary)
        wordOutputs = try WordOutputs(captioner, kind: wordScore)
        let shape = [words.count + 1, -1]
        if wordScore == .visual {
            let found = wordOutputs.visual(features, words: words)
            (logProbabilities, outputs) = (found.logits.reshaped(shape).logSoftmax(), found.visual.reshaped(shape))
            language = wordOutputs.language(found)
        } else {
            let logits = WordOutputs.logits(captioner, features: features, words: words).reshaped(shape)
            logProbabilities = logits.logSoftmax()
            outputs = wordScore == .logit ? logits : logProbabilities
            language =
                captioner.decoder.visual == nil
                ? nil : wordOutputs.language(wordOutputs.visual(features.detached, words: words))
        }
        let noImage = captioner.scoresWithoutImage([captioner.vocabulary.start] + words)
        calibrated = captioner.calibration.logProbabilities(of: logProbabilities.value)
        evidence = EvidenceReading(
            width: outputs.shape[1], image: calibrated, noImage: captioner.calibration.withoutImage(noImage),
            scores: logProbabilities.value, language: language, unknown: captioner.vocabulary.unknown)
    }

    /// The caption's word indices, its end last.
    private var wordsAndEnd: [Int] { words + [captioner.vocabulary.end] }
    private var vocabularySize: Int { outputs.shape[1] }

    var output: CaptionOutput {
        CaptionOutput(
            words: names, isKnown: words.map { $0 != captioner.vocabulary.unknown },
            logProbabilities: wordsAndEnd.enumerated().map { logProbabilities.value[$0.offset, $0.element] },
            probabilities: wordsAndEnd.enumerated().map { exp(calibrated[$0.offset, $0.element]) },
            evidence: wordsAndEnd.enumerated().map {
                evidence.evidence(of: LinearTarget(output: $0.offset * vocabularySize + $0.element))
            },
            wordScore: wordOutputs.kind)
    }

    /// The words at `positions` as one target.
    /// - Parameters:
    ///   - other: another word than the caption's own at each position.
    ///   - against: the word that each of them is compared with.
    func target(
        _ name: String, at positions: Range<Int>, other: Int? = nil, against: Int? = nil, warnings: [String] = []
    ) -> ResolvedTarget<CaptionSubject> {
        let all = wordsAndEnd
        func word(_ t: Int) -> Int { other ?? all[t] }
        let terms = positions.flatMap { t -> [LinearTarget.Term] in
            let first = t * vocabularySize
            return LinearTarget(output: first + word(t), against: against.map { first + $0 }).terms
        }
        let subject = CaptionSubject(
            positions: Array(positions), inCaption: other == nil,
            logProbability: positions.reduce(0) { $0 + logProbabilities.value[$1, word($1)] },
            probability: exp(positions.reduce(0) { $0 + calibrated[$1, word($1)] }),
            against: against.map { captioner.vocabulary.word(at: $0) },
            sameMapAt: other == nil ? placesOfSameMap(positions) : nil)
        return ResolvedTarget(name: name, subject: subject, linear: LinearTarget(terms), warnings: warnings)
    }

    private func placesOfSameMap(_ positions: Range<Int>) -> [Int]? {
        guard hasOneMapOfAWord, positions.count == 1, words.indices.contains(positions.lowerBound)
        else { return nil }
        let others = words.indices.filter { words[$0] == words[positions.lowerBound] && $0 != positions.lowerBound }
        return others.isEmpty ? nil : others
    }

    /// The positions that a target's terms are about.
    func positions(of target: LinearTarget) -> [Int] {
        var found: [Int] = []
        for term in target.terms where found.last != term.index / vocabularySize {
            found.append(term.index / vocabularySize)
        }
        return found
    }
}
