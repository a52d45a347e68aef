import Vision

/// "what color is the shirt?", from adjectives of the phrases. Of people, only the colour of their hair is asked.
enum ColorQuestions {
    /// An entity's colour, and every colour that a caption uses for it.
    struct Colored {
        var noun: Noun
        var name: String
        var isPlural: Bool
        var color: String
        var all: Set<String>
        var boxes: [Rectangle]
    }

    static func facts(_ image: AnnotatedImage, _ relations: Relations, dropped: inout Int) -> [QuestionFact] {
        var facts: [QuestionFact] = []
        var colored = 0
        for (index, entity) in image.entities.enumerated() {
            guard let color = agreedColor(entity, dropped: &dropped) else { continue }
            colored += 1
            let owners = Set(relations.worn.filter { $0.clothing == index }.map(\.person))
            let owner = owners.count == 1 ? owners.first.flatMap { ownerName($0, image) } : nil
            let wordings =
                entity.noun == nil
                ? owner.map { clothes($0.name, $0.is) } ?? [] : wordings(index, image, owner: owner?.name, relations)
            guard !wordings.isEmpty else { continue }
            facts.append(
                QuestionFact(
                    image: image.name, kind: "color", group: "color " + (entity.name ?? "clothes"),
                    wordings: wordings,
                    answer: color, boxes: entity.boxes))
        }
        if colored == 1, facts.count == 1 { facts[0].short = "what color?" }
        return facts + hair(image, relations, dropped: &dropped)
    }

    /// The entities whose colour can be asked without naming an owner.
    static func colored(_ image: AnnotatedImage) -> [Colored] {
        var ignored = 0
        return image.entities.indices.compactMap { index in
            let entity = image.entities[index]
            guard let color = agreedColor(entity, dropped: &ignored), let noun = entity.noun, let name = entity.name,
                image.isUnique(index)
            else { return nil }
            return Colored(
                noun: noun, name: name, isPlural: entity.is == "are", color: color,
                all: Set(entity.mentions.flatMap { ($0.color ?? "").split(separator: " ").map(String.init) }),
                boxes: entity.boxes)
        }
    }

    private static let asked: Set<Noun.Category> = [
        .animal, .vehicle, .sport, .instrument, .clothing, .furniture, .thing,
    ]
    private static let askedStructures: Set<String> = [
        "wall", "fence", "railing", "slide", "tent", "house", "building", "tunnel", "door", "ramp", "bridge",
    ]

    /// An entity's colour, where it may be asked and the mentions agree on it.
    private static func agreedColor(_ entity: AnnotatedImage.Entity, dropped: inout Int) -> String? {
        if let noun = entity.noun {
            guard asked.contains(noun.category) || askedStructures.contains(noun.name) else { return nil }
        } else {
            guard entity.types == ["clothing"], entity.mentions.allSatisfy(\.isColorAlone) else { return nil }
        }
        guard !entity.types.contains("people"), !entity.mentions.contains(where: \.hasOddColor) else { return nil }
        var votes: [String: Int] = [:]
        for case let color? in entity.mentions.map(\.color) where color != "blond" || entity.noun?.category == .animal {
            votes[color == "blond" ? "tan" : color, default: 0] += 1
        }
        let sorted = votes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        guard let best = sorted.first else { return nil }
        if sorted.count > 1, best.value < 2 * sorted[1].value {
            dropped += 1
            return nil
        }
        // One of two dogs is black, or one caption gives the colours of both.
        if entity.mayBePlural && !entity.isPlural { return nil }
        return best.key
    }

    private static func ownerName(_ index: Int, _ image: AnnotatedImage) -> (name: String, is: String)? {
        let owner = image.entities[index]
        guard let name = owner.name, image.isUnique(index), owner.isPlural == owner.mayBePlural else { return nil }
        return (name, owner.is)
    }

    private static func clothes(_ name: String, _ verb: String) -> [String] {
        [
            "what color \(verb) the \(name) wearing?", "what color are the \(possessive(name)) clothes?",
            "in what color \(verb) the \(name) dressed?",
        ]
    }

    static func possessive(_ name: String) -> String { name.hasSuffix("s") ? name + "'" : name + "'s" }

    private static func wordings(
        _ index: Int, _ image: AnnotatedImage, owner: String?, _ relations: Relations
    ) -> [String] {
        let entity = image.entities[index]
        guard let name = entity.name, let noun = entity.noun else { return [] }
        var result: [String] = []
        if image.isUnique(index) {
            result += [
                "what color \(entity.is) the \(name)?", "what is the color of the \(name)?",
                "which color \(entity.is) the \(name)?", "what colour \(entity.is) the \(name)?",
            ]
        }
        guard let owner else { return result }
        let owners = relations.worn.filter { image.entities[$0.clothing].noun == noun }
        let own = Set(
            owners.filter { wear in relations.worn.contains { $0.clothing == index && $0.person == wear.person } }
                .map(\.clothing))
        guard own.count == 1, noun.category == .clothing, image.entities[index].isPlural == noun.isAlwaysPlural else {
            return result
        }
        result += [
            "what color \(entity.is) the \(possessive(owner)) \(name)?", "what color \(name) is the \(owner) wearing?",
            "what is the color of the \(possessive(owner)) \(name)?",
        ]
        if owner.hasSuffix("s") || owner == "people" || owner == "children" || owner == "men" || owner == "women" {
            return image.isUnique(index) ? Array(result.prefix(4)) : []
        }
        return result
    }

    private static func hair(
        _ image: AnnotatedImage, _ relations: Relations, dropped: inout Int
    ) -> [QuestionFact] {
        var votes = FactVotes()
        func add(_ person: Int, _ color: String, boxes: [Rectangle]) {
            let entity = image.entities[person]
            guard !entity.mayBePlural, let name = ownerName(person, image)?.name,
                entity.noun.map({ $0.category == .person }) == true
            else { return }
            let fact = QuestionFact(
                image: image.name, kind: "color", group: "color hair",
                wordings: [
                    "what color is the \(name)'s hair?", "what is the color of the \(name)'s hair?",
                    "what color hair does the \(name) have?",
                ], answer: color, boxes: boxes)
            votes.add(fact, key: "\(person)")
        }
        for (person, color, entity) in relations.hair { add(person, color, boxes: image.entities[entity].boxes) }
        for (index, entity) in image.entities.enumerated() {
            for case let color? in entity.mentions.map(\.hair) { add(index, color, boxes: entity.boxes) }
        }
        return votes.settled(dropped: &dropped)
    }

    /// Colours that people confuse: a question with one is not clearly wrong about the other.
    static func areConfusable(_ a: String, _ b: String) -> Bool {
        a == b || confusable.contains([a, b]) || confusable.contains([b, a])
    }

    private static let confusable: Set<[String]> = [
        ["brown", "tan"], ["brown", "orange"], ["brown", "red"], ["brown", "black"], ["tan", "white"],
        ["tan", "yellow"],
        ["tan", "orange"], ["tan", "gray"], ["orange", "red"], ["orange", "yellow"], ["orange", "pink"],
        ["pink", "red"],
        ["pink", "purple"], ["purple", "blue"], ["gray", "black"], ["gray", "white"], ["gray", "blue"],
        ["green", "yellow"],
        ["green", "blue"], ["brown", "yellow"], ["gray", "brown"],
    ]
}
