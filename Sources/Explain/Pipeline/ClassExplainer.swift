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

/// How a class's map is made.
public enum ClassMethod: String, CaseIterable, Codable, Sendable {
    case gradCAM = "grad-cam"
    case cam
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
    /// `[u, v]`, signed, at the layer's own resolution.
    public var map: Tensor
}

/// What a classifier holds of a picture, and the maps that were asked for.
public struct ClassExplanation: Sendable {
    /// Every class, the likeliest first, those of equal scores in the model's order.
    public var ranking: [RankedLogit]
    public var scores: [ExplainedClass]
}

/// Explains the classes of one classifier, all of a picture's maps in one backward sweep.
public struct ClassExplainer {
    public let classifier: Classifier
    public let method: ClassMethod
    /// The stage whose output the maps are drawn over.
    public var layer: String { cut.layer }
    private let cut: EncoderCut

    /// - Throws: ``ExplanationError`` when the encoder has no such layer, or CAM is asked of a network or a layer that
    ///   it does not apply to.
    public init(_ classifier: Classifier, layer: String? = nil, method: ClassMethod = .gradCAM) throws {
        self.classifier = classifier
        self.method = method
        cut = try EncoderCut(classifier.modelEncoder, layer: layer)
        guard method == .cam else { return }
        guard classifier.endsInPooledLinear else {
            throw ExplanationError(
                kind: .methodDoesNotApply,
                description: "CAM needs a network that ends in global average pooling and one linear layer, which "
                    + "\(classifier.configuration.encoder.name) does not; --method grad-cam applies to it")
        }
        guard cut.isLast else {
            throw ExplanationError(
                kind: .methodDoesNotApply,
                description: "CAM is a map of the last layer, \(classifier.encoder.lastLayer), not of \(cut.layer); "
                    + "--method grad-cam applies to it")
        }
    }

    /// Runs the encoder once. picture `[1, height, width, 3]`, prepared.
    public func look(at picture: Tensor) -> SeenPicture { cut.look(at: picture) }

    /// The classes of a picture, and the maps of `targets`.
    /// - Throws: `ClassNameError` for a class that the model does not have; ``ExplanationError`` for a class held
    ///   against itself.
    public func explain(_ seen: SeenPicture, targets: [ClassTarget]) throws -> ClassExplanation {
        cut.checkView(of: seen)
        let tape = Tape(), features = tape.leaf(seen.features)
        let logits = classifier.head(features)
        let ranking = RankedLogit.ranking(logits.value)
        let scores = try targets.map { try score($0, best: ranking[0].index) }
        guard !scores.isEmpty else { return ClassExplanation(ranking: ranking, scores: []) }
        let maps: Tensor
        switch method {
        case .gradCAM:
            let gradients = tape.gradients(
                of: logits, seed: LogitScore.seeds(scores, count: classifier.classes.count), withRespectTo: [features])
            maps = GradCAM.maps(activations: seen.activations, gradients: seen.atLayer(gradients[0]))
        case .cam:
            maps = CAM.maps(activations: seen.features, scores: scores, head: classifier.head)
        }
        let explained = scores.enumerated().map { k, score in
            let rank = ranking.firstIndex { $0.index == score.index } ?? 0
            return ExplainedClass(
                score: score, value: score.value(logits.value), rank: rank + 1,
                probability: ranking[rank].probability, map: maps.row(k))
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
