/// What an error means for the caller of a program: the exit code that the help text documents.
public enum FailureCode: Int32, Sendable {
    /// The request cannot be met: an unknown word, answer or class, no such layer.
    case request = 2
    /// An image cannot be read.
    case image = 3
    /// A model or a file of weights cannot be used.
    case model = 4
    /// A data set cannot be used.
    case dataset = 5
    /// The output cannot be written.
    case output = 6
    /// Of many photographs, some could not be explained.
    case photographs = 7
}

/// An error that a person reads: its description is the whole message, and its type decides the exit code.
public protocol UserFacingError: Error, CustomStringConvertible {
    static var failureCode: FailureCode { get }
}
