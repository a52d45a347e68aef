import Language
import Tasks
import Tensors

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
    /// - Parameter methods: what will be asked of the picture: the way back to the pixels is recorded where one of them goes
    ///   there, and need not be run again.
    public func look(at picture: Tensor, for methods: [any ExplanationMethod] = []) -> Seen {
        cut.look(at: picture, for: methods)
    }

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
        let kind = recipe.wordScore ?? captioner.configuration.maps?.score ?? .logProbability
        let wordOutputs = try WordOutputs(captioner, kind: kind)
        let scored = ScoredCaption(captioner, features: features, words: words, outputs: wordOutputs)
        let names = words.map { captioner.vocabulary.word(at: $0) }
        var chosen: [(score: CaptionScore, warnings: [String])] = []
        for target in targets { chosen += try resolve(target, in: names, scored: scored) }
        var explained: [ExplainedScore] = []
        if !chosen.isEmpty {
            let own = chosen.map { scored.sum($0.score) }, outputs = scored.outputs.reshaped([1, -1])
            let scores = ExplainedScores(
                seen, head: head(words, wordOutputs, scores: chosen.map(\.score), features: seen.features),
                sums: recipe.sums(own), recorded: .init(tape: tape, features: features, outputs: outputs),
                progress: progress)
            let found = try methods.map { try MethodMaps($0, of: scores, as: recipe.compatibility) }
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
    private func head(
        _ words: [Int], _ outputs: WordOutputs, scores: [CaptionScore], features: Tensor
    ) -> ScoreHead {
        let attention = CaptionAttention(captioner, features: features, words: words)
        return ScoreHead(
            name: captioner.configuration.decoder.kind.rawValue, attention: { attention.map(of: scores[$0]) }
        ) { outputs($0, words: words).reshaped([$0.shape[0], -1]) }
    }
}
