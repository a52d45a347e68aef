import Tensors

/// "what is the man doing?", "is the dog running?", "is she sitting or standing?".
enum ActionQuestions {
    static let kind = "doing"

    /// An actor whose action can be asked for.
    private struct Actor {
        var image: AnnotatedImage
        var index: Int
        /// Every verb that a caption uses for it.
        var verbs: Set<String>
        var name: String
        var pronoun: String?
    }

    static func facts(_ image: AnnotatedImage, dropped: inout Int) -> [QuestionFact] {
        var votes = FactVotes()
        let people = image.entities.count { !$0.types.isDisjoint(with: ["people", "animals"]) }
        for action in Actions(image).actions {
            let entity = image.entities[action.actor]
            guard let (name, isOnly) = image.reference(to: action.actor), isOnly, let category = entity.noun?.category,
                category == .person || category == .animal
            else { continue }
            var wordings = [
                "what \(entity.is) the \(name) doing?", "what \(entity.is) the \(name) doing in the picture?",
            ]
            if let pronoun = image.pronoun(of: action.actor) { wordings.append("what is \(pronoun) doing?") }
            if people == 1, entity.isPlural { wordings.append("what are they doing?") }
            if people == 1, category == .person, !entity.isPlural, name != "person" {
                wordings.append("what is the person doing?")
            }
            let sort = category == .person ? "person" : "animal"
            votes.add(
                QuestionFact(
                    image: image.name, kind: kind, group: "doing \(sort)", wordings: wordings, answer: action.verb,
                    boxes: entity.boxes), key: "\(action.actor)")
        }
        return votes.settled(dropped: &dropped)
    }

    /// Yes or no of an action, and which of two actions it is.
    static func checks(_ images: [AnnotatedImage], generator: inout SeededGenerator) -> [QuestionFact] {
        let actors = images.flatMap(actors)
        var facts: [QuestionFact] = []
        for verb in Actions.excluded.keys.sorted() {
            let others = Actions.excluded[verb] ?? []
            for (name, members) in Dictionary(grouping: actors, by: \.name).sorted(by: { $0.key < $1.key }) {
                let yes = members.filter { $0.verbs.contains(verb) }.shuffled(using: &generator)
                let no = members.filter { actor in
                    !actor.verbs.isEmpty && actor.verbs.isSubset(of: others)
                        && !Actions.mentions(verb, in: actor.image.words)
                }.shuffled(using: &generator)
                for (yes, no) in zip(yes, no) {
                    for (actor, answer) in [(yes, "yes"), (no, "no")] {
                        facts.append(fact(actor, "yes/no", "\(name) \(verb)", answer) { "\($0) \(verb)?" })
                    }
                }
            }
        }
        for actor in actors {
            guard actor.verbs.count == 1, let verb = actor.verbs.first, let others = Actions.excluded[verb] else {
                continue
            }
            let free = others.filter { !Actions.mentions($0, in: actor.image.words) }.sorted()
            guard let other = free.randomElement(using: &generator) else { continue }
            let pair = [verb, other].shuffled(using: &generator).joined(separator: " or ")
            facts.append(
                fact(actor, ChoiceQuestions.kind, [verb, other].sorted().joined(separator: " "), verb) {
                    "\($0) \(pair)?"
                })
        }
        return facts
    }

    private static func fact(
        _ actor: Actor, _ kind: String, _ group: String, _ answer: String, _ wording: (String) -> String
    ) -> QuestionFact {
        let entity = actor.image.entities[actor.index]
        var wordings = [wording("\(entity.is) the \(actor.name)")]
        if let pronoun = actor.pronoun { wordings.append(wording("is \(pronoun)")) }
        return QuestionFact(
            image: actor.image.name, kind: kind, group: "\(kind) \(group)", wordings: wordings, answer: answer,
            boxes: entity.boxes)
    }

    private static func actors(_ image: AnnotatedImage) -> [Actor] {
        Dictionary(grouping: Actions(image).actions, by: \.actor).sorted { $0.key < $1.key }.compactMap {
            index, found in
            guard let (name, isOnly) = image.reference(to: index), isOnly else { return nil }
            return Actor(
                image: image, index: index, verbs: Set(found.map(\.verb)), name: name,
                pronoun: image.pronoun(of: index))
        }
    }
}
