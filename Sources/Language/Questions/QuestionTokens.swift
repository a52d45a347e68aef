import Foundation

/// How a VQA model from elsewhere splits questions into words; models of mmx's use ``CaptionTokenizer``.
public enum QuestionTokens: String, Codable, Sendable {
    /// Lower case, without the question mark at the end, split at spaces (pytorch-vqa).
    case spaces
    /// Lower case, split between letters and other signs, which are words too (basic_vqa).
    case signs

    public func tokens(_ question: String) -> [String] {
        let text = question.lowercased().trimmingCharacters(in: .whitespacesAndNewlines)
        switch self {
        case .spaces:
            let bare = text.hasSuffix("?") ? text.dropLast() : text[...]
            return bare.split(separator: " ").map { String($0) }
        case .signs:
            var words: [String] = []
            var wasLetter = false
            for character in text {
                let isLetter = character.isLetter || character.isNumber || character == "_"
                if isLetter == wasLetter, !words.isEmpty {
                    words[words.count - 1].append(character)
                } else {
                    words.append(String(character))
                }
                wasLetter = isLetter
            }
            return words.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }
    }
}
