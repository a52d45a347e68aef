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
    /// Every word of the caption, one map each.
    case everyWord
    /// The sum over the caption.
    case wholeCaption
    /// Why the first word rather than the second, at the first one's place.
    case contrast(String, against: String, occurrence: Int)
}

/// One score of a caption and its raw map.
public struct ExplainedScore: Sendable {
    public var score: CaptionScore
    /// The number explained.
    public var value: Float
    /// Of the score's own words.
    public var logProbability: Float
    /// The method's name.
    public var method: String
    /// The layers whose cells the map has, or "pixels".
    public var place: String
    /// `[u, v]`, signed, at the layer's or the picture's own resolution.
    public var map: Tensor
    public var warnings: [String]
}

/// A caption, what the model thought of its words, and the maps that were asked for: of each score, one a method.
public struct CaptionExplanation: Sendable {
    public var words: [String]
    /// log p of each word given those before it, and of the end last.
    public var logProbabilities: [Float]
    public var layer: String
    public var wordScore: WordScore
    public var scores: [ExplainedScore]
    public var warnings: [String]
}

/// What cannot be explained, said for people.
public struct ExplanationError: Error, CustomStringConvertible, Equatable {
    public enum Kind: Sendable {
        case unknownWord, noSuchOccurrence, noSuchLayer, emptyCaption, unknownAnswer, badQuestion, unknownClass
        case unknownMethod, methodDoesNotApply
    }
    public let kind: Kind
    public let description: String
}

/// Explains captions of one model: any score with any method, all scores in one backward sweep.
public struct CaptionExplainer {
    public let captioner: Captioner
    /// The stages whose output the maps are drawn over.
    public var layer: String { cut.layers.joined(separator: " + ") }
    private let cut: EncoderCut

    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    public init(_ captioner: Captioner, layer: String? = nil) throws {
        try self.init(captioner, layers: layer.map { [$0] } ?? [])
    }

    /// - Parameter layers: maps of several are fused (``LayerFusion``); the encoder's last where there is none.
    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    public init(_ captioner: Captioner, layers: [String]) throws {
        self.captioner = captioner
        cut = try EncoderCut(captioner.modelEncoder, layers: layers)
    }

    /// The methods of `recipe`, or the model's own.
    /// - Throws: ``ExplanationError`` for a method that is not there, or does not apply to the layers.
    public func methods(_ recipe: MapRecipe) throws -> [any ExplanationMethod] {
        let methods = try recipe.methods(or: captioner.configuration.maps)
        try recipe.check(methods, cut: cut)
        return methods
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
    /// - Parameter progress: called with the runs of the model done and to do, by methods that take many.
    /// - Throws: ``ExplanationError`` for a word that the vocabulary does not have, an occurrence that the caption does
    ///   not have, or a method that does not apply.
    public func explain(
        _ seen: Seen, words: [Int], targets: [CaptionTarget], recipe: MapRecipe = MapRecipe(),
        progress: ((Int, Int) -> Void)? = nil
    ) throws -> CaptionExplanation {
        cut.checkView(of: seen)
        let methods = try methods(recipe)
        let tape = Tape(), features = tape.leaf(seen.features)
        let scored = ScoredCaption(captioner, features: features, words: words)
        let names = words.map { captioner.vocabulary.word(at: $0) }
        let kind = recipe.wordScore ?? captioner.configuration.maps?.score ?? .logProbability
        var chosen: [(score: CaptionScore, warnings: [String])] = []
        for target in targets { chosen += try resolve(target, in: names, scored: scored) }
        var explained: [ExplainedScore] = []
        if !chosen.isEmpty {
            let own = chosen.map { scored.sum($0.score) }, outputs = scored.outputs(kind).reshaped([1, -1])
            let scores = ExplainedScores(
                seen, head: head(words, kind: kind, scores: chosen.map(\.score), features: seen.features),
                sums: recipe.sums(own), recorded: .init(tape: tape, features: features, outputs: outputs),
                progress: progress)
            let found = try methods.map { try MethodMaps($0, of: scores) }
            for (k, choice) in chosen.enumerated() {
                for method in found {
                    explained.append(
                        ExplainedScore(
                            score: choice.score, value: own[k].values(outputs.value)[0],
                            logProbability: scored.logProbability(of: choice.score), method: method.method,
                            place: method.place, map: method.maps.row(k),
                            warnings: choice.warnings + method.warnings[k]))
                }
            }
        }
        return CaptionExplanation(
            words: names, logProbabilities: scored.wordLogProbabilities, layer: layer, wordScore: kind,
            scores: explained, warnings: [])
    }

    /// The decoder that reads these words, for any pictures.
    private func head(_ words: [Int], kind: WordScore, scores: [CaptionScore], features: Tensor) -> ScoreHead {
        let captioner = captioner
        let attention = CaptionAttention(captioner, features: features, words: words)
        return ScoreHead(
            name: captioner.configuration.decoder.kind.rawValue, attention: { attention.map(of: scores[$0]) }
        ) { features in
            let logits = ScoredCaption.logits(captioner, features: features, words: words)
            return (kind == .logit ? logits : logits.logSoftmax()).reshaped([features.shape[0], -1])
        }
    }

    // MARK: From what the user says to positions

    private func resolve(
        _ target: CaptionTarget, in names: [String], scored: ScoredCaption
    ) throws -> [(score: CaptionScore, warnings: [String])] {
        switch target {
        case .everyWord: return names.enumerated().map { (.word($0.element, at: $0.offset), []) }
        case .wholeCaption: return [(.whole(scored.words), [])]
        case .contrast(let text, let other, let occurrence):
            return try contrast(text, other, occurrence, in: names, scored: scored)
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

    /// A word of the caption held against any that the model knows.
    private func contrast(
        _ text: String, _ other: String, _ occurrence: Int, in names: [String], scored: ScoredCaption
    ) throws -> [(score: CaptionScore, warnings: [String])] {
        var (score, warnings) = try resolve(.word(text, occurrence: occurrence), in: names, scored: scored)[0]
        let tokens = CaptionTokenizer().tokens(other)
        guard score.positions.count == 1, tokens.count == 1 else {
            throw ExplanationError(
                kind: .unknownWord,
                description: "a contrast takes two single words, not '\(text)' and '\(other)'")
        }
        guard let against = captioner.vocabulary.index(of: tokens[0]) else {
            throw ExplanationError(
                kind: .unknownWord,
                description: "the model does not know the word '\(tokens[0])'\(nearest(tokens[0]))")
        }
        guard tokens[0] != score.name else {
            throw ExplanationError(
                kind: .unknownWord, description: "the word '\(score.name)' cannot be held against itself")
        }
        score.against = against
        score.name += " rather than \(tokens[0])"
        return [(score, warnings)]
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
