/// Everything about one photograph's classification.
public typealias ClassManifest = Manifest<ClassManifestBody>

/// The part of a classification's manifest that other tasks do not have.
public struct ClassManifestBody: ManifestBody {
    /// A class with its score.
    public struct Class: Codable, Sendable {
        /// From 0, in the order of the logits.
        public var index: Int
        /// All its names, with commas between them.
        public var name: String
        /// The score before the softmax.
        public var logit: Float
        /// After the softmax over all classes, 0...1.
        public var probability: Float
    }

    /// The likeliest first.
    public var classes: [Class]
    /// The attributions: of each target, one for each method.
    public var scores: [ManifestTarget<ClassSubject>]
    /// File of the sheet of methods x classes (`--sheet`).
    public var methodSheet: String?

    private enum CodingKeys: CodingKey { case classes, scores, methodSheet }

    /// The warnings of the targets.
    public var warnings: [String] { scores.flatMap(\.warnings) }
}
