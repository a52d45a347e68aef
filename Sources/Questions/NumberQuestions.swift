import Vision

/// "how many dogs are there?": from number words that the boxes bear out, or one thing that is alone of its sort.
enum NumberQuestions {
    static func facts(
        _ picture: AnnotatedPicture, lexicon: Lexicon = .shared, dropped: inout Int
    ) -> [QuestionFact] {
        var facts: [QuestionFact] = []
        for noun in lexicon.nouns where noun.category == .person || noun.category == .animal || isCounted(noun) {
            let members = picture.entities.indices.filter { index in
                picture.entities[index].nouns.contains { lexicon.chain(of: $0).contains(noun) }
            }
            guard !members.isEmpty,
                let count = count(noun, members, picture, lexicon, dropped: &dropped)
            else { continue }
            let many = noun.plural
            facts.append(
                QuestionFact(
                    image: picture.image, kind: "number", group: "number \(many)",
                    wordings: [
                        "how many \(many) are there?", "how many \(many) are in the picture?",
                        "how many \(many) can you see?", "how many \(many)?", "what is the number of \(many)?",
                    ],
                    answer: NounPhrase.numberWords[count],
                    boxes: Rectangle.distinct(members.flatMap { picture.entities[$0].boxes })))
        }
        // "how many?" is clear where everything that is counted is of one sort and number.
        let actors = picture.entities.filter { !$0.types.isDisjoint(with: ["people", "animals"]) }
        let isOneSort = actors.allSatisfy { $0.types == ["people"] } || actors.allSatisfy { $0.types == ["animals"] }
        if isOneSort, Set(facts.map(\.answer)).count == 1 { facts[0].short = "how many?" }
        return facts
    }

    private static func isCounted(_ noun: Noun) -> Bool {
        !noun.isMass && !noun.isAlwaysPlural && [.vehicle, .sport].contains(noun.category)
    }

    private static func count(
        _ noun: Noun, _ members: [Int], _ picture: AnnotatedPicture, _ lexicon: Lexicon, dropped: inout Int
    ) -> Int? {
        let entities = members.map { picture.entities[$0] }
        let boxes = Rectangle.distinct(entities.flatMap(\.boxes), overlap: 0.6).count
        // What the captions count by this very word.
        let said = Set(
            entities.flatMap(\.mentions).filter { mention in
                mention.isPlural && mention.noun.map { lexicon.chain(of: $0).contains(noun) } == true
            }.compactMap(\.number))
        let isPlural = entities.contains(where: \.mayBePlural)
        if said.isEmpty {
            // Nobody counts, and nothing speaks of more than one.
            guard !isPlural, boxes == 1, isAlone(noun, members, picture, lexicon) else { return nil }
            return entities.flatMap(\.mentions).count > 1 ? 1 : nil
        }
        guard let number = said.max(), (2...5).contains(number) else { return nil }
        // Smaller numbers may count a part: two of the three dogs. Boxes must bear the largest out.
        guard boxes == number, hasNoOther(noun, members, picture, lexicon) else {
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

    /// No caption speaks of more than the one.
    private static func isAlone(
        _ noun: Noun, _ members: [Int], _ picture: AnnotatedPicture, _ lexicon: Lexicon
    ) -> Bool {
        guard picture.words.isDisjoint(with: crowds), hasNoOther(noun, members, picture, lexicon) else { return false }
        // A plural in words that are no phrase.
        return !picture.words.contains { word in
            lexicon.lookUp(word).map { $0.isPlural && lexicon.areRelated($0.noun, noun) } == true
        }
    }

    /// No other entity could be one more of the sort: a "person" may be a man.
    private static func hasNoOther(
        _ noun: Noun, _ members: [Int], _ picture: AnnotatedPicture, _ lexicon: Lexicon
    ) -> Bool {
        let boxes = members.flatMap { picture.entities[$0].boxes }
        return !picture.entities.indices.contains { index in
            let entity = picture.entities[index]
            guard !members.contains(index) else {
                // A chain that is a man in one caption and a woman in another counts for neither.
                return entity.noun.map { !lexicon.chain(of: $0).contains(noun) } ?? true
            }
            let sameSort =
                noun.category == .person
                ? entity.types.contains("people")
                    && (entity.nouns.isEmpty || entity.nouns.contains { lexicon.areRelated($0, noun) })
                : entity.nouns.contains { lexicon.areRelated($0, noun) }
                    || (entity.types.contains("animals") && noun.category == .animal && entity.nouns.isEmpty)
            guard sameSort else { return conflicts(entity, boxes, noun) }
            // The same boxes under another name are no others.
            return !entity.boxes.allSatisfy { box in boxes.contains { box.overlap($0) > 0.6 } }
        }
    }

    /// Another caption calls those in the boxes otherwise: "two men" are "a man and a woman".
    private static func conflicts(_ entity: AnnotatedPicture.Entity, _ boxes: [Rectangle], _ noun: Noun) -> Bool {
        guard let other = entity.noun, other.category == noun.category,
            noun.category == .person || noun.category == .animal
        else { return false }
        return entity.boxes.contains { box in boxes.contains { box.overlap($0) > 0.6 } }
    }
}
