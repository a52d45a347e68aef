import Foundation
import Language
import Tasks
import Tensors

/// From what the user says to positions in a caption.
extension CaptionExplainer {
    /// The scores that a target asks for, and what is to be said of them.
    /// - Throws: ``ExplanationError`` for a word that the model does not know, or what the caption does not have.
    func resolve(
        _ target: CaptionTarget, in names: [String], scored: ScoredCaption
    ) throws -> [(score: CaptionScore, warnings: [String])] {
        switch target {
        case .everyWord: return names.enumerated().map { (.word($0.element, at: $0.offset), []) }
        case .wholeCaption: return [(.whole(scored.words), [])]
        case .span(let positions):
            guard !positions.isEmpty, names.indices.contains(positions.lowerBound), positions.upperBound <= names.count
            else {
                throw ExplanationError(
                    kind: .noSuchOccurrence,
                    description: "there are no words \(positions) in \"\(names.joined(separator: " "))\", which has "
                        + "\(names.count), counted from 0")
            }
            return [(CaptionScore(name: names[positions].joined(separator: " "), positions: positions), [])]
        case .contrast(let text, let other, let occurrence):
            return try contrast(text, other, occurrence, in: names, scored: scored)
        case .word(let text, let occurrence), .phrase(let text, let occurrence):
            let tokens = CaptionTokenizer().tokens(text)
            guard !tokens.isEmpty else {
                throw ExplanationError(kind: .unknownWord, description: "'\(text)' is not a word")
            }
            let starts = names.indices.filter { names[$0...].starts(with: tokens) }
            if occurrence >= 1, occurrence <= starts.count {
                let start = starts[occurrence - 1]
                return [
                    (CaptionScore(name: tokens.joined(separator: " "), positions: start..<start + tokens.count), [])
                ]
            }
            if !starts.isEmpty {
                throw ExplanationError(
                    kind: .noSuchOccurrence,
                    description: "'\(text)' occurs \(starts.count == 1 ? "once" : "\(starts.count) times") in "
                        + "\"\(names.joined(separator: " "))\"; there is no occurrence \(occurrence)")
            }
            if tokens.count > 1 {
                throw ExplanationError(
                    kind: .noSuchOccurrence,
                    description: "the phrase '\(text)' is not in the caption \"\(names.joined(separator: " "))\"; "
                        + "use --caption to explain a caption of your own")
            }
            return [try absent(tokens[0], in: names, scored: scored)]
        }
    }

    /// A word of the caption held against any that the model knows.
    private func contrast(
        _ text: String, _ other: String, _ occurrence: Int, in names: [String], scored: ScoredCaption
    ) throws -> [(score: CaptionScore, warnings: [String])] {
        var (score, warnings) = try resolve(.word(text, occurrence: occurrence), in: names, scored: scored)[0]
        let tokens = CaptionTokenizer().tokens(other)
        guard score.positions.count == 1, tokens.count == 1 else {
            throw ExplanationError(
                kind: .unknownWord,
                description: "a contrast takes two single words, not '\(text)' and '\(other)'")
        }
        guard let against = captioner.vocabulary.index(of: tokens[0]) else {
            throw ExplanationError(
                kind: .unknownWord,
                description: "the model does not know the word '\(tokens[0])'\(nearest(tokens[0]))")
        }
        guard tokens[0] != score.name else {
            throw ExplanationError(
                kind: .unknownWord, description: "the word '\(score.name)' cannot be held against itself")
        }
        score.against = against
        score.name += " rather than \(tokens[0])"
        return [(score, warnings)]
    }

    /// A word that the caption does not have: the position where the model held it likeliest.
    private func absent(
        _ word: String, in names: [String], scored: ScoredCaption
    ) throws -> (score: CaptionScore, warnings: [String]) {
        let vocabulary = captioner.vocabulary
        guard let index = vocabulary.index(of: word) else {
            throw ExplanationError(
                kind: .unknownWord, description: "the model does not know the word '\(word)'\(nearest(word))")
        }
        let logs = scored.logProbabilities.value
        let best = (0..<logs.shape[0]).max { logs[$0, index] < logs[$1, index] } ?? 0
        let probability = exp(Double(logs[best, index])) * 100
        let context = names[0..<best].joined(separator: " ")
        let place = best == 0 ? "as its first word" : "after \"\(context)\""
        return (
            CaptionScore(name: word, positions: best..<best + 1, replacing: [best: index]),
            [
                "'\(word)' is not in the caption \"\(names.joined(separator: " "))\"; explained where the model held "
                    + "it likeliest: \(place), with probability \(String(format: "%.3g", probability)) %"
            ]
        )
    }

    func nearest(_ word: String) -> String {
        let near = captioner.vocabulary.nearest(to: word, count: 3)
        return near.isEmpty ? "" : "; the nearest it knows: \(near.joined(separator: ", "))"
    }
}
