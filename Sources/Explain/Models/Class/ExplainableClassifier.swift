import Tasks
import Tensors

/// A classifier explains its classes; it reads nothing beside the image.
extension Classifier: ExplainableModel {
    /// Nothing beside the image.
    public typealias Input = Void
    /// Classes and contrasts of classes.
    public typealias Request = ChoiceTarget
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

    private func target(_ request: ChoiceTarget, ranking: [RankedChoice]) throws -> ResolvedTarget<ClassSubject> {
        ranking.target(try choices(of: request), name: classes.shortName) { choice, against, rank in
            ClassSubject(index: choice.index, against: against, rank: rank, probability: choice.probability)
        }
    }

    /// The classes that a request names; nil for the likeliest.
    /// - Throws: `ClassNameError` for a class that the model does not have; ``ExplanationError`` for a class that is
    ///   compared with itself.
    func choices(of request: ChoiceTarget) throws -> (index: Int, against: Int?)? {
        try request.choices(.unknownClass, "class", index: classes.index(of:), name: classes.shortName)
    }
}
