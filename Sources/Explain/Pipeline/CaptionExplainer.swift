import Foundation
import Language
import Tasks
import Tensors

/// What the user asks to see.
public enum CaptionTarget: Equatable, Sendable {
    /// A word, by what it says; `occurrence` counts from 1.
    case word(String, occurrence: Int)
    /// Several words in a row.
    case phrase(String, occurrence: Int)
    /// The words at these positions, counted from 0, as one score.
    case span(Range<Int>)
    /// Every word of the caption, one map each.
    case everyWord
    /// The sum over the caption.
    case wholeCaption
}

/// One score of a caption and its raw map.
public struct ExplainedScore: Sendable {
    public var score: CaptionScore
    /// Log-probability of the score's words.
    public var value: Float
    /// `[u, v]`, signed, at the layer's own resolution.
    public var map: Tensor
    public var warnings: [String]
}

/// A caption, what the model thought of its words, and the maps that were asked for.
public struct CaptionExplanation: Sendable {
    public var words: [String]
    /// log p of each word given those before it, and of the end last.
    public var logProbabilities: [Float]
    public var layer: String
    public var scores: [ExplainedScore]
    public var warnings: [String]
}

/// What cannot be explained, said for people.
public struct ExplanationError: Error, CustomStringConvertible, Equatable {
    public enum Kind: Sendable {
        case unknownWord, noSuchOccurrence, noSuchLayer, emptyCaption, unknownAnswer, badQuestion, unknownClass
        case methodDoesNotApply
    }
    public let kind: Kind
    public let description: String
}

/// Explains captions of one model: any score, Grad-CAM, every map in one backward sweep.
public struct CaptionExplainer {
    public let captioner: Captioner
    /// The stage whose output the maps are drawn over.
    public var layer: String { cut.layer }
    private let cut: EncoderCut

    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    public init(_ captioner: Captioner, layer: String? = nil) throws {
        self.captioner = captioner
        cut = try EncoderCut(captioner.modelEncoder, layer: layer)
    }

    public typealias Seen = SeenPicture

    /// Runs the encoder once. picture `[1, height, width, 3]`, prepared.
    public func look(at picture: Tensor) -> Seen { cut.look(at: picture) }

    /// Whether this explainer or another of the same encoder (its weights and its input) and the same layer saw the
    /// picture: only such a picture may be captioned and explained here.
    public func canExplain(_ seen: SeenPicture) -> Bool { seen.view == cut.view }

    /// The best caption's word indices.
    public func caption(_ seen: Seen, options: SearchOptions? = nil) -> [Int] {
        cut.checkView(of: seen)
        return captioner.captions(features: seen.features, options: options)[0].first?.words ?? []
    }

    /// A caption that the user gives, as word indices.
    /// - Throws: ``ExplanationError`` when nothing of it is a word, or all of it is unknown to the model.
    public func indices(of caption: String) throws -> (words: [Int], warnings: [String]) {
        let tokens = CaptionTokenizer().tokens(caption)
        let words = captioner.vocabulary.encode(tokens)
        guard !words.isEmpty else {
            throw ExplanationError(kind: .emptyCaption, description: "the caption '\(caption)' has no words")
        }
        let unknown = zip(tokens, words).filter { $0.1 == captioner.vocabulary.unknown }.map(\.0)
        if unknown.count == words.count {
            throw ExplanationError(
                kind: .unknownWord, description: "the model knows no word of the caption '\(caption)'")
        }
        return (
            words,
            unknown.map { "the model does not know the word '\($0)'\(nearest($0)); it reads it as an unknown word" }
        )
    }

    /// Maps of `targets` in a caption, all in one backward sweep.
    /// - Throws: ``ExplanationError`` for a word that the vocabulary does not have, or an occurrence that the caption
    ///   does not have.
    public func explain(_ seen: Seen, words: [Int], targets: [CaptionTarget]) throws -> CaptionExplanation {
        cut.checkView(of: seen)
        let tape = Tape()
        let features = tape.leaf(seen.features)
        let scored = ScoredCaption(captioner, features: features, words: words)
        let names = words.map { captioner.vocabulary.word(at: $0) }
        var chosen: [(score: CaptionScore, warnings: [String])] = []
        for target in targets { chosen += try resolve(target, in: names, scored: scored) }
        var explained: [ExplainedScore] = []
        if !chosen.isEmpty {
            let gradients = tape.gradients(
                of: scored.logProbabilities, seed: scored.seeds(chosen.map(\.score)), withRespectTo: [features])[0]
            let maps = GradCAM.maps(activations: seen.activations, gradients: seen.atLayer(gradients))
            for (k, choice) in chosen.enumerated() {
                explained.append(
                    ExplainedScore(
                        score: choice.score, value: scored.value(of: choice.score), map: maps.row(k),
                        warnings: choice.warnings))
            }
        }
        return CaptionExplanation(
            words: names, logProbabilities: scored.wordLogProbabilities, layer: layer, scores: explained, warnings: [])
    }

    // MARK: From what the user says to positions

    private func resolve(
        _ target: CaptionTarget, in names: [String], scored: ScoredCaption
    ) throws -> [(score: CaptionScore, warnings: [String])] {
        switch target {
        case .everyWord: return names.enumerated().map { (.word($0.element, at: $0.offset), []) }
        case .wholeCaption: return [(.whole(scored.words), [])]
        case .span(let positions):
            guard !positions.isEmpty, names.indices.contains(positions.lowerBound), positions.upperBound <= names.count
            else {
                throw ExplanationError(
                    kind: .noSuchOccurrence,
                    description: "there are no words \(positions) in \"\(names.joined(separator: " "))\", which has "
                        + "\(names.count), counted from 0")
            }
            return [(CaptionScore(name: names[positions].joined(separator: " "), positions: positions), [])]
        case .word(let text, let occurrence), .phrase(let text, let occurrence):
            let tokens = CaptionTokenizer().tokens(text)
            guard !tokens.isEmpty else {
                throw ExplanationError(kind: .unknownWord, description: "'\(text)' is not a word")
            }
            let starts = names.indices.filter { names[$0...].starts(with: tokens) }
            if occurrence >= 1, occurrence <= starts.count {
                let start = starts[occurrence - 1]
                return [
                    (CaptionScore(name: tokens.joined(separator: " "), positions: start..<start + tokens.count), [])
                ]
            }
            if !starts.isEmpty {
                throw ExplanationError(
                    kind: .noSuchOccurrence,
                    description: "'\(text)' occurs \(starts.count == 1 ? "once" : "\(starts.count) times") in "
                        + "\"\(names.joined(separator: " "))\"; there is no occurrence \(occurrence)")
            }
            if tokens.count > 1 {
                throw ExplanationError(
                    kind: .noSuchOccurrence,
                    description: "the phrase '\(text)' is not in the caption \"\(names.joined(separator: " "))\"; "
                        + "use --caption to explain a caption of your own")
            }
            return [try absent(tokens[0], in: names, scored: scored)]
        }
    }

    /// A word that the caption does not have: the position where the model held it likeliest.
    private func absent(
        _ word: String, in names: [String], scored: ScoredCaption
    ) throws -> (score: CaptionScore, warnings: [String]) {
        let vocabulary = captioner.vocabulary
        guard let index = vocabulary.index(of: word) else {
            throw ExplanationError(
                kind: .unknownWord, description: "the model does not know the word '\(word)'\(nearest(word))")
        }
        let logs = scored.logProbabilities.value
        let best = (0..<logs.shape[0]).max { logs[$0, index] < logs[$1, index] } ?? 0
        let probability = exp(Double(logs[best, index])) * 100
        let context = names[0..<best].joined(separator: " ")
        let place = best == 0 ? "as its first word" : "after \"\(context)\""
        return (
            CaptionScore(name: word, positions: best..<best + 1, replacing: [best: index]),
            [
                "'\(word)' is not in the caption \"\(names.joined(separator: " "))\"; explained where the model held "
                    + "it likeliest: \(place), with probability \(String(format: "%.3g", probability)) %"
            ]
        )
    }

    private func nearest(_ word: String) -> String {
        let near = captioner.vocabulary.nearest(to: word, count: 3)
        return near.isEmpty ? "" : "; the nearest it knows: \(near.joined(separator: ", "))"
    }
}
