import Drawing
import Foundation
import Language
import Tasks
import Tensors

/// From what a person asks for to positions in a caption.
extension CaptionReading {
    /// The targets that a request asks for.
    /// - Throws: ``ExplanationError`` for a word that the model does not know, or what the caption does not have.
    func targets(_ request: CaptionTarget) throws -> [ResolvedTarget<CaptionSubject>] {
        switch request {
        case .everyWord: return names.enumerated().map { target($0.element, at: $0.offset..<$0.offset + 1) }
        case .wholeCaption: return [target("caption", at: 0..<words.count + 1)]
        case .span(let positions): return [try span(positions)]
        case .word(let text, let occurrence), .phrase(let text, let occurrence):
            let tokens = try self.tokens(text)
            if let positions = try self.positions(of: tokens, text, occurrence) {
                return [noting(target(tokens.joined(separator: " "), at: positions))]
            }
            let (position, word, warning) = try absent(tokens[0])
            return [target(tokens[0], at: position..<position + 1, other: word, warnings: [warning])]
        case .contrast(let text, let other, let occurrence): return [try contrast(text, other, occurrence)]
        }
    }

    private var caption: String { names.joined(separator: " ") }

    private func tokens(_ text: String) throws -> [String] {
        let tokens = CaptionTokenizer().tokens(text)
        guard !tokens.isEmpty else {
            throw ExplanationError(kind: .unknownWord, description: "'\(text)' is not a word")
        }
        return tokens
    }

    private func span(_ positions: Range<Int>) throws -> ResolvedTarget<CaptionSubject> {
        guard !positions.isEmpty, names.indices.contains(positions.lowerBound), positions.upperBound <= names.count
        else {
            throw ExplanationError(
                kind: .noSuchOccurrence,
                description: "there are no words \(positions) in \"\(caption)\", which has \(names.count), counted "
                    + "from 0")
        }
        return target(names[positions].joined(separator: " "), at: positions)
    }

    /// Where the words stand in the caption; nil for a single word that the caption does not have.
    private func positions(of tokens: [String], _ text: String, _ occurrence: Int) throws -> Range<Int>? {
        let starts = names.indices.filter { names[$0...].starts(with: tokens) }
        if occurrence >= 1, occurrence <= starts.count {
            return starts[occurrence - 1]..<starts[occurrence - 1] + tokens.count
        }
        if !starts.isEmpty {
            throw ExplanationError(
                kind: .noSuchOccurrence,
                description: "'\(text)' occurs \(starts.count == 1 ? "once" : "\(starts.count) times") in "
                    + "\"\(caption)\"; there is no occurrence \(occurrence)")
        }
        if tokens.count > 1 {
            throw ExplanationError(
                kind: .noSuchOccurrence,
                description: "the phrase '\(text)' is not in the caption \"\(caption)\"; "
                    + "use --caption to explain a caption of your own")
        }
        return nil
    }

    /// A word of the caption compared with any word that the model knows.
    private func contrast(
        _ text: String, _ other: String, _ occurrence: Int
    ) throws -> ResolvedTarget<CaptionSubject> {
        let own = try tokens(text)
        let found = try positions(of: own, text, occurrence)
        let missing = found == nil ? try absent(own[0]) : nil
        let positions = found ?? (missing.map { $0.position..<$0.position + 1 } ?? 0..<1)
        let others = CaptionTokenizer().tokens(other)
        guard positions.count == 1, others.count == 1 else {
            throw ExplanationError(
                kind: .unknownWord,
                description: "a contrast takes two single words, not '\(text)' and '\(other)'")
        }
        let against = try index(of: others[0])
        guard others[0] != own[0] else {
            throw ExplanationError(
                kind: .unknownWord, description: "the word '\(own[0])' cannot be held against itself")
        }
        return noting(
            target(
                "\(own[0]) rather than \(others[0])", at: positions, other: missing?.word, against: against,
                warnings: missing.map { [$0.warning] } ?? []))
    }

    /// Warns of a word that has one map at several places.
    private func noting(_ target: ResolvedTarget<CaptionSubject>) -> ResolvedTarget<CaptionSubject> {
        guard let others = target.subject.sameMapAt else { return target }
        var target = target
        let places = (target.subject.positions + others).sorted()
        // Several unknown words are one word to the model.
        let spellings = places.map { names[$0] }.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        target.warnings.append(
            CaptionOutput.warning(ofOneMapFor: [(spellings.joined(separator: "', '"), places)]))
        return target
    }

    /// A word that the caption does not have: the position where its probability is highest.
    private func absent(_ word: String) throws -> (position: Int, word: Int, warning: String) {
        let index = try index(of: word)
        let logs = calibrated
        let best = (0..<logs.shape[0]).max { logs[$0, index] < logs[$1, index] } ?? 0
        let probability = exp(Double(logs[best, index]))
        let context = names[0..<best].joined(separator: " ")
        let place = best == 0 ? "as its first word" : "after \"\(context)\""
        return (
            best, index,
            "'\(word)' is not in the caption \"\(caption)\"; explained where the model held it likeliest: \(place), "
                + "with probability \(probabilityText(probability))"
        )
    }

    private func index(of word: String) throws -> Int {
        guard let index = captioner.vocabulary.index(of: word) else {
            throw ExplanationError(
                kind: .unknownWord,
                description: "the model does not know the word '\(word)'\(captioner.vocabulary.nearestKnown(to: word))")
        }
        return index
    }
}

extension Vocabulary {
    /// "; the nearest it knows: ..." for messages; empty where nothing is near.
    func nearestKnown(to word: String) -> String {
        let near = nearest(to: word, count: 3)
        return near.isEmpty ? "" : "; the nearest it knows: \(near.joined(separator: ", "))"
    }
}
