import Drawing
import Foundation

/// What a model reads beside the image: it decides where the image does not.
enum LanguagePart {
    /// The words of a caption before the one that is explained. The first word has none before it.
    case sentence(isFirst: Bool)
    case question

    /// As texts name its part of the odds.
    var name: String {
        switch self {
        case .sentence: "sentence"
        case .question: "question"
        }
    }

    fileprivate var note: String {
        switch self {
        case .sentence(isFirst: false): "follows from the words before it"
        case .sentence(isFirst: true): "follows from how captions begin"
        case .question: "follows from the question"
        }
    }
}

extension Evidence {
    /// "evidence +2.10 nats, regions +1.00, sentence -1.20"; empty where nothing is known.
    /// - Parameter language: what the model reads beside the image: "sentence" or "question".
    public func text(language name: String) -> String {
        func signed(_ x: Float) -> String {
            let text = String(format: "%+.2f", x)
            return text == "-0.00" ? "+0.00" : text
        }
        return [
            evidence.map { "evidence \(signed($0)) nats" }, regions.map { "regions \(signed($0))" },
            language.map { "\(name) \(signed($0))" },
        ].compactMap(\.self).joined(separator: ", ")
    }

    /// How a map of the target is drawn, and what is written across a picture that shows nothing.
    /// - Parameters:
    ///   - isAgainst: whether the map shows what speaks against the target. It is then drawn in full: the evidence says
    ///     how much speaks for it.
    ///   - language: what the model reads beside the image.
    ///   - rival: what the target is compared with.
    func drawn(isAgainst: Bool, _ language: LanguagePart?, rival: String?) -> MapEvidence {
        if isAgainst { return MapEvidence(isAgainst: true, isMeasured: false) }
        return MapEvidence(
            strength: strength, note: note(language, rival: rival), isMeasured: evidence != nil)
    }

    private func note(_ language: LanguagePart?, rival: String?) -> String? {
        guard let evidence, strength < MapEvidence.least else { return nil }
        let whom = rival.map { "for '\($0)'" } ?? "against it"
        if regionsAreAgainst { return "the regions speak \(whom)" }
        if evidence < -MapEvidence.least { return "the image speaks \(whom)" }
        if rival != nil { return "the image does not decide" }
        return language?.note
    }
}
