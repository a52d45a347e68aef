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
        for known in open where known.group == "object animal" {
            let others = lexicon.nouns.filter { $0.category == .animal && $0.name != known.answer }.map(\.name)
            guard let wrong = others.randomElement(using: &generator) else { continue }
            facts.append(
                fact(
                    known.image, known.answer, wrong, boxes: known.boxes, generator: &generator,
                    options: { lexicon.noun(named: $0)?.indefinite ?? $0 },
                    wordings: { ["is this \($0)?", "is it \($0)?", "is the animal \($0)?"] }))
        }
        return facts
    }

    private static func person(_ image: AnnotatedImage, generator: inout SeededGenerator) -> [QuestionFact] {
        let people = image.entities.filter { $0.types.contains("people") }
        guard people.count == 1, !people[0].mayBePlural, let name = people[0].noun?.name else { return [] }
        let pairs = [("man", "woman"), ("woman", "man"), ("boy", "girl"), ("girl", "boy")]
        guard let (_, wrong) = pairs.first(where: { $0.0 == name }) else { return [] }
        let sort = name == "boy" || name == "girl" ? "child" : "person"
        return [
            fact(
                image.name, name, wrong, boxes: people[0].boxes, generator: &generator, options: { "a \($0)" },
                wordings: { ["is it \($0)?", "is this \($0)?", "is the \(sort) \($0)?"] })
        ]
    }

    private static let inside: Set<String> = [
        "indoor", "indoors", "inside", "room", "kitchen", "bedroom", "couch", "sofa", "bed", "restaurant", "gym",
        "hallway", "living", "office", "classroom", "bowling", "bathroom", "carpet", "karaoke", "desk",
    ]
    private static let outside: Set<String> = [
        "outside", "outdoor", "outdoors", "snow", "snowy", "beach", "ocean", "lake", "river", "grass", "grassy",
        "field", "street", "sidewalk", "park", "mountain", "mountains", "forest", "woods", "trail", "yard", "backyard",
        "sky", "trees", "hill", "road", "cliff", "desert", "city", "creek", "stream", "sand",
    ]

    /// Almost all images of some data sets are outdoors; ``AnswerBalance`` drops the surplus.
    private static func outdoors(_ image: AnnotatedImage, generator: inout SeededGenerator) -> [QuestionFact] {
        let (isInside, isOutside) = (!image.words.isDisjoint(with: inside), !image.words.isDisjoint(with: outside))
        guard isInside != isOutside else { return [] }
        return [("indoors", "outdoors"), ("inside", "outside")].map { pair in
            fact(
                image.name, isInside ? pair.0 : pair.1, isInside ? pair.1 : pair.0, boxes: [], generator: &generator
            ) { ["is this \($0)?", "was the picture taken \($0)?", "is it \($0)?"] }
        }
    }
}
