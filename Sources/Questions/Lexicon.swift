/// A noun that questions ask about, under the name that answers use.
struct Noun: Hashable, Sendable {
    enum Category: Hashable, Sendable {
        case person, animal, vehicle, sport, instrument, clothing, furniture, thing, food, structure, place
    }

    let name: String
    let plural: String
    let category: Category
    /// The wider noun's name: "person" for a man.
    let general: String?
    /// Has no singular, as `pants`.
    let isAlwaysPlural: Bool
    /// Has no plural, as `snow`.
    let isMass: Bool
    /// Whether captions always mention it.
    let isSalient: Bool
    /// Words in captions that hint at it.
    let evidence: Evidence

    static func == (a: Noun, b: Noun) -> Bool { a.name == b.name }
    func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// Its form after "the".
    func named(plural isPlural: Bool) -> String { isPlural && !isMass ? plural : name }

    /// "a dog", "an umbrella", "snow", "skis".
    var indefinite: String {
        if isMass || isAlwaysPlural { return name }
        return ("aeiou".contains(name.first ?? " ") && !name.hasPrefix("uni") ? "an " : "a ") + name
    }

    struct Evidence: Sendable {
        var words: Set<String> = []
        var beginnings: [String] = []

        func matches(_ word: String) -> Bool {
            words.contains(word) || beginnings.contains { word.hasPrefix($0) }
        }
    }
}

/// Nouns by the words for them.
struct Lexicon: Sendable {
    static let shared = Lexicon(LexiconWords.lists)

    /// All nouns, in the order of the lists.
    let nouns: [Noun]
    private let byName: [String: Noun]
    private let byWord: [String: (noun: Noun, isPlural: Bool)]

    init(_ lists: [(Noun.Category, String)]) {
        var nouns: [Noun] = []
        var byName: [String: Noun] = [:]
        var byWord: [String: (noun: Noun, isPlural: Bool)] = [:]
        for (category, text) in lists {
            for line in text.split(separator: "\n") {
                let (noun, synonyms) = Self.read(line, category)
                nouns.append(noun)
                byName[noun.name] = noun
                for word in [noun.name] + synonyms {
                    let singular = byWord[word] == nil || word == noun.name
                    if singular { byWord[word] = (noun, noun.isAlwaysPlural) }
                    let many = word == noun.name ? noun.plural : Self.plural(of: word)
                    if byWord[many] == nil { byWord[many] = (noun, !noun.isMass) }
                }
            }
        }
        for (singular, many) in Self.irregular {
            if let entry = byWord[singular] { byWord[many] = (entry.noun, true) }
        }
        self.nouns = nouns
        self.byName = byName
        self.byWord = byWord
    }

    func noun(named name: String) -> Noun? { byName[name] }

    /// The noun of a word or of words with spaces between, and whether they are its plural.
    func lookUp(_ word: String) -> (noun: Noun, isPlural: Bool)? { byWord[word] }

    /// `noun` and its wider nouns: boy, child, person.
    func chain(of noun: Noun) -> [Noun] {
        var result = [noun]
        while let general = result[result.count - 1].general, let next = byName[general] { result.append(next) }
        return result
    }

    /// Whether both are the same noun, or one is a kind of the other.
    func areRelated(_ a: Noun, _ b: Noun) -> Bool { chain(of: a).contains(b) || chain(of: b).contains(a) }

    private static let irregular = [
        ("man", "men"), ("woman", "women"), ("child", "children"), ("person", "people"), ("goose", "geese"),
        ("policeman", "policemen"), ("puppy", "puppies"), ("lady", "ladies"), ("calf", "calves"),
        ("fireman", "firemen"),
        ("cowboy", "cowboys"), ("fisherman", "fishermen"), ("gentleman", "gentlemen"), ("pony", "ponies"),
        ("bunny", "bunnies"), ("person", "persons"), ("scarf", "scarfs"),
    ]

    static func plural(of word: String) -> String {
        if word.hasSuffix("s") { return word }
        if word.hasSuffix("sh") || word.hasSuffix("ch") || word.hasSuffix("x") { return word + "es" }
        if word.hasSuffix("y"), let before = word.dropLast().last, !"aeiou".contains(before) {
            return word.dropLast() + "ies"
        }
        return word + "s"
    }

    private static func read(_ line: Substring, _ category: Noun.Category) -> (Noun, synonyms: [String]) {
        let sides = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let right = (sides.count > 1 ? sides[1] : "").split(
            separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        func list(_ text: Substring) -> [String] {
            text.split(separator: ",").map { $0.drop { $0 == " " } }.map { text in
                String(text.reversed().drop { $0 == " " }.reversed())
            }.filter { !$0.isEmpty }
        }
        var left = sides[0].split(separator: "^").map { list($0).first ?? "" }
        let general = left.count > 1 ? left.removeLast() : nil
        var head = left[0]
        let isSalient = head.hasPrefix("+")
        if isSalient { head.removeFirst() }
        let isAlwaysPlural = head.hasSuffix("*")
        let isMass = head.hasSuffix("~")
        if isAlwaysPlural || isMass { head.removeLast() }
        let forms = head.split(separator: "/").map(String.init)
        let synonyms = list(right.first ?? "")
        var evidence = Noun.Evidence()
        for hint in right.count > 1 ? list(right[1]) : [] {
            if hint.hasSuffix("-") {
                evidence.beginnings.append(String(hint.dropLast()))
            } else {
                evidence.words.insert(hint)
            }
        }
        for word in [forms[0]] + synonyms {
            // Of several words, the last is the noun: "tennis ball". Long words may begin others: skateboarder.
            let last = String(word.split(separator: " ").last ?? "")
            evidence.words.formUnion([last, plural(of: last)])
            if last.count > 4 { evidence.beginnings.append(last) }
        }
        evidence.words.insert(forms.count > 1 ? forms[1] : plural(of: forms[0]))
        let noun = Noun(
            name: forms[0], plural: forms.count > 1 ? forms[1] : isAlwaysPlural ? forms[0] : plural(of: forms[0]),
            category: category, general: general, isAlwaysPlural: isAlwaysPlural, isMass: isMass, isSalient: isSalient,
            evidence: evidence)
        return (noun, synonyms)
    }
}
