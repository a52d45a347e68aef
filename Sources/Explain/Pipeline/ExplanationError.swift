/// What cannot be explained, said for people.
public struct ExplanationError: Error, CustomStringConvertible, Equatable {
    public enum Kind: Sendable {
        case unknownWord, noSuchOccurrence, noSuchLayer, emptyCaption, unknownAnswer, badQuestion, unknownClass
        case unknownMethod, methodDoesNotApply
    }
    public let kind: Kind
    public let description: String
}
