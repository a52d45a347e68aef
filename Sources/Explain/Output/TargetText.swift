import Drawing
import Foundation
import Support

/// What the pictures of a target say beside its map.
struct TargetText {
    /// The caption with the target's words marked, the question with the answer, or the class.
    var sentence: [PictureText.Part]
    /// Of the target, 0...1; nil where it has none.
    var probability: Float?
    /// What the model reads beside the image; nil for nothing.
    var language: LanguagePart?
    /// What the target is compared with.
    var rival: String?
    /// What the explained number is called: "visual score".
    var score: String
    /// What a person has to know: that the caption is the user's own.
    var remarks: [String] = []
}

extension ExplanationWriter {
    /// The text of a picture of one attribution.
    func text<Subject>(
        _ text: TargetText, of target: ExplainedTarget<Subject>, _ attribution: Attribution
    ) -> PictureText {
        let facts = [
            text.probability.map { probabilityFact($0) },
            target.evidence.text(language: text.language?.name ?? ""),
        ].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ", ")
        let compared = header?.comparison.map {
            String(format: ", less %.3g of the mean of its %d nearest", $0.weight, $0.count)
        }
        let method = "\(attribution.method) over \(attribution.support)" + (compared ?? "")
        let details = [
            "\(isCounterfactual ? "Against" : "For") '\(target.name)': \(text.score) "
                + String(format: "%.3f", target.value) + ", \(method)"
        ]
        return PictureText(
            sentence: text.sentence, facts: (facts.isEmpty ? [] : ["\(target.name): \(facts)"]) + doubts,
            details: (details + text.remarks + (header.map { ["Model \($0.model.name)"] } ?? [])).map { "\($0)." }
                .joined(separator: " "))
    }

    /// What makes all pictures of the run doubtful.
    var doubts: [String] {
        guard let header else { return [] }
        return [
            header.trainingDistance?.isUnlike == true ? TrainingDistance.remark : nil,
            header.photo.isTiny ? "The photograph has only \(header.photo.width)x\(header.photo.height) pixels." : nil,
        ].compactMap(\.self)
    }

    /// The text chunks of a picture: what it shows, and the files that it was made of.
    func chunks(_ text: PictureText, name: String) -> [(keyword: String, text: String)] {
        guard let header else { return [] }
        let sentence = text.sentence.map(\.text).joined(separator: " ")
        return [
            ("Title", "\(sentence): \(isCounterfactual ? "against" : "for") '\(name)'"),
            ("Description", (text.facts + [text.details]).joined(separator: "\n")), ("Software", header.tool),
            ("Source", URL(fileURLWithPath: header.photo.path).lastPathComponent),
            ("mmx:photo-sha256", header.photo.sha256), ("mmx:model", header.model.name),
            ("mmx:model-sha256", header.model.sha256), ("mmx:request", header.request),
        ].map { ($0.0, PrintableText.escaped($0.1)) }
    }
}
