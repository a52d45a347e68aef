import Tasks
import Tensors

/// What the user asks to see of a classification.
public enum ClassTarget: Equatable, Sendable {
    /// The class that the model holds likeliest.
    case best
    /// A class, by its name or its index.
    case named(String)
    /// Why the first rather than the second.
    case contrast(String, against: String)
}

/// One score of a classifier and its raw map.
public struct ExplainedClass: Sendable {
    public var score: LogitScore
    /// The score's value, before the softmax.
    public var value: Float
    /// How many classes are likelier than the score's own, plus 1.
    public var rank: Int
    /// Of the score's own class.
    public var probability: Float
    /// The method's name.
    public var method: String
    /// The layers whose cells the map has, or "pixels".
    public var place: String
    /// `[u, v]`, signed, at the layer's or the picture's own resolution.
    public var map: Tensor
    public var warnings: [String]
}

/// What a classifier holds of a picture, and the maps that were asked for: of each score, one a method.
public struct ClassExplanation: Sendable {
    /// Every class, the likeliest first, those of equal scores in the model's order.
    public var ranking: [RankedLogit]
    public var scores: [ExplainedClass]
}

/// Explains the classes of one classifier with any method, all of a picture's maps in one backward sweep.
public struct ClassExplainer {
    public let classifier: Classifier
    /// The stages whose output the maps are drawn over.
    public var layer: String { cut.layers.joined(separator: " + ") }
    private let cut: EncoderCut

    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    public init(_ classifier: Classifier, layer: String? = nil) throws {
        try self.init(classifier, layers: layer.map { [$0] } ?? [])
    }

    /// - Parameter layers: maps of several are fused (``LayerFusion``); the encoder's last where there is none.
    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    public init(_ classifier: Classifier, layers: [String]) throws {
        self.classifier = classifier
        cut = try EncoderCut(classifier.modelEncoder, layers: layers)
    }

    /// The methods of `recipe`, or Grad-CAM.
    /// - Throws: ``ExplanationError`` for a method that does not apply to the layers.
    public func methods(_ recipe: MapRecipe) throws -> [any ExplanationMethod] {
        let methods = try recipe.methods(or: nil)
        try recipe.check(methods, cut: cut)
        return methods
    }

    /// Runs the encoder once. picture `[1, height, width, 3]`, prepared.
    /// - Parameter methods: what will be asked of the picture: the way back to the pixels is recorded where one of them goes
    ///   there, and need not be run again.
    public func look(at picture: Tensor, for methods: [any ExplanationMethod] = []) -> SeenPicture {
        cut.look(at: picture, for: methods)
    }

    /// The classes of a picture, and the maps of `targets`.
    /// - Parameter progress: called with the runs of the model done and to do, by methods that take many.
    /// - Throws: `ClassNameError` for a class that the model does not have; ``ExplanationError`` for a class held
    ///   against itself, or a method that does not apply.
    public func explain(
        _ seen: SeenPicture, targets: [ClassTarget], recipe: MapRecipe = MapRecipe(),
        progress: ((Int, Int) -> Void)? = nil
    ) throws -> ClassExplanation {
        cut.checkView(of: seen)
        let methods = try methods(recipe)
        let tape = Tape(), features = tape.leaf(seen.features)
        let logits = classifier.head(features)
        let ranking = RankedLogit.ranking(logits.value)
        let chosen = try targets.map { try score($0, best: ranking[0].index) }
        guard !chosen.isEmpty else { return ClassExplanation(ranking: ranking, scores: []) }
        let scores = ExplainedScores(
            seen,
            head: ScoreHead(
                name: classifier.configuration.encoder.name, isPooledLinear: classifier.endsInPooledLinear,
                outputs: classifier.head),
            sums: recipe.sums(chosen.map(\.sum)), recorded: .init(tape: tape, features: features, outputs: logits),
            progress: progress)
        let found = try methods.map { try MethodMaps($0, of: scores, as: recipe.compatibility) }
        let explained = chosen.enumerated().flatMap { k, score in
            let rank = ranking.firstIndex { $0.index == score.index } ?? 0
            return found.map { method in
                ExplainedClass(
                    score: score, value: score.value(logits.value), rank: rank + 1,
                    probability: ranking[rank].probability, method: method.method, place: method.place,
                    map: method.maps.row(k), warnings: method.warnings[k])
            }
        }
        return ClassExplanation(ranking: ranking, scores: explained)
    }

    /// Finds the classes that `target` names.
    func score(_ target: ClassTarget, best: Int) throws -> LogitScore {
        let classes = classifier.classes
        switch target {
        case .best: return LogitScore(name: classes.shortName(best), index: best)
        case .named(let text):
            let index = try classes.index(of: text)
            return LogitScore(name: classes.shortName(index), index: index)
        case .contrast(let text, let other):
            let a = try classes.index(of: text), b = try classes.index(of: other)
            guard a != b else {
                throw ExplanationError(
                    kind: .unknownClass,
                    description: "the class '\(classes.shortName(a))' cannot be held against itself")
            }
            return LogitScore(
                name: "\(classes.shortName(a)) rather than \(classes.shortName(b))", index: a, against: b)
        }
    }
}
