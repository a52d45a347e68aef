import Foundation

/// A kind of file, as a ``FileError`` about such a file needs it.
public protocol FileErrorSubject: Sendable {
    /// The beginning of the message, up to the path; a space at its end where it is not empty.
    static var messageStart: String { get }
    /// What stands between the path and the problem.
    static var messageSeparator: String { get }
    static var failureCode: FailureCode { get }
}

extension FileErrorSubject {
    public static var messageSeparator: String { ": " }
    public static var failureCode: FailureCode { .model }
}

/// What is wrong with a file: its path, the line where one is to blame, and the problem.
public struct FileError<Subject: FileErrorSubject>: UserFacingError, Equatable {
    public let path: String
    /// Counted from 1; nil where no line is to blame.
    public let line: Int?
    public let problem: String

    public init(path: String, line: Int? = nil, problem: String) {
        self.path = path
        self.line = line
        self.problem = problem
    }

    public static var failureCode: FailureCode { Subject.failureCode }

    public var description: String {
        "\(Subject.messageStart)\(path)\(line.map { ", line \($0)" } ?? "")\(Subject.messageSeparator)\(problem)"
    }
}

/// The system's message for an error number (`errno`).
public func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }
