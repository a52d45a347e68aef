import Tensors
import Vision

/// "what is behind the man?", from prepositions in captions; "is the man to the left of the dog?", from boxes.
enum SideQuestions {
    static func facts(_ image: AnnotatedImage, dropped: inout Int) -> [QuestionFact] {
        var votes = FactVotes()
        for sentence in image.sentences {
            var subject: AnnotatedImage.Mention?
            var end = 0
            for mention in sentence.mentions where mention.first >= end {
                let between = sentence.words[end..<mention.first].joined(separator: " ")
                if let subject { add(image, subject.entity, between, mention.entity, &votes) }
                if !image.entities[mention.entity].types.isDisjoint(with: ["people", "animals"]) { subject = mention }
                end = mention.end
            }
        }
        return votes.settled(dropped: &dropped)
    }

    private static func add(
        _ image: AnnotatedImage, _ subject: Int, _ between: String, _ object: Int, _ votes: inout FactVotes
    ) {
        let thing = image.entities[object]
        guard let side = sides.first(where: { between.hasSuffix($0.preposition) }), subject != object,
            let noun = thing.noun, let (name, isOnly) = image.reference(to: subject), isOnly
        else { return }
        let verb = image.entities[subject].is
        var wordings = [
            "what \(verb) the \(name) \(side.preposition)?", "what \(verb) the \(name) standing \(side.preposition)?",
        ]
        if let other = side.opposite { wordings.append("what is \(other) the \(name)?") }
        votes.add(
            QuestionFact(
                image: image.name, kind: "object", group: "object \(side.preposition)", wordings: wordings,
                answer: noun.name, boxes: thing.boxes), key: "\(subject) \(side.preposition)")
    }

    /// A preposition, and the one that says the same from the other side.
    private static let sides: [(preposition: String, opposite: String?)] = [
        ("in front of", "behind"), ("behind", "in front of"), ("next to", "next to"), ("beside", "beside"),
        ("near", nil), ("under", nil),
    ]

    /// Questions about left and right of pairs of single things whose boxes lie beside each other.
    static func leftAndRight(_ image: AnnotatedImage, generator: inout SeededGenerator) -> [QuestionFact] {
        let single = image.entities.indices.filter { index in
            let entity = image.entities[index]
            return entity.boxes.count == 1 && !entity.mayBePlural && image.isUnique(index)
                && (entity.noun.map { [.person, .animal, .vehicle].contains($0.category) } ?? false)
        }
        var facts: [QuestionFact] = []
        for a in single {
            for b in single where a != b {
                let (first, second) = (image.entities[a].boxes[0], image.entities[b].boxes[0])
                guard first.x1 < second.x0 + 0.2 * (second.x1 - second.x0), first.x0 < second.x0,
                    let left = image.entities[a].noun?.name, let right = image.entities[b].noun?.name, left != right
                else { continue }
                for (one, other, side, boxes) in [
                    (left, right, "left", [first]), (right, left, "right", [second]),
                ] {
                    let wrong = side == "left" ? "right" : "left"
                    let pair = generator.uniform() < 0.5 ? "left or right" : "right or left"
                    facts.append(
                        QuestionFact(
                            image: image.name, kind: ChoiceQuestions.kind, group: "either/or left right",
                            wordings: [
                                "is the \(one) on the \(pair) of the \(other)?",
                                "is the \(one) \(pair) of the \(other)?",
                                "is the \(one) to the \(pair) of the \(other)?",
                            ], answer: side, boxes: boxes))
                    let isRight = generator.uniform() < 0.5
                    facts.append(
                        QuestionFact(
                            image: image.name, kind: "yes/no", group: "yes/no left right",
                            wordings: ["is the \(one) to the \(isRight ? side : wrong) of the \(other)?"],
                            answer: isRight ? "yes" : "no", boxes: boxes))
                }
            }
        }
        let actors = image.entities.indices.filter {
            !image.entities[$0].types.isDisjoint(with: ["people", "animals"])
        }
        if actors.count == 2, facts.count == 4, actors.allSatisfy(single.contains) {
            for fact in facts where fact.kind == ChoiceQuestions.kind {
                let index = actors.first { image.entities[$0].boxes == fact.boxes }
                guard let index, let name = image.entities[index].noun?.name else { continue }
                let who = actors.allSatisfy { image.entities[$0].types.contains("people") } ? "who" : "what"
                facts.append(
                    QuestionFact(
                        image: image.name, kind: "object", group: "object on side",
                        wordings: ["\(who) is on the \(fact.answer)?"], answer: name, boxes: fact.boxes))
            }
        }
        return facts
    }
}
