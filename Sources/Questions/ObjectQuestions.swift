/// "what is the dog chasing?", "who is riding the bike?", "what animal is this?".
enum ObjectQuestions {
    static func facts(_ image: AnnotatedImage, _ relations: Relations, dropped: inout Int) -> [QuestionFact] {
        var votes = FactVotes()
        for deed in relations.deeds where deed.action.verb != "holding" {
            what(deed, image, &votes)
            who(deed.subject, deed.action.text, deed.object, image, &votes)
        }
        for wear in relations.worn { who(wear.person, "wearing", wear.clothing, image, &votes) }
        for deed in relations.deeds where deed.action.verb == "holding" {
            who(deed.subject, "holding", deed.object, image, &votes)
        }
        return votes.settled(dropped: &dropped) + sorts(image)
    }

    private static func what(_ deed: Relations.Deed, _ image: AnnotatedImage, _ votes: inout FactVotes) {
        let subject = image.entities[deed.subject]
        let object = image.entities[deed.object]
        // Where the subject's name fits several entities, the action tells which one is meant.
        guard let (name, isOnly) = image.reference(to: deed.subject), let noun = object.noun,
            isAnswer(noun, deed.action)
        else { return }
        let text = deed.action.text
        var wordings = ["what \(subject.is) the \(name) \(text)?"]
        let general = subject.noun?.category == .person ? "person" : "animal"
        if !subject.isPlural, general != name { wordings.append("what is the \(general) \(text)?") }
        let fact = QuestionFact(
            image: image.name, kind: "object", group: "object \(text)", wordings: wordings, answer: noun.name,
            boxes: object.boxes)
        votes.add(fact, key: "what \(text) \(isOnly ? name : "")")
    }

    private static func isAnswer(_ noun: Noun, _ action: Relations.Action) -> Bool {
        switch noun.category {
        case .person: return false
        case .place: return noun.name == "snow" || noun.name == "hill"
        case .animal: return action.verb != "playing" || !action.particle.isEmpty
        case .instrument: return true
        default: return action != Relations.Action(verb: "playing", particle: "")
        }
    }

    private static let people: Set<String> = ["man", "woman", "boy", "girl", "baby"]

    private static func who(
        _ person: Int, _ text: String, _ object: Int, _ image: AnnotatedImage, _ votes: inout FactVotes
    ) {
        let actor = image.entities[person]
        let thing = image.entities[object]
        guard let noun = actor.noun, !actor.mayBePlural, let name = thing.name, let category = thing.noun?.category,
            category != .person, category != .place, thing.noun?.name != "outfit"
        else { return }
        let singular = thing.noun?.isMass == true ? name : "the \(name)"
        if people.contains(noun.name) {
            let fact = QuestionFact(
                image: image.name, kind: "object", group: "object who \(text) \(name)",
                wordings: ["who is \(text) \(singular)?"], answer: noun.name, boxes: actor.boxes)
            votes.add(fact, key: "who \(text) \(name)")
        }
    }

    /// Questions for the kind of animal or vehicle, where all animals or vehicles in the image are of one kind.
    private static func sorts(_ image: AnnotatedImage) -> [QuestionFact] {
        func only(_ category: Noun.Category) -> (Noun, [AnnotatedImage.Entity])? {
            let entities = image.entities.filter { entity in entity.nouns.contains { $0.category == category } }
            guard let noun = entities.first?.noun, entities.allSatisfy({ $0.nouns == [noun] }) else { return nil }
            return (noun, entities)
        }
        var facts: [QuestionFact] = []
        for (category, word) in [(Noun.Category.animal, "animal"), (.vehicle, "vehicle"), (.instrument, "instrument")] {
            guard let (noun, entities) = only(category) else { continue }
            // The captions may mention another kind outside the phrases; a canoe may be called a boat.
            if category == .animal,
                image.entities.contains(where: { $0.types.contains("animals") && $0.nouns.isEmpty })
            {
                continue
            }
            if ["skateboard", "surfboard", "snowboard", "skis", "cart", "sled"].contains(noun.name) { continue }
            facts.append(
                QuestionFact(
                    image: image.name, kind: "object", group: "object \(word)",
                    wordings: [
                        "what \(word) is this?", "what \(word) is in the picture?", "what kind of \(word) is shown?",
                        "which \(word) can you see?",
                    ], short: "what \(word)?", answer: noun.name, boxes: entities.flatMap(\.boxes)))
        }
        return facts
    }
}
