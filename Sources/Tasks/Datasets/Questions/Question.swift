import Foundation
import Vision

/// A question about an image, with its answer.
public struct Question: Equatable, Sendable {
    /// The file's name in the image folder.
    public var image: String
    /// The question as it was asked.
    public var text: String
    /// The answer to train on: the most frequent one where several people answered.
    public var answer: String
    /// All given answers: ten in VQA's files, otherwise one.
    public var answers: [String]
    /// What the question asks for: "object", "number", "color", "yes/no"...; empty where the file does not tell.
    public var kind: String
    /// The boxes of the phrase that the question is about, in pixels of the image file; often empty.
    public var boxes: [Rectangle]

    /// - Parameters:
    ///   - answer: without the white space around it.
    ///   - answers: nil where `answer` is the only one.
    public init(
        image: String, text: String, answer: String, answers: [String]? = nil, kind: String = "",
        boxes: [Rectangle] = []
    ) {
        self.image = image
        self.text = text
        self.answer = answer.trimmingCharacters(in: .whitespacesAndNewlines)
        self.answers = answers ?? [self.answer]
        self.kind = kind
        self.boxes = boxes
    }
}
