import Tasks
import Tensors

/// A model that ``Explainer`` can explain. A conformance says only what is the task's own: the encoder, how an input
/// becomes a head, how a person's words become targets, and the model's defaults for maps.
///
/// A conformance names its four associated types with type aliases; the compiler does not infer them.
public protocol ExplainableModel {
    /// What the head reads beside the image: a caption's words, a question, nothing.
    associatedtype Input
    /// What a person asks to have explained: "the word dog", "the best answer".
    associatedtype Request
    /// What the model says of the image and the input: the probabilities of a caption's words, a ranking of answers.
    associatedtype Output: Sendable
    /// What a target is about, as the manifest says it: positions in a caption, an answer and its rank.
    associatedtype Subject: Codable, Sendable

    /// The encoder. Images are encoded with it once, for any number of inputs and targets.
    var modelEncoder: ModelEncoder { get }
    /// The defaults of the model's `config.json`; nil for none.
    var mapConfiguration: MapConfiguration? { get }
    /// What the model knows of the images that it was trained on; nil where it knows nothing.
    var calibration: Calibration? { get }

    /// Runs the head over a feature map and records it on the feature map's tape.
    /// - Parameters:
    ///   - input: what the head reads beside the image.
    ///   - features: the encoder's feature map, `[1, u', v', K']`, a leaf of the tape.
    ///   - tape: for further leaves.
    ///   - options: with the model's own defaults filled in.
    /// - Throws: ``ExplanationError`` for an input or options that do not suit the model.
    func read(
        _ input: Input, features: Variable, on tape: Tape, options: ExplanationOptions
    ) throws -> HeadReading<Self>
}

extension ExplainableModel {
    /// nil; a model with a calibration says otherwise.
    public var calibration: Calibration? { nil }
}

/// One pass of a model's head over one image and one input.
public struct HeadReading<Model: ExplainableModel> {
    /// What the model says.
    public let output: Model.Output
    /// The same head for other feature maps.
    public let head: ModelHead
    /// The numbers that targets are sums of, recorded, `[1, F]`.
    public let outputs: Variable
    /// Finds the targets that a person asks for.
    /// - Throws: ``ExplanationError`` for what the model does not know or the input does not have.
    public let targets: (Model.Request) throws -> [ResolvedTarget<Model.Subject>]
    /// What each of the input's T words contributed to S targets, `[S][T]`; nil where the input has no words to
    /// explain.
    public let wordContributions: (([LinearTarget]) -> [[Float]])?
    /// What the image says of targets; nil for a model that does not tell.
    public let evidence: EvidenceReading?
    /// What each of the input's T words adds to S targets, in nats: the target's log-probability less that for the
    /// input without the word, `[S][T]`; nil where the input has no words to explain.
    public let wordEvidence: (([LinearTarget]) -> [[Float]])?

    /// - Parameters:
    ///   - output: what the model says.
    ///   - head: the same head for other feature maps.
    ///   - outputs: the recorded outputs for the given feature map, `[1, F]`.
    ///   - wordContributions: what each of the input's T words contributed to S targets, `[S][T]`.
    ///   - evidence: what the image says of targets.
    ///   - wordEvidence: what each of the input's T words adds to S targets, in nats, `[S][T]`.
    ///   - targets: finds the targets that a person asks for.
    public init(
        output: Model.Output, head: ModelHead, outputs: Variable,
        wordContributions: (([LinearTarget]) -> [[Float]])? = nil, evidence: EvidenceReading? = nil,
        wordEvidence: (([LinearTarget]) -> [[Float]])? = nil,
        targets: @escaping (Model.Request) throws -> [ResolvedTarget<Model.Subject>]
    ) {
        self.output = output
        self.head = head
        self.outputs = outputs
        self.wordContributions = wordContributions
        self.evidence = evidence
        self.wordEvidence = wordEvidence
        self.targets = targets
    }
}

/// A target found in a model's outputs.
public struct ResolvedTarget<Subject> {
    /// What a person calls it: "dog", "red rather than blue".
    public var name: String
    /// What the target is about, as the manifest says it.
    public var subject: Subject
    /// The number that is explained.
    public var linear: LinearTarget
    /// What a person has to know about how it was found.
    public var warnings: [String]

    /// A target with its name, its subject and the number that is explained.
    public init(name: String, subject: Subject, linear: LinearTarget, warnings: [String] = []) {
        self.name = name
        self.subject = subject
        self.linear = linear
        self.warnings = warnings
    }
}
