import Support
import Tensors

/// A file of weights does not fit the network that it should be imported as; nothing was written.
public struct ImportError: UserFacingError, Equatable {
    public static let failureCode = FailureCode.model
    public var path: String
    public var encoder: String
    public var problem: String?
    public var missing: [String] = []
    public var leftOver: [String] = []
    /// Each with the expected and the found shape.
    public var misshapen: [String] = []
    /// What the user can do.
    public var hint: String?

    static let shown = 20

    public var description: String {
        func list(_ title: String, _ names: [String]) -> [String] {
            if names.isEmpty { return [] }
            let more = names.count > Self.shown ? ["    ... and \(names.count - Self.shown) more"] : []
            return ["  \(names.count) \(title):"] + names.prefix(Self.shown).map { "    \($0)" } + more
        }
        var lines = ["\(path) does not fit \(encoder)\(problem.map { ": \($0)" } ?? "")"]
        lines += list("missing", missing) + list("left over", leftOver) + list("of another shape", misshapen)
        if let hint { lines.append("  \(hint)") }
        return lines.joined(separator: "\n")
    }
}
