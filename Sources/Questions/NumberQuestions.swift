import Vision

/// "how many dogs are there?", from number words that the boxes confirm, and from single things of their kind.
enum NumberQuestions {
    static func facts(
        _ image: AnnotatedImage, lexicon: Lexicon = .shared, dropped: inout Int
    ) -> [QuestionFact] {
        var facts: [QuestionFact] = []
        for noun in lexicon.nouns where noun.category == .person || noun.category == .animal || isCounted(noun) {
            let members = image.entities.indices.filter { index in
                image.entities[index].nouns.contains { lexicon.chain(of: $0).contains(noun) }
            }
            guard !members.isEmpty,
                let count = count(noun, members, image, lexicon, dropped: &dropped)
            else { continue }
            let many = noun.plural
            facts.append(
                QuestionFact(
                    image: image.name, kind: "number", group: "number \(many)",
                    wordings: [
                        "how many \(many) are there?", "how many \(many) are in the picture?",
                        "how many \(many) can you see?", "how many \(many)?", "what is the number of \(many)?",
                    ],
                    answer: NounPhrase.numberWords[count],
                    boxes: Rectangle.distinct(members.flatMap { image.entities[$0].boxes })))
        }
        // "how many?" is clear where everything that is counted is of one kind and number.
        let actors = image.entities.filter { !$0.types.isDisjoint(with: ["people", "animals"]) }
        let isOneSort = actors.allSatisfy { $0.types == ["people"] } || actors.allSatisfy { $0.types == ["animals"] }
        if isOneSort, Set(facts.map(\.answer)).count == 1 { facts[0].short = "how many?" }
        return facts
    }

    private static func isCounted(_ noun: Noun) -> Bool {
        !noun.isMass && !noun.isAlwaysPlural && [.vehicle, .sport].contains(noun.category)
    }

    private static func count(
        _ noun: Noun, _ members: [Int], _ image: AnnotatedImage, _ lexicon: Lexicon, dropped: inout Int
    ) -> Int? {
        let entities = members.map { image.entities[$0] }
        let boxes = Rectangle.distinct(entities.flatMap(\.boxes), overlap: 0.6).count
        // Counts that the captions give with this noun.
        let said = Set(
            entities.flatMap(\.mentions).filter { mention in
                mention.isPlural && mention.noun.map { lexicon.chain(of: $0).contains(noun) } == true
            }.compactMap(\.number))
        let isPlural = entities.contains(where: \.mayBePlural)
        if said.isEmpty {
            // No caption gives a count or hints at more than one.
            guard !isPlural, boxes == 1, isAlone(noun, members, image, lexicon) else { return nil }
            return entities.flatMap(\.mentions).count > 1 ? 1 : nil
        }
        guard let number = said.max(), (2...5).contains(number) else { return nil }
        // Smaller numbers may count a part, as in "two of the three dogs". The boxes must confirm the largest.
        guard boxes == number, hasNoOther(noun, members, image, lexicon) else {
            dropped += 1
            return nil
        }
        return number
    }

    private static let crowds: Set<String> = [
        "people", "group", "crowd", "couple", "family", "team", "audience", "spectators", "others", "another", "other",
        "friends", "players", "onlookers", "several", "many", "both", "fans", "crew", "band", "parade", "teams",
        "together", "everyone", "herd", "flock", "pack", "pair", "each", "two", "three", "four", "five", "traffic",
    ]

    /// Whether no caption mentions more than one.
    private static func isAlone(
        _ noun: Noun, _ members: [Int], _ image: AnnotatedImage, _ lexicon: Lexicon
    ) -> Bool {
        guard image.words.isDisjoint(with: crowds), hasNoOther(noun, members, image, lexicon) else { return false }
        // A plural outside the phrases.
        return !image.words.contains { word in
            lexicon.lookUp(word).map { $0.isPlural && lexicon.areRelated($0.noun, noun) } == true
        }
    }

    /// Whether no other entity can be of this kind; a "person" may be a man.
    private static func hasNoOther(
        _ noun: Noun, _ members: [Int], _ image: AnnotatedImage, _ lexicon: Lexicon
    ) -> Bool {
        let boxes = members.flatMap { image.entities[$0].boxes }
        return !image.entities.indices.contains { index in
            let entity = image.entities[index]
            guard !members.contains(index) else {
                // An entity that is a man in one caption and a woman in another is counted as neither.
                return entity.noun.map { !lexicon.chain(of: $0).contains(noun) } ?? true
            }
            let sameSort =
                noun.category == .person
                ? entity.types.contains("people")
                    && (entity.nouns.isEmpty || entity.nouns.contains { lexicon.areRelated($0, noun) })
                : entity.nouns.contains { lexicon.areRelated($0, noun) }
                    || (entity.types.contains("animals") && noun.category == .animal && entity.nouns.isEmpty)
            guard sameSort else { return conflicts(entity, boxes, noun) }
            // An entity with the same boxes and another noun is the same thing.
            return !entity.boxes.allSatisfy { box in boxes.contains { box.overlap($0) > 0.6 } }
        }
    }

    /// Whether another caption uses other nouns for the same boxes: "two men" are "a man and a woman".
    private static func conflicts(_ entity: AnnotatedImage.Entity, _ boxes: [Rectangle], _ noun: Noun) -> Bool {
        guard let other = entity.noun, other.category == noun.category,
            noun.category == .person || noun.category == .animal
        else { return false }
        return entity.boxes.contains { box in boxes.contains { box.overlap($0) > 0.6 } }
    }
}
