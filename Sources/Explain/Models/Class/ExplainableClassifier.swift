import Tasks
import Tensors

/// A classifier explains its classes; it reads nothing beside the image.
extension Classifier: ExplainableModel {
    /// Nothing beside the image.
    public typealias Input = Void
    /// Classes and contrasts of classes.
    public typealias Request = ClassTarget
    /// Every class with its logit and its probability.
    public typealias Output = ClassOutput
    /// A class and its rank.
    public typealias Subject = ClassSubject

    /// `maps` of the model's `config.json`.
    public var mapConfiguration: MapConfiguration? { configuration.maps }

    /// The outputs are the logits of all classes, `[1, classes]`.
    public func read(
        _ input: Void, features: Variable, on tape: Tape, options: ExplanationOptions
    ) -> HeadReading<Classifier> {
        let logits = head(features), ranking = RankedChoice.ranking(logits.value)
        return HeadReading(
            output: ClassOutput(ranking: ranking),
            head: ModelHead(name: configuration.encoder.name, isPooledLinear: endsInPooledLinear, outputs: head),
            outputs: logits, targets: { [try target($0, ranking: ranking)] })
    }

    private func target(_ request: ClassTarget, ranking: [RankedChoice]) throws -> ResolvedTarget<ClassSubject> {
        let found = try classes(of: request)
        let index = found?.index ?? ranking[0].index, against = found?.against
        let (rank, probability) = ranking.rank(of: index)
        let name = classes.shortName(index)
        return ResolvedTarget(
            name: against.map { "\(name) rather than \(classes.shortName($0))" } ?? name,
            subject: ClassSubject(index: index, against: against, rank: rank, probability: probability),
            linear: LinearTarget(output: index, against: against))
    }

    /// The classes that a request names; nil for the likeliest, which only the model's scores tell.
    /// - Throws: `ClassNameError` for a class that the model does not have; ``ExplanationError`` for a class that is
    ///   compared with itself.
    func classes(of request: ClassTarget) throws -> (index: Int, against: Int?)? {
        switch request {
        case .best: return nil
        case .named(let text): return (try classes.index(of: text), nil)
        case .contrast(let text, let other):
            let index = try classes.index(of: text), against = try classes.index(of: other)
            guard index != against else {
                throw ExplanationError(
                    kind: .unknownClass,
                    description: "the class '\(classes.shortName(index))' cannot be held against itself")
            }
            return (index, against)
        }
    }
}
