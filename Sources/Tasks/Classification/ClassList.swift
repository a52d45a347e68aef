import Foundation
import Support

/// The classes of a classifier, found by number or name.
///
/// A class may have several names, separated by commas, the most usual first ("tabby, tabby cat").
public struct ClassList: Sendable {
    /// In the order of the logits.
    public let names: [String]
    /// Each class's names, in lower case.
    private let synonyms: [[String]]

    public init(_ names: [String]) {
        self.names = names
        synonyms = names.map { $0.split(separator: ",").map { Self.plain(String($0)) }.filter { !$0.isEmpty } }
    }

    public var count: Int { names.count }

    /// The usual name of a class: the first of its names.
    public func shortName(_ index: Int) -> String {
        let first = names[index].prefix { $0 != "," }.trimmingCharacters(in: .whitespaces)
        return first.isEmpty ? names[index] : first
    }

    /// The class that `text` refers to: by its index (from 0), by one of its names, or by some words of a name if they
    /// fit only one class. Case, outer spaces and `_` for a space do not matter.
    /// - Throws: ``ClassNameError`` that lists the classes that fit, or similar names.
    public func index(of text: String) throws -> Int {
        let wanted = Self.plain(text)
        guard !wanted.isEmpty else { throw ClassNameError(description: "the name of the class to explain is empty") }
        let whole = names.indices.filter { Self.plain(names[$0]) == wanted }
        if whole.count == 1 { return whole[0] }
        if let index = Int(wanted), whole.isEmpty {
            guard names.indices.contains(index) else {
                throw ClassNameError(
                    description:
                        "the model has no class \(text); its \(count) classes are numbered from 0 to \(count - 1)")
            }
            return index
        }
        for candidates in [whole, exact(wanted), containing(wanted)] where !candidates.isEmpty {
            if candidates.count == 1 { return candidates[0] }
            let shown = candidates.prefix(Self.mostShown).map { "\($0) (\(names[$0]))" }.joined(separator: "; ")
            let more = candidates.count > Self.mostShown ? "; and \(candidates.count - Self.mostShown) more" : ""
            throw ClassNameError(
                description: "'\(text.prefix(80))' may be any of \(candidates.count) classes: \(shown)\(more). "
                    + "Give the number, or more of the name")
        }
        let near = nearest(to: wanted)
        let known =
            near.isEmpty
            ? "; it has \(count) classes, none with a name near to it" : "; near are: \(near.joined(separator: "; "))"
        throw ClassNameError(description: "the model has no class '\(text.prefix(80))'\(known)")
    }

    private static let mostShown = 8

    private func exact(_ wanted: String) -> [Int] { names.indices.filter { synonyms[$0].contains(wanted) } }

    /// Classes with a name that contains the words of `wanted`, one after another.
    private func containing(_ wanted: String) -> [Int] {
        names.indices.filter { synonyms[$0].contains { " \($0) ".contains(" \(wanted) ") } }
    }

    /// Names that look like `wanted`, each with its class.
    private func nearest(to wanted: String) -> [String] {
        var owner: [String: Int] = [:]
        var candidates: [String] = []
        for (index, names) in synonyms.enumerated() {
            for name in names where owner.updateValue(owner[name] ?? index, forKey: name) == nil {
                candidates.append(name)
            }
        }
        return nearestNames(to: wanted, in: candidates).compactMap { name in
            owner[name].map { "\($0) (\(names[$0]))" }
        }
    }

    private static func plain(_ text: String) -> String {
        text.lowercased().split { $0.isWhitespace || $0 == "_" }.joined(separator: " ")
    }
}

/// A class that the model does not have, or an ambiguous name.
public struct ClassNameError: UserFacingError, Equatable {
    public static let failureCode = FailureCode.request
    public let description: String
}
