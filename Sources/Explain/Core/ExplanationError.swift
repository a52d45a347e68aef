import Support

/// What cannot be explained, said for people.
public struct ExplanationError: UserFacingError, Equatable {
    /// Exit code 2: the request cannot be met.
    public static let failureCode = FailureCode.request
    /// What is wrong with the request.
    public enum Kind: Sendable {
        /// The model does not know the word, or the text is not a single word.
        case unknownWord
        /// The caption does not have the phrase, this occurrence of it, or these positions.
        case noSuchOccurrence
        /// The encoder has no layer of that name.
        case noSuchLayer
        /// The caption of the user's own has no words, or too many.
        case badCaption
        /// The VQA model has no such answer, or it would be compared with itself.
        case unknownAnswer
        /// The question is too long, or a line of a file of questions cannot be asked.
        case badQuestion
        /// The class would be compared with itself; `ClassNameError` says that there is no such class.
        case unknownClass
        /// There is no method of that name.
        case unknownMethod
        /// The method or an option does not apply to the model or to the layers.
        case methodDoesNotApply
        /// The image was encoded by another encoder or with other layers.
        case otherEncoder
    }
    /// What is wrong.
    public let kind: Kind
    /// The whole message, with what would do instead.
    public let description: String

    /// An error; the description is a sentence without a full stop.
    public init(kind: Kind, description: String) {
        self.kind = kind
        self.description = description
    }
}
