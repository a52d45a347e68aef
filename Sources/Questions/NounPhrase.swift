import Tasks

/// A parsed noun phrase such as "two small black dogs": number, noun and colour.
struct NounPhrase {
    /// nil where the lexicon does not have the head word.
    var noun: Noun?
    var isPlural = false
    /// The value of a number word; nil without one.
    var number: Int?
    /// The head's colour as an answer: "red", "black and white"; nil without a colour, or with several that are not an
    /// answer together.
    var color: String?
    /// Whether the head has several colours that are not an answer together.
    var hasOddColor = false
    /// Whether the phrase is only a colour: "red" in "a woman in red".
    var isColorAlone = false
    /// The colour of a person's hair: "a blond boy".
    var hair: String?

    /// - Parameter words: the phrase's words, lower case.
    init(_ words: [String], lexicon: Lexicon) {
        var words = Array(PhraseWords.core(words[...]))
        while let first = words.first, PhraseWords.determiners.contains(first) { words.removeFirst() }
        if let first = words.first, let value = PhraseWords.numbers[first] {
            number = value
            words.removeFirst()
        }
        guard !words.isEmpty else { return }
        var head = words.count - 1
        for length in [3, 2, 1] where words.count >= length {
            let text = words[(words.count - length)...].joined(separator: " ")
            guard let entry = lexicon.lookUp(text) else { continue }
            (noun, isPlural) = entry
            head = words.count - length
            break
        }
        if noun == nil, Self.color(words[words.count - 1]) != nil,
            words[words.count - 1] != "orange" || words.count == 1
        {
            head = words.count
            isColorAlone = true
        }
        if noun == nil { isPlural = isPlural || number.map { $0 > 1 } ?? false }
        readColors(Array(words[..<head]))
        if isColorAlone && color == nil { isColorAlone = false }
    }

    private mutating func readColors(_ modifiers: [String]) {
        let all = modifiers
        var found: [(at: Int, color: String)] = []
        for (i, word) in all.enumerated() {
            if let hairy = word.split(separator: "-").first.map(String.init), word.contains("-hair"),
                let color = Self.color(hairy)
            {
                hair = color
            } else if let color = Self.color(word) {
                found.append((i, color))
            }
        }
        if let blond = found.first(where: { $0.color == "blond" }), noun?.category == .person { hair = blond.color }
        guard !found.isEmpty else { return }
        // The colours must form one list: "black , white", "black and white".
        for (a, b) in zip(found, found.dropFirst())
        where !all[(a.at + 1)..<b.at].allSatisfy({ $0 == "and" || $0 == "," || $0 == "&" || $0 == "-" }) {
            hasOddColor = true
            return
        }
        let colors = Set(found.map(\.color))
        if colors.count == 1 {
            color = found[0].color
        } else {
            let pair = colors.sorted().joined(separator: " and ")
            if Self.pairs.contains(pair) { color = pair } else { hasOddColor = true }
        }
        // "multi-colored", "checkered" and "plaid" things do not have one colour.
        if all.contains(where: { $0.hasPrefix("multi") || $0.hasPrefix("checker") || $0 == "plaid" || $0 == "tie-dyed" }
        ) {
            color = nil
            hasOddColor = true
        }
    }

    static let numberWords = ["zero", "one", "two", "three", "four", "five"]

    /// The colour that a word names; synonyms give the same name.
    static func color(_ word: String) -> String? {
        switch word {
        case "black", "white", "red", "blue", "green", "yellow", "brown", "orange", "pink", "purple", "gray", "tan",
            "blond":
            word
        case "grey", "silver": "gray"
        case "beige", "cream", "khaki": "tan"
        case "gold", "golden": "yellow"
        case "maroon": "red"
        case "navy": "blue"
        case "blonde": "blond"
        case "violet", "lavender": "purple"
        default: nil
        }
    }

    /// Pairs of colours that are an answer together.
    static let pairs: Set<String> = [
        "black and white", "brown and white", "black and brown", "red and white", "blue and white", "black and tan",
        "tan and white", "black and red", "gray and white",
    ]
}
