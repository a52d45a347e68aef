import Language

/// What a question asks for, told by its words. The kinds are those of `mmx data questions`, and `other`.
public enum QuestionKind: String, Codable, CaseIterable, Sendable {
    case color
    case number
    case object
    case wearingHolding = "wearing/holding"
    case place = "where"
    case yesNo = "yes/no"
    case doing
    case eitherOr = "either/or"
    case other

    /// The kind of a question of these words (``CaptionTokenizer``). The first rule that fits decides:
    ///
    /// - `either/or`: it begins with a verb and has "or" ("is it a man or a woman?");
    /// - `yes/no`: it begins with a verb ("is", "does");
    /// - `color`: it asks "what" or "which" and names colour ("what color is the dog?");
    /// - `number`: it has "how many" or "number of";
    /// - `where`: it has "where", or asks for a place ("what kind of place is it?");
    /// - `wearing/holding`: it asks "what" and has a form of wear, hold or carry, "have", or what holds things ("what is
    ///   in its mouth?", "what does she have on her head?");
    /// - `doing`: it asks "what" and has "doing";
    /// - `object`: any other question with "what", "which" or "who";
    /// - `other`: the rest ("why", "how").
    public init(tokens: [String]) {
        let words = Set(tokens)
        func has(_ list: Set<String>) -> Bool { !words.isDisjoint(with: list) }
        func has(_ word: String, then next: Set<String>) -> Bool {
            zip(tokens, tokens.dropFirst()).contains { $0 == word && next.contains($1) }
        }
        let asksWhat = has(["what", "which", "what's"])
        if let first = tokens.first, Self.verbs.contains(first) {
            self = words.contains("or") ? .eitherOr : .yesNo
        } else if asksWhat, has(["color", "colour", "colors", "colours"]) {
            self = .color
        } else if has("how", then: ["many"]) || has("number", then: ["of"]) {
            self = .number
        } else if has(["where"]) || asksWhat && has(["place", "location", "room", "scene", "setting"]) {
            self = .place
        } else if asksWhat, has(Self.wornOrHeld) || has(["mouth", "hand", "hands", "have"]) {
            self = .wearingHolding
        } else if asksWhat, has(["doing"]) {
            self = .doing
        } else if asksWhat || has(["who", "whose", "whom", "who's"]) {
            self = .object
        } else {
            self = .other
        }
    }

    /// The kind of a question as it was asked.
    public init(_ question: String) { self.init(tokens: CaptionTokenizer().tokens(question)) }

    /// A question that begins with one of them is answered by yes or no.
    private static let verbs: Set<String> = [
        "is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "can", "could", "will", "would",
        "should", "isn't", "aren't", "doesn't", "don't",
    ]
    private static let wornOrHeld: Set<String> = [
        "wear", "wears", "wearing", "worn", "hold", "holds", "holding", "held", "carry", "carries", "carrying",
    ]
}
