import Support

/// What cannot be explained, said for people.
public struct ExplanationError: UserFacingError, Equatable {
    public static let failureCode = FailureCode.request
    public enum Kind: Sendable {
        case unknownWord, noSuchOccurrence, noSuchLayer, emptyCaption, unknownAnswer, badQuestion, unknownClass
        case unknownMethod, methodDoesNotApply
    }
    public let kind: Kind
    public let description: String
}
