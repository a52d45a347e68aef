import Explain
import Foundation
import Support

/// Answers as a person reads them.
struct AnswerText {
    let isColored: Bool
    let namesQuestions: Bool

    /// What is to be printed, escaped for a terminal.
    /// - Parameter path: the whole path of a file that the manifest names.
    func lines(_ manifest: VQAManifest, path: (String) -> String) -> [String] {
        manifest.questions.flatMap { question -> [String] in
            var lines = namesQuestions ? ["\(question.number). \(escaped(question.question))"] : []
            lines += question.answers.map { "\(ResultText.percent($0.probability))  \(escaped($0.answer))" }
            let namesMethods = Set(question.scores.map(\.method)).count > 1
            for score in question.scores {
                if let words = score.words { lines.append("\(escaped(score.name)): \(line(words))") }
                if let line = ResultText.map(
                    score, probability: score.probability, language: "question", namesMethod: namesMethods, path: path)
                {
                    lines.append(escaped(line))
                }
            }
            if let sheet = question.methodSheet { lines.append("sheet: \(escaped(path(sheet)))") }
            return lines
        }
    }

    private func escaped(_ text: String) -> String { PrintableText.escaped(text) }

    /// The words with their evidence in nats: red speaks for the answer, blue against it, the stronger the fuller.
    private func line(_ words: [ManifestWord]) -> String {
        let evidence = words.map { $0.evidence ?? $0.contribution }
        let largest = max(evidence.map(abs).filter(\.isFinite).max() ?? 0, .leastNormalMagnitude)
        return zip(words, evidence).map { word, evidence in
            let number = String(format: "%+.2f", evidence)
            guard isColored else { return "\(escaped(word.word)) \(number)" }
            return "\(ResultText.shaded(" \(escaped(word.word)) ", evidence / largest)) \(number)"
        }.joined(separator: isColored ? "  " : ", ")
    }
}
