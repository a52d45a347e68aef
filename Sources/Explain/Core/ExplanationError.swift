import Support

/// What cannot be explained, said for people.
public struct ExplanationError: UserFacingError, Equatable {
    public static let failureCode = FailureCode.request
    public enum Kind: Sendable {
        case unknownWord, noSuchOccurrence, noSuchLayer, emptyCaption, unknownAnswer, badQuestion, unknownClass
        case unknownMethod, methodDoesNotApply, otherEncoder
    }
    public let kind: Kind
    public let description: String

    public init(kind: Kind, description: String) {
        self.kind = kind
        self.description = description
    }
}
