import Tensors
import Vision

/// "is the dog black or white?", "is it a man or a woman?", "is this indoors or outdoors?".
enum ChoiceQuestions {
    static let kind = "either/or"

    private static func fact(
        _ image: String, _ right: String, _ wrong: String, boxes: [Rectangle], generator: inout SeededGenerator,
        options: (String) -> String = { $0 }, wordings: (String) -> [String]
    ) -> QuestionFact {
        let pair = [right, wrong].shuffled(using: &generator).map(options).joined(separator: " or ")
        return QuestionFact(
            image: image, kind: kind, group: "\(kind) " + [right, wrong].sorted().joined(separator: " "),
            wordings: wordings(pair), answer: right, boxes: boxes)
    }

    /// - Parameter open: the other facts of all images, for kinds of animals and for scenes.
    static func facts(
        _ images: [AnnotatedImage], open: [QuestionFact], lexicon: Lexicon = .shared, generator: inout SeededGenerator
    ) -> [QuestionFact] {
        var facts: [QuestionFact] = []
        let colors = ["black", "white", "red", "blue", "green", "yellow", "brown", "orange", "pink", "purple", "gray"]
        for image in images {
            for thing in ColorQuestions.colored(image) where colors.contains(thing.color) {
                let free = colors.filter { !ColorQuestions.areConfusable($0, thing.color) && !thing.all.contains($0) }
                guard let wrong = free.randomElement(using: &generator) else { continue }
                let verb = thing.isPlural ? "are" : "is"
                facts.append(
                    fact(image.name, thing.color, wrong, boxes: thing.boxes, generator: &generator) {
                        ["\(verb) the \(thing.name) \($0)?"]
                    })
            }
            facts += person(image, generator: &generator)
            facts += outdoors(image, generator: &generator)
        }
        let scenes = Set(open.filter { $0.group == "where scene" }.map(\.answer)).sorted()
        for known in open where known.group == "where scene" {
            let free = scenes.filter { !PlaceQuestions.agree($0, known.answer) && $0 != known.answer }
            guard let wrong = free.randomElement(using: &generator) else { continue }
            facts.append(
                fact(
                    known.image, known.answer, wrong, boxes: known.boxes, generator: &generator,
                    options: { lexicon.noun(named: $0)?.indefinite ?? $0 },
                    wordings: { ["is this \($0)?", "is it \($0)?"] }))
        }
        for known in open where known.group == "where person" || known.group == "where animal" {
            // "where is the man?" gives "is the man in the forest or on the street?".
            guard let wording = known.wordings.first, wording.hasPrefix("where is the ") else { continue }
            let free = scenes.filter { !PlaceQuestions.agree($0, known.answer) && $0 != known.answer }
            guard scenes.contains(known.answer), let wrong = free.randomElement(using: &generator) else { continue }
            let subject = wording.dropFirst("where ".count).dropLast()
            facts.append(
                fact(
                    known.image, known.answer, wrong, boxes: known.boxes, generator: &generator,
                    options: { (onTop.contains($0) ? "on" : "in") + " the \($0)" },
                    wordings: { ["\(subject) \($0)?"] }))
        }
        let sorts: [String: Noun.Category] = [
            "object animal": .animal, "object vehicle": .vehicle, "object instrument": .instrument,
        ]
        for known in open {
            guard let sort = sorts[known.group] else { continue }
            let others = lexicon.nouns.filter { noun in
                noun.category == sort && noun.name != known.answer
                    && lexicon.noun(named: known.answer).map { !lexicon.areRelated($0, noun) } == true
            }.map(\.name)
            guard let wrong = others.randomElement(using: &generator) else { continue }
            facts.append(
                fact(
                    known.image, known.answer, wrong, boxes: known.boxes, generator: &generator,
                    options: { lexicon.noun(named: $0)?.indefinite ?? $0 },
                    wordings: { ["is this \($0)?", "is it \($0)?", "is the \(known.group.dropFirst(7)) \($0)?"] }))
        }
        return facts
    }

    private static func person(_ image: AnnotatedImage, generator: inout SeededGenerator) -> [QuestionFact] {
        let people = image.entities.filter { $0.types.contains("people") }
        guard people.count == 1, people[0].isPlural == people[0].mayBePlural, let noun = people[0].noun?.name else {
            return []
        }
        let pairs = [
            ("man", "woman", "men", "women"), ("woman", "man", "women", "men"), ("boy", "girl", "boys", "girls"),
            ("girl", "boy", "girls", "boys"),
        ]
        guard let pair = pairs.first(where: { $0.0 == noun }) else { return [] }
        let isChild = noun == "boy" || noun == "girl"
        if people[0].isPlural {
            let sort = isChild ? "children" : "people"
            return [
                fact(
                    image.name, pair.2, pair.3, boxes: people[0].boxes, generator: &generator,
                    wordings: { ["are they \($0)?", "are the \(sort) \($0)?", "are these \($0)?"] })
            ]
        }
        let sort = isChild ? "child" : "person"
        return [
            fact(
                image.name, pair.0, pair.1, boxes: people[0].boxes, generator: &generator, options: { "a \($0)" },
                wordings: { ["is it \($0)?", "is this \($0)?", "is the \(sort) \($0)?"] })
        ]
    }

    /// Places that one is on, not in.
    private static let onTop: Set<String> = [
        "beach", "street", "sidewalk", "grass", "court", "path", "hill", "mountain", "track",
    ]

    private static let inside: Set<String> = [
        "indoor", "indoors", "inside", "room", "kitchen", "bedroom", "couch", "sofa", "bed", "restaurant", "gym",
        "hallway", "living", "office", "classroom", "bowling", "bathroom", "carpet", "karaoke", "desk",
    ]
    private static let outside: Set<String> = [
        "outside", "outdoor", "outdoors", "snow", "snowy", "beach", "ocean", "lake", "river", "grass", "grassy",
        "field", "street", "sidewalk", "park", "mountain", "mountains", "forest", "woods", "trail", "yard", "backyard",
        "sky", "trees", "hill", "road", "cliff", "desert", "city", "creek", "stream", "sand",
    ]

    /// Whether an image is indoors; nil where its captions do not say, or say both.
    static func isIndoors(_ image: AnnotatedImage) -> Bool? {
        let (isInside, isOutside) = (!image.words.isDisjoint(with: inside), !image.words.isDisjoint(with: outside))
        return isInside == isOutside ? nil : isInside
    }

    /// Almost all images of some data sets are outdoors; ``AnswerBalance`` drops the surplus.
    private static func outdoors(_ image: AnnotatedImage, generator: inout SeededGenerator) -> [QuestionFact] {
        guard let isInside = isIndoors(image) else { return [] }
        return [("indoors", "outdoors"), ("inside", "outside")].map { pair in
            fact(
                image.name, isInside ? pair.0 : pair.1, isInside ? pair.1 : pair.0, boxes: [], generator: &generator
            ) { ["is this \($0)?", "was the picture taken \($0)?", "is it \($0)?"] }
        }
    }
}
