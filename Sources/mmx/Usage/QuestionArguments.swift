import Foundation

/// A photograph and a question as they stand on the command line, perhaps without quotes or in the wrong order.
struct QuestionArguments {
    let photo: String
    let question: String
    let extra: [String]

    /// - Throws: ``Misuse`` that shows the right command.
    func check() throws {
        let isSwapped = !Photo.looksLikeFile(photo)
        if extra.isEmpty {
            guard isSwapped, Photo.looksLikeFile(question) else { return }
            throw Misuse("the photograph stands before the question: \(command(photo: question, asking: photo))")
        }
        // A question of several words has its quotes already: what is left over belongs to something else.
        guard !question.contains(" ") else { return }
        let words = [question] + extra
        if isSwapped, let file = words.firstIndex(where: Photo.looksLikeFile) {
            let asked = ([photo] + words[..<file] + words[(file + 1)...]).joined(separator: " ")
            throw Misuse(
                "the photograph stands before the question, and the question in quotes: "
                    + command(photo: words[file], asking: asked))
        }
        throw Misuse("put the question in quotes: \(command(photo: photo, asking: words.joined(separator: " ")))")
    }

    private func command(photo: String, asking question: String) -> String {
        "mmx vqa \(ShellText.quoted(photo)) \(ShellText.always(question))"
    }
}
