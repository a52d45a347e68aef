/// "what is the man wearing on his head?", "what is the dog holding in its mouth?".
enum WornHeldQuestions {
    static let kind = "wearing/holding"

    static func facts(_ image: AnnotatedImage, _ relations: Relations, dropped: inout Int) -> [QuestionFact] {
        held(image, relations, dropped: &dropped) + worn(image, relations, dropped: &dropped)
    }

    private static func held(
        _ image: AnnotatedImage, _ relations: Relations, dropped: inout Int
    ) -> [QuestionFact] {
        var votes = FactVotes()
        func add(_ holder: Int, _ object: Int, inMouth: Bool) {
            let subject = image.entities[holder]
            let thing = image.entities[object]
            guard let (name, isOnly) = image.reference(to: holder), let noun = thing.noun, holder != object,
                noun.category != .place,
                noun.category != .structure, noun.category != .person || noun.name == "baby"
            else { return }
            let verb = subject.is
            var wordings = ["what \(verb) the \(name) holding?", "what \(verb) the \(name) carrying?"]
            if inMouth, !subject.isPlural {
                let owner = ColorQuestions.possessive(name)
                wordings += [
                    "what is in the \(owner) mouth?", "what does the \(name) have in its mouth?",
                    "what is the \(name) holding in its mouth?",
                ]
            } else if !subject.isPlural, subject.noun?.category == .person {
                let owner = ColorQuestions.possessive(name)
                wordings += ["what does the \(name) hold?", "what is in the \(owner) hands?"]
            }
            let sort = subject.noun?.category == .animal ? "animal" : "person"
            let fact = QuestionFact(
                image: image.name, kind: kind, group: "holding \(sort)", wordings: wordings, answer: noun.name,
                boxes: thing.boxes)
            votes.add(fact, key: isOnly ? name : sort)
        }
        for deed in relations.deeds where deed.action.verb == "holding" {
            add(deed.subject, deed.object, inMouth: image.entities[deed.subject].noun?.category == .animal)
        }
        for (animal, object) in relations.inMouth {
            guard let animal, image.entities[animal].noun?.category == .animal else { continue }
            add(animal, object, inMouth: true)
        }
        return votes.settled(dropped: &dropped)
    }

    /// The part of the body where a garment is worn; two garments on one part contradict each other.
    private static let zones: [(zone: String, phrase: String, nouns: Set<String>)] = [
        ("head", "on @ head", ["hat", "helmet", "headband", "wig"]),
        ("eyes", "over @ eyes", ["glasses", "sunglasses", "goggles", "mask"]),
        ("legs", "on @ legs", ["pants", "shorts", "skirt"]),
        ("neck", "around @ neck", ["collar", "scarf", "tie", "necklace"]),
        ("feet", "on @ feet", ["shoes", "boots"]),
    ]

    private static func worn(
        _ image: AnnotatedImage, _ relations: Relations, dropped: inout Int
    ) -> [QuestionFact] {
        var votes = FactVotes()
        var worn: [Int: Set<String>] = [:]
        for wear in relations.worn {
            if let noun = image.entities[wear.clothing].noun { worn[wear.person, default: []].insert(noun.name) }
        }
        for wear in relations.worn {
            let person = image.entities[wear.person]
            let garment = image.entities[wear.clothing]
            guard let (name, isOnly) = image.reference(to: wear.person), let noun = garment.noun,
                noun.category == .clothing, noun.name != "outfit",
                !person.isPlural || garment.isPlural
            else { continue }
            let key = isOnly ? name : ""
            if let zone = zones.first(where: { $0.nouns.contains(noun.name) }), !person.isPlural {
                let place = zone.phrase.replacing("@", with: pronoun(person.noun))
                let fact = QuestionFact(
                    image: image.name, kind: kind, group: "wearing \(zone.zone)",
                    wordings: ["what is the \(name) wearing \(place)?", "what does the \(name) have \(place)?"],
                    answer: noun.name, boxes: garment.boxes)
                votes.add(fact, key: "\(key) \(zone.zone)")
            }
            // The captions mention no other garment of this person.
            if worn[wear.person]?.count == 1 {
                let fact = QuestionFact(
                    image: image.name, kind: kind, group: "wearing",
                    wordings: [
                        "what \(person.is) the \(name) wearing?",
                        "what \(person.isPlural ? "do" : "does") the \(name) wear?",
                    ], answer: noun.name, boxes: garment.boxes)
                votes.add(fact, key: "\(key) wearing")
            }
        }
        return votes.settled(dropped: &dropped)
    }

    private static func pronoun(_ noun: Noun?) -> String {
        switch noun?.name {
        case "man", "boy": "his"
        case "woman", "girl": "her"
        default: noun?.category == .person ? "their" : "its"
        }
    }
}
