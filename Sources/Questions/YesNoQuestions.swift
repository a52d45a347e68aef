import Tensors
import Vision

/// Questions with the answers yes and no, as many of each in every group.
enum YesNoQuestions {
    /// A question with the answer yes or no.
    static func fact(
        _ image: String, _ group: String, _ wordings: [String], yes: Bool, boxes: [Rectangle] = []
    ) -> QuestionFact {
        QuestionFact(
            image: image, kind: "yes/no", group: "yes/no \(group)", wordings: wordings, answer: yes ? "yes" : "no",
            boxes: boxes)
    }

    /// "is there a dog?": yes where the captions mention one; no where no caption has a hint of it. Half of the images
    /// for "no" show other things of the same category.
    static func presence(
        _ images: [AnnotatedImage], lexicon: Lexicon = .shared, generator: inout SeededGenerator
    ) -> [QuestionFact] {
        var facts: [QuestionFact] = []
        let salient = lexicon.nouns.filter(\.isSalient)
        let hinted = hints(salient, images)
        // The most images to ask about one noun.
        let limit = max(4, images.count / 12)
        var asked = [Int](repeating: 0, count: images.count)
        for (position, noun) in salient.enumerated() {
            var yes = images.indices.filter { index in
                images[index].entities.contains { $0.noun.map { lexicon.chain(of: $0).contains(noun) } == true }
            }
            guard !yes.isEmpty else { continue }
            yes.shuffle(using: &generator)
            yes = Array(yes.prefix(limit))
            var free = images.indices.filter {
                !hinted[$0].contains(position) && images[$0].lacksEntity(noun, lexicon: lexicon)
            }
            free.shuffle(using: &generator)
            // Images with fewer questions come first, so that each gets its share of answers "no".
            free.sort { asked[$0] < asked[$1] }
            let alike = free.filter { index in
                images[index].entities.contains { $0.noun?.category == noun.category }
            }
            var no = Array(alike.prefix((yes.count + 1) / 2))
            let taken = Set(no)
            no += free.lazy.filter { !taken.contains($0) }.prefix(yes.count - no.count)
            for index in no { asked[index] += 1 }
            let wordings = presenceWordings(noun)
            for index in yes.prefix(no.count) {
                let boxes = images[index].entities.filter { entity in
                    entity.noun.map { lexicon.chain(of: $0).contains(noun) } == true
                }.flatMap(\.boxes)
                facts.append(
                    fact(
                        images[index].name, noun.name, wordings, yes: true,
                        boxes: Rectangle.distinct(boxes, overlap: 0.999)))
            }
            for index in no.prefix(yes.count) {
                facts.append(fact(images[index].name, noun.name, wordings, yes: false))
            }
        }
        return facts
    }

    /// For each image, the nouns that words of its captions hint at.
    private static func hints(_ nouns: [Noun], _ images: [AnnotatedImage]) -> [Set<Int>] {
        var byWord: [String: [Int]] = [:]
        return images.map { image in
            var found: Set<Int> = []
            for word in image.words {
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

    /// "is the dog black?" For "no", the colour is frequent among such things and no caption uses it for this one.
    static func colors(_ images: [AnnotatedImage], generator: inout SeededGenerator) -> [QuestionFact] {
        var byName: [String: [(image: String, thing: ColorQuestions.Colored)]] = [:]
        for image in images {
            for thing in ColorQuestions.colored(image) {
                byName[thing.name, default: []].append((image.name, thing))
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

    /// "are there two dogs?", from the facts about numbers.
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
