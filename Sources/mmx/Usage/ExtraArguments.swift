import ArgumentParser
import Foundation

/// Arguments that belong nowhere: most often an option's value or a path of several words without quotes.
struct ExtraArguments {
    let extra: [String]
    /// All of the command line, after the program's name.
    let arguments: [String]

    /// - Parameters:
    ///   - textOptions: the options whose value may have several words, and what to write in place of each.
    ///   - photo: the argument that is taken for the photograph.
    /// - Throws: `ValidationError` where there is an argument too many.
    func check(textOptions: [String: String], photo: String?) throws {
        guard let first = extra.first else { return }
        if let (option, words) = unquotedValue(of: Array(textOptions.keys)) {
            throw ValidationError(
                "\(option) takes one value: put its words in quotes: \(textOptions[option] ?? option) "
                    + ShellText.always(words.joined(separator: " ")))
        }
        if let photo {
            let whole = ([photo] + extra).joined(separator: " ")
            if PhotoArgument.looksLikeFile(whole), !PhotoArgument.looksLikeFile(photo) {
                throw ValidationError("put a file name with spaces in quotes: \(ShellText.always(whole))")
            }
        }
        throw ValidationError(
            extra.count == 1
                ? "unexpected argument '\(first)'"
                : "\(extra.count) unexpected arguments: '\(extra.joined(separator: "', '"))'")
    }

    /// The option before the first extra argument, with the words that stand between it and the next option. None where
    /// the extra argument follows the option itself, which then takes no value.
    private func unquotedValue(of options: [String]) -> (option: String, words: [String])? {
        guard let first = extra.first else { return nil }
        for (i, argument) in arguments.enumerated() where argument == first {
            guard let option = arguments[..<i].lastIndex(where: { $0.hasPrefix("-") }), i - option >= 2,
                options.contains(arguments[option])
            else { continue }
            return (arguments[option], Array(arguments[(option + 1)...].prefix { !$0.hasPrefix("-") }))
        }
        return nil
    }
}
