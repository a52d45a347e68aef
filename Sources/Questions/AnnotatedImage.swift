import Tasks
import Vision

/// An image with the things that its captions mention.
struct AnnotatedImage {
    /// One thing or one group of things, with its mentions in all captions.
    struct Entity {
        var types: Set<String> = []
        /// Its noun, where the captions agree.
        var noun: Noun?
        /// Every noun that a caption uses for it.
        var nouns: Set<Noun> = []
        /// Most mentions are plural.
        var isPlural = false
        /// Some mention is plural.
        var mayBePlural = false
        var mentions: [NounPhrase] = []
        /// The boxes of all mentions, each once.
        var boxes: [Rectangle] = []

        /// "dog" or "dogs".
        var name: String? { noun.map { $0.named(plural: isPlural) } }
        var `is`: String { isPlural || noun?.isAlwaysPlural == true ? "are" : "is" }
    }

    /// A phrase in its sentence.
    struct Mention {
        var first: Int
        var end: Int
        /// The index in ``AnnotatedImage/entities``.
        var entity: Int
        var phrase: NounPhrase
    }

    struct Sentence {
        var words: [String]
        /// In the order of the words.
        var mentions: [Mention]
    }

    let name: String
    private(set) var entities: [Entity] = []
    private(set) var sentences: [Sentence] = []
    /// All words of all captions, lower case.
    let words: Set<String>

    /// - Parameter captions: the words of each caption.
    init(name: String, captions: [[String]], phrases: [Phrase], lexicon: Lexicon) {
        self.name = name
        var words: Set<String> = []
        for caption in captions { words.formUnion(caption) }
        var byChain: [Int: Int] = [:]
        var bySentence: [[String]: Int] = [:]
        for phrase in phrases {
            words.formUnion(phrase.caption)
            let index = byChain[phrase.chain] ?? entities.count
            if index == entities.count {
                byChain[phrase.chain] = index
                entities.append(Entity())
            }
            let parsed = NounPhrase(Array(phrase.words), lexicon: lexicon)
            entities[index].types.formUnion(phrase.types)
            entities[index].mentions.append(parsed)
            for box in phrase.boxes where !entities[index].boxes.contains(box) { entities[index].boxes.append(box) }
            let sentence = bySentence[phrase.caption] ?? sentences.count
            if sentence == sentences.count {
                bySentence[phrase.caption] = sentence
                sentences.append(Sentence(words: phrase.caption, mentions: []))
            }
            sentences[sentence].mentions.append(
                Mention(first: phrase.first, end: phrase.first + phrase.count, entity: index, phrase: parsed))
        }
        self.words = words
        for i in sentences.indices { sentences[i].mentions.sort { ($0.first, $0.end) < ($1.first, $1.end) } }
        for i in entities.indices { resolve(&entities[i], lexicon) }
    }

    /// Decides an entity's noun and number: the most specific noun that is compatible with most captions' nouns.
    private func resolve(_ entity: inout Entity, _ lexicon: Lexicon) {
        var votes: [Noun: Int] = [:]
        for mention in entity.mentions { if let noun = mention.noun { votes[noun, default: 0] += 1 } }
        entity.nouns = Set(votes.keys)
        let plural = entity.mentions.count { $0.isPlural && $0.noun?.isAlwaysPlural != true }
        entity.isPlural = plural * 2 > entity.mentions.count
        entity.mayBePlural = plural > 0
        let total = votes.values.reduce(0, +)
        func support(_ noun: Noun) -> Int {
            lexicon.chain(of: noun).reduce(0) { $0 + (votes[$1] ?? 0) }
        }
        let best = votes.max {
            (support($0.key), $0.value, $1.key.name) < (support($1.key), $1.value, $0.key.name)
        }
        if let best, support(best.key) * 4 >= total * 3 {
            // A child that is a boy in one caption and a girl in another gets no noun.
            let against = votes.filter { !lexicon.areRelated($0.key, best.key) }.values.max() ?? 0
            if against * 2 < best.value { entity.noun = best.key }
        }
        if entity.noun?.isAlwaysPlural == true { entity.isPlural = true }
    }

    /// Whether this entity is the only one in the image that its noun can refer to.
    func isUnique(_ index: Int, lexicon: Lexicon = .shared) -> Bool {
        guard let noun = entities[index].noun else { return false }
        return !entities.indices.contains { other in
            other != index && couldBe(other, noun, lexicon) && !isSamePlace(other, index)
        }
    }

    private func couldBe(_ index: Int, _ noun: Noun, _ lexicon: Lexicon) -> Bool {
        let entity = entities[index]
        if entity.nouns.isEmpty { return noun.category == .person && entity.types.contains("people") }
        return entity.nouns.contains { lexicon.areRelated($0, noun) }
    }

    /// Whether both have the same boxes: then they are one thing with two chains.
    private func isSamePlace(_ a: Int, _ b: Int) -> Bool {
        let first = entities[a]
        let second = entities[b]
        guard first.boxes.count == second.boxes.count, first.mayBePlural == second.mayBePlural else { return false }
        return !first.boxes.isEmpty
            && first.boxes.allSatisfy { box in second.boxes.contains { box.overlap($0) > 0.8 } }
    }

    /// The name that a question uses for an actor so that it does not contain the answer: "person" for a surfer. nil
    /// where the captions do not agree on the noun.
    /// - Returns: the name, and whether it can refer to nothing else in the image.
    func reference(to index: Int, lexicon: Lexicon = .shared) -> (name: String, isOnly: Bool)? {
        let entity = entities[index]
        guard let noun = entity.noun, let name = entity.name else { return nil }
        guard Self.telling.contains(noun.name), let person = lexicon.noun(named: "person") else {
            return (name, isUnique(index, lexicon: lexicon))
        }
        let isOnly = !entities.indices.contains {
            $0 != index && couldBe($0, person, lexicon) && !isSamePlace($0, index)
        }
        return (person.named(plural: entity.isPlural), isOnly)
    }

    /// Nouns for people that tell what they ride or wear, or where they are.
    private static let telling: Set<String> = [
        "skateboarder", "snowboarder", "skier", "surfer", "cyclist", "motorcyclist", "climber", "swimmer", "rider",
    ]

    /// Whether no caption uses `noun`, or a wider or narrower noun, for an entity.
    func lacksEntity(_ noun: Noun, lexicon: Lexicon = .shared) -> Bool {
        !entities.contains { $0.nouns.contains { lexicon.areRelated($0, noun) } }
    }
}

extension Rectangle {
    /// Intersection over union.
    func overlap(_ other: Rectangle) -> Double {
        let both = intersection(other)
        let shared = both.width * both.height
        let union = width * height + other.width * other.height - shared
        return union > 0 ? shared / union : 0
    }

    /// `boxes` without those that nearly equal an earlier one.
    static func distinct(_ boxes: [Rectangle], overlap limit: Double = 0.7) -> [Rectangle] {
        boxes.reduce(into: []) { kept, box in
            if !kept.contains(where: { $0.overlap(box) > limit }) { kept.append(box) }
        }
    }
}
