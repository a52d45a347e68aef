import Vision

/// A question about a picture, with its answer.
public struct Question: Equatable, Sendable {
    /// File name relative to the images' folder.
    public var image: String
    /// As asked.
    public var text: String
    /// The answer to learn: the most frequent one where several people answered.
    public var answer: String
    /// All given answers: ten in VQA's files, else the one answer.
    public var answers: [String]
    /// What is asked for: "object", "number", "color", "yes/no"...; empty where the file does not say.
    public var kind: String
    /// Of the phrase that the question is about, in pixels of the image file; often empty.
    public var boxes: [Rectangle]

    /// - Parameter answers: nil for the one answer alone.
    public init(
        image: String, text: String, answer: String, answers: [String]? = nil, kind: String = "",
        boxes: [Rectangle] = []
    ) {
        self.image = image
        self.text = text
        self.answer = answer
        self.answers = answers ?? [answer]
        self.kind = kind
        self.boxes = boxes
    }
}
