/// A data set that cannot be used: which file, which line, and why.
public struct DatasetError: Error, CustomStringConvertible, Equatable, Sendable {
    public let path: String
    /// Counted from 1; nil where no line is to blame.
    public let line: Int?
    public let problem: String

    public init(path: String, line: Int? = nil, problem: String) {
        self.path = path
        self.line = line
        self.problem = problem
    }

    public var description: String { "\(path)\(line.map { ", line \($0)" } ?? ""): \(problem)" }
}
