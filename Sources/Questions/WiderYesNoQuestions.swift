import Tensors
import Vision

/// Yes or no of what somebody wears, of scenes, and of things with a colour.
enum WiderYesNoQuestions {
    /// "is he wearing a hat?" For "no", the captions name other clothes of this person and no word of them is a hint.
    static func worn(
        _ images: [(AnnotatedImage, Relations)], lexicon: Lexicon = .shared, generator: inout SeededGenerator
    ) -> [QuestionFact] {
        struct Wearer {
            var image: AnnotatedImage
            var index: Int
            var name: String
            var worn: [Int]
        }
        let wearers = images.flatMap { image, relations in
            Dictionary(grouping: relations.worn, by: \.person).sorted { $0.key < $1.key }.compactMap {
                index, worn -> Wearer? in
                guard let (name, isOnly) = image.reference(to: index), isOnly,
                    image.entities[index].isPlural == image.entities[index].mayBePlural,
                    image.entities[index].noun?.category == .person
                else { return nil }
                return Wearer(image: image, index: index, name: name, worn: worn.map(\.clothing))
            }
        }
        var facts: [QuestionFact] = []
        for noun in lexicon.nouns where noun.category == .clothing && noun.name != "outfit" {
            func wording(_ wearer: Wearer) -> [String] {
                if wearer.image.entities[wearer.index].isPlural {
                    let many = noun.isMass ? noun.name : noun.plural
                    let isAlone = wearer.image.entities.count { $0.types.contains("people") } == 1
                    return ["are the \(wearer.name) wearing \(many)?", "do the \(wearer.name) wear \(many)?"]
                        + (isAlone ? ["are they wearing \(many)?"] : [])
                }
                let one = noun.indefinite
                var wordings = ["is the \(wearer.name) wearing \(one)?", "does the \(wearer.name) wear \(one)?"]
                if let pronoun = wearer.image.pronoun(of: wearer.index) {
                    wordings += ["is \(pronoun) wearing \(one)?", "does \(pronoun) wear \(one)?"]
                }
                return wordings
            }
            let yes = wearers.filter { wearer in
                wearer.worn.contains { wearer.image.entities[$0].noun == noun }
            }.shuffled(using: &generator)
            let no = wearers.filter { wearer in
                wearer.image.lacksEntity(noun, lexicon: lexicon)
                    && !wearer.image.words.contains(where: noun.evidence.matches)
                    && wearer.worn.allSatisfy { wearer.image.entities[$0].noun.map { $0.name != "outfit" } ?? false }
            }.shuffled(using: &generator)
            for (yes, no) in zip(yes, no) {
                let boxes = yes.worn.filter { yes.image.entities[$0].noun == noun }.flatMap {
                    yes.image.entities[$0].boxes
                }
                // Two captions name one hat.
                let own = Rectangle.distinct(boxes, overlap: 0.999)
                facts.append(
                    YesNoQuestions.fact(yes.image.name, "wearing \(noun.name)", wording(yes), yes: true, boxes: own))
                facts.append(
                    YesNoQuestions.fact(
                        no.image.name, "wearing \(noun.name)", wording(no), yes: false,
                        boxes: no.image.entities[no.index].boxes))
            }
        }
        return facts
    }

    /// "is this a beach?", "is there grass?", from scenes that the captions agree on.
    static func scenes(
        _ images: [AnnotatedImage], open: [QuestionFact], lexicon: Lexicon = .shared,
        generator: inout SeededGenerator
    ) -> [QuestionFact] {
        let known = open.filter { $0.group == "where scene" }
        let words = Dictionary(uniqueKeysWithValues: images.map { ($0.name, $0.words) })
        var facts: [QuestionFact] = []
        for place in Set(known.map(\.answer)).sorted() {
            guard let noun = lexicon.noun(named: place) else { continue }
            let yes = known.filter { $0.answer == place }.shuffled(using: &generator)
            let no = known.filter { other in
                other.answer != place && !PlaceQuestions.agree(other.answer, place)
                    && !(words[other.image] ?? []).contains(where: noun.evidence.matches)
            }.shuffled(using: &generator)
            let one = noun.indefinite
            let wordings = [
                "is this \(one)?", "is there \(one)?", "is there \(one) in the picture?", "can you see \(one)?",
            ]
            for (yes, no) in zip(yes, no) {
                facts.append(YesNoQuestions.fact(yes.image, "scene \(place)", wordings, yes: true, boxes: yes.boxes))
                facts.append(YesNoQuestions.fact(no.image, "scene \(place)", wordings, yes: false))
            }
        }
        return facts
    }

    /// "is this indoors?", "are they outside?": as many images of each, since most images are outdoors.
    static func indoors(_ images: [AnnotatedImage], generator: inout SeededGenerator) -> [QuestionFact] {
        let known = images.compactMap { image in ChoiceQuestions.isIndoors(image).map { (image, $0) } }
        let inside = known.filter(\.1).map(\.0).shuffled(using: &generator)
        let outside = known.filter { !$0.1 }.map(\.0).shuffled(using: &generator)
        func wordings(_ image: AnnotatedImage, _ places: [String]) -> [String] {
            let people = image.entities.filter { $0.types.contains("people") }
            let subject = people.count == 1 && people[0].isPlural ? "are they" : "is it"
            return places.flatMap { ["is this \($0)?", "\(subject) \($0)?"] }
        }
        return zip(inside, outside).flatMap { inner, outer -> [QuestionFact] in
            [("indoors", ["indoors", "inside"], inner), ("outdoors", ["outdoors", "outside"], outer)].flatMap {
                (group, places, right) -> [QuestionFact] in
                let wrong = group == "indoors" ? outer : inner
                return [
                    YesNoQuestions.fact(right.name, group, wordings(right, places), yes: true),
                    YesNoQuestions.fact(wrong.name, group, wordings(wrong, places), yes: false),
                ]
            }
        }
    }

    /// "is there a black dog?" For "no", the image has a dog of another colour.
    static func colored(_ images: [AnnotatedImage], generator: inout SeededGenerator) -> [QuestionFact] {
        let colors = YesNoQuestions.colors(images, generator: &generator)
        return colors.map { fact in
            var fact = fact
            // "is the dog black?" and "are the shorts red?" have the thing before the colour.
            fact.wordings = fact.wordings.compactMap { wording in
                let words = wording.dropLast().split(separator: " ").map(String.init)
                guard words.count >= 4, let at = words.firstIndex(where: { NounPhrase.color($0) != nil }), at > 2 else {
                    return nil
                }
                let (thing, color) = (words[2..<at].joined(separator: " "), words[at...].joined(separator: " "))
                if words[0] == "are" { return "are there \(color) \(thing)?" }
                return "is there " + ("aeiou".contains(color.first ?? " ") ? "an " : "a ") + "\(color) \(thing)?"
            }
            fact.group += " there"
            return fact
        }.filter { !$0.wordings.isEmpty }
    }
}
