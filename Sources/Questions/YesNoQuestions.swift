import Tensors
import Vision

/// Questions to be answered with yes or no, as many of the one as of the other in every group.
enum YesNoQuestions {
    private static func fact(
        _ image: String, _ group: String, _ wordings: [String], yes: Bool, boxes: [Rectangle] = []
    ) -> QuestionFact {
        QuestionFact(
            image: image, kind: "yes/no", group: "yes/no \(group)", wordings: wordings, answer: yes ? "yes" : "no",
            boxes: boxes)
    }

    /// "is there a dog?": yes where the captions name one; no where none of them has a hint of it, half of the pictures
    /// being such that show other things of the same category.
    static func presence(
        _ pictures: [AnnotatedPicture], lexicon: Lexicon = .shared, generator: inout SeededGenerator
    ) -> [QuestionFact] {
        var facts: [QuestionFact] = []
        let salient = lexicon.nouns.filter(\.isSalient)
        let hinted = hints(salient, pictures)
        // At most this share of the pictures is asked about one noun.
        let limit = max(4, pictures.count / 12)
        var asked = [Int](repeating: 0, count: pictures.count)
        for (position, noun) in salient.enumerated() {
            var yes = pictures.indices.filter { index in
                pictures[index].entities.contains { $0.noun.map { lexicon.chain(of: $0).contains(noun) } == true }
            }
            guard !yes.isEmpty else { continue }
            yes.shuffle(using: &generator)
            yes = Array(yes.prefix(limit))
            var free = pictures.indices.filter {
                !hinted[$0].contains(position) && pictures[$0].lacksEntity(noun, lexicon: lexicon)
            }
            free.shuffle(using: &generator)
            // Pictures that were asked less come first, so that each gets its share of answers "no".
            free.sort { asked[$0] < asked[$1] }
            let alike = free.filter { index in
                pictures[index].entities.contains { $0.noun?.category == noun.category }
            }
            var no = Array(alike.prefix((yes.count + 1) / 2))
            let taken = Set(no)
            no += free.lazy.filter { !taken.contains($0) }.prefix(yes.count - no.count)
            for index in no { asked[index] += 1 }
            let wordings = presenceWordings(noun)
            for index in yes.prefix(no.count) {
                let boxes = pictures[index].entities.filter { entity in
                    entity.noun.map { lexicon.chain(of: $0).contains(noun) } == true
                }.flatMap(\.boxes)
                facts.append(
                    fact(
                        pictures[index].image, noun.name, wordings, yes: true,
                        boxes: Rectangle.distinct(boxes, overlap: 0.999)))
            }
            for index in no.prefix(yes.count) {
                facts.append(fact(pictures[index].image, noun.name, wordings, yes: false))
            }
        }
        return facts
    }

    /// For each picture the nouns that a word of its captions hints at.
    private static func hints(_ nouns: [Noun], _ pictures: [AnnotatedPicture]) -> [Set<Int>] {
        var byWord: [String: [Int]] = [:]
        return pictures.map { picture in
            var found: Set<Int> = []
            for word in picture.words {
                if byWord[word] == nil { byWord[word] = nouns.indices.filter { nouns[$0].evidence.matches(word) } }
                found.formUnion(byWord[word] ?? [])
            }
            return found
        }
    }

    private static func presenceWordings(_ noun: Noun) -> [String] {
        let one = noun.indefinite
        let there = noun.isAlwaysPlural ? "are there" : "is there"
        var wordings = [
            "\(there) \(one) in the picture?", "\(there) \(one)?", "do you see \(one)?", "can you see \(one)?",
            "does the picture show \(one)?",
        ]
        if !noun.isMass { wordings.append("are there any \(noun.plural)?") }
        return wordings
    }

    /// "is the dog black?", the wrong colour being one that such things often have and nobody gives this one.
    static func colors(_ pictures: [AnnotatedPicture], generator: inout SeededGenerator) -> [QuestionFact] {
        var byName: [String: [(image: String, thing: ColorQuestions.Colored)]] = [:]
        for picture in pictures {
            for thing in ColorQuestions.colored(picture) {
                byName[thing.name, default: []].append((picture.image, thing))
            }
        }
        var facts: [QuestionFact] = []
        for (name, things) in byName.sorted(by: { $0.key < $1.key }) {
            let verb = things[0].thing.isPlural ? "are" : "is"
            for color in Set(things.map(\.thing.color)).sorted() {
                let wordings = ["\(verb) the \(name) \(color)?"]
                let yes = things.filter { $0.thing.color == color }.shuffled(using: &generator)
                let parts = Set(color.split(separator: " ").map(String.init)).subtracting(["and"])
                let no = things.filter { entry in
                    !entry.thing.all.subtracting(["and"]).contains { of in
                        parts.contains { ColorQuestions.areConfusable($0, of) }
                    }
                }.shuffled(using: &generator)
                for (yes, no) in zip(yes, no) {
                    let group = "\(name) \(color)"
                    facts.append(fact(yes.image, group, wordings, yes: true, boxes: yes.thing.boxes))
                    facts.append(fact(no.image, group, wordings, yes: false, boxes: no.thing.boxes))
                }
            }
        }
        return facts
    }

    /// "are there two dogs?" from what is known of their number.
    static func numbers(_ facts: [QuestionFact], generator: inout SeededGenerator) -> [QuestionFact] {
        var result: [QuestionFact] = []
        let groups = Dictionary(grouping: facts.filter { $0.kind == "number" }, by: \.group)
        for (group, members) in groups.sorted(by: { $0.key < $1.key }) {
            let many = String(group.dropFirst("number ".count))
            for number in ["two", "three", "four"] {
                let yes = members.filter { $0.answer == number }.shuffled(using: &generator)
                let no = members.filter { $0.answer != number }.shuffled(using: &generator)
                let wordings = ["are there \(number) \(many)?", "do you see \(number) \(many)?"]
                for (yes, no) in zip(yes, no) {
                    result.append(fact(yes.image, "\(number) \(many)", wordings, yes: true, boxes: yes.boxes))
                    result.append(fact(no.image, "\(number) \(many)", wordings, yes: false, boxes: no.boxes))
                }
            }
        }
        return result
    }
}
