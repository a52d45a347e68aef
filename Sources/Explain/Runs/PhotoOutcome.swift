import Tensors

/// One photograph of many, read, and what is asked of it.
struct PhotoTask<Request> {
    let photo: PhotoFile
    let request: Request
    /// The files that are written of it; nil for none.
    let files: ResultFiles?
}

/// What a model says of one photograph of many, and its maps.
struct PhotoOutcome<Columns: RecordColumns> {
    let header: ManifestHeader
    let warnings: [String]
    let columns: Columns
    /// The raw maps with the parts of their name: the question where there are several, and the method.
    let maps: [(name: [String], maps: Tensor)]
}

/// The columns of a record that are a task's own. All are written, `null` where there is nothing, so that every line
/// of a file has the same keys.
public protocol RecordColumns: Encodable, Sendable {
    /// The columns of a photograph that could not be explained.
    init()
    /// The columns of one number or text each, with their names, for a table.
    var flat: [(name: String, value: String?)] { get }
}

/// A caption, its words and their maps.
public struct CaptionColumns: RecordColumns {
    /// As a manifest has them (``CaptionManifestBody``).
    public private(set) var caption: String?
    private var probability: Double?
    private var evidence: Float?
    private var endLogProbability: Float?
    private var words: [CaptionManifestBody.Word]?
    private var targets: [ManifestTarget<CaptionSubject>]?
    private var questions: [VQAManifestBody.Question]?
    private var sheet: String?
    private var methodSheet: String?

    public init() {}

    init(_ body: CaptionManifestBody, questions: [VQAManifestBody.Question]?) {
        (caption, probability, evidence) = (body.caption, body.probability, body.evidence)
        (endLogProbability, words, targets) = (body.endLogProbability, body.words, body.scores)
        (self.questions, sheet, methodSheet) = (questions, body.sheet, body.methodSheet)
    }

    public var flat: [(name: String, value: String?)] {
        [
            ("caption", caption), ("probability", probability.map { "\($0)" }), ("evidence", evidence.map { "\($0)" }),
            ("words", words.map { "\($0.count)" }),
        ] + VQAColumns.flat(questions)
    }

    private enum CodingKeys: CodingKey {
        case caption, probability, evidence, endLogProbability, words, targets, questions, sheet, methodSheet
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(caption, forKey: .caption)
        try values.encode(probability, forKey: .probability)
        try values.encode(evidence, forKey: .evidence)
        try values.encode(endLogProbability, forKey: .endLogProbability)
        try values.encode(words, forKey: .words)
        try values.encode(targets, forKey: .targets)
        try values.encode(questions, forKey: .questions)
        try values.encode(sheet, forKey: .sheet)
        try values.encode(methodSheet, forKey: .methodSheet)
    }
}

/// Questions, their answers and maps.
public struct VQAColumns: RecordColumns {
    private(set) var questions: [VQAManifestBody.Question]?

    public init() {}

    init(questions: [VQAManifestBody.Question]) { self.questions = questions }

    public var flat: [(name: String, value: String?)] { Self.flat(questions) }

    /// The best answer of the first question, and how many there are.
    static func flat(_ questions: [VQAManifestBody.Question]?) -> [(name: String, value: String?)] {
        let first = questions?.first, answer = first?.answers.first
        return [
            ("question", first?.question), ("answer", answer?.answer),
            ("answerProbability", answer.map { "\($0.probability)" }), ("questions", questions.map { "\($0.count)" }),
        ]
    }

    private enum CodingKeys: CodingKey { case questions }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(questions, forKey: .questions)
    }
}

/// Classes and their maps.
public struct ClassColumns: RecordColumns {
    private var classes: [ClassManifestBody.Class]?
    private var targets: [ManifestTarget<ClassSubject>]?
    private var methodSheet: String?

    public init() {}

    init(_ body: ClassManifestBody) {
        (classes, targets, methodSheet) = (body.classes, body.scores, body.methodSheet)
    }

    public var flat: [(name: String, value: String?)] {
        let best = classes?.first
        return [
            ("class", best?.name), ("classIndex", best.map { "\($0.index)" }),
            ("classProbability", best.map { "\($0.probability)" }),
        ]
    }

    private enum CodingKeys: CodingKey { case classes, targets, methodSheet }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(classes, forKey: .classes)
        try values.encode(targets, forKey: .targets)
        try values.encode(methodSheet, forKey: .methodSheet)
    }
}
