import ArgumentParser
import Foundation
import Support

/// The tree of commands by their names.
struct CommandNames {
    typealias Command = any ParsableCommand.Type

    let root: Command

    /// The command at the end of `path`, which begins with the root's name.
    func command(_ path: [String]) -> Command? {
        var command = root
        for name in path.dropFirst() {
            guard let next = child(name, of: command) else { return nil }
            command = next
        }
        return command
    }

    /// The names from the root down to `command`.
    func path(to command: Command) -> [String] { path(to: command, from: root) ?? [name(root)] }

    /// Looks whether the arguments name commands that exist, down to a command without subcommands.
    /// - Throws: ``UsageError`` that suggests the nearest command.
    func check(_ arguments: [String]) throws {
        var path = [name(root)]
        var command = root
        // `mmx help train caption` names commands, too.
        for argument in arguments.first == "help" ? arguments.dropFirst() : arguments[...] {
            let children = command.configuration.subcommands
            guard !children.isEmpty, !argument.hasPrefix("-") else { return }
            guard let next = child(argument, of: command) else {
                throw UsageError(
                    message: message(argument, in: path, of: children.map { name($0) }), path: path)
            }
            command = next
            path.append(name(next))
        }
    }

    private func message(_ argument: String, in path: [String], of names: [String]) -> String {
        let here = path.joined(separator: " ")
        if path.count == 1, PhotoArgument.looksLikeFile(argument) {
            return "a command stands before the photograph: \(here) caption \(ShellText.quoted(argument))"
        }
        let said = "\(here) has no command '\(argument.prefix(80))'"
        guard let best = nearestNames(to: argument, in: names).first else {
            return "\(said); it has \(names.joined(separator: ", "))"
        }
        return "\(said). Did you mean '\(best)'?"
    }

    private func name(_ command: Command) -> String { command.configuration.commandName ?? command._commandName }

    private func child(_ wanted: String, of command: Command) -> Command? {
        command.configuration.subcommands.first {
            name($0) == wanted || $0.configuration.aliases.contains(wanted)
        }
    }

    private func path(to command: Command, from top: Command) -> [String]? {
        if command == top { return [name(top)] }
        for child in top.configuration.subcommands {
            if let found = path(to: command, from: child) { return [name(top)] + found }
        }
        return nil
    }
}
