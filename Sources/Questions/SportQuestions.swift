/// "what sport is this?", where at least two captions name one sport and none names another.
enum SportQuestions {
    static func facts(_ image: AnnotatedImage) -> [QuestionFact] {
        var counts: [String: Int] = [:]
        for sentence in image.sentences {
            for (sport, beginnings) in sports
            where sentence.words.contains(where: { word in beginnings.contains { word.hasPrefix($0) } }) {
                counts[sport, default: 0] += 1
            }
        }
        guard counts.count == 1, let (sport, count) = counts.first, count > 1 else { return [] }
        let boxes = image.entities.filter { !$0.types.isDisjoint(with: ["people", "animals"]) }.flatMap(\.boxes)
        var wordings = ["what sport is this?", "which sport is this?", "what sport is shown?", "what sport is it?"]
        var facts: [QuestionFact] = []
        if games.contains(sport) {
            wordings += ["what sport is being played?", "what game is this?"]
            facts.append(
                QuestionFact(
                    image: image.name, kind: "object", group: "object playing game",
                    wordings: [
                        "what are they playing?", "what game are they playing?", "what sport are they playing?",
                    ],
                    answer: sport, boxes: boxes))
        }
        facts.append(
            QuestionFact(
                image: image.name, kind: "object", group: "object sport", wordings: wordings, answer: sport,
                boxes: boxes))
        return facts
    }

    private static let games: Set<String> = [
        "soccer", "football", "basketball", "baseball", "tennis", "hockey", "volleyball", "rugby", "golf", "lacrosse",
    ]

    /// A sport and the beginnings of the words that name it.
    private static let sports: [(String, [String])] = [
        ("soccer", ["soccer"]), ("football", ["football", "quarterback"]), ("basketball", ["basketball", "dunk"]),
        ("baseball", ["baseball", "softball"]), ("tennis", ["tennis"]), ("hockey", ["hockey"]),
        ("volleyball", ["volleyball"]), ("rugby", ["rugby"]), ("golf", ["golf"]), ("lacrosse", ["lacrosse"]),
        ("skateboarding", ["skateboard"]), ("snowboarding", ["snowboard"]), ("skiing", ["skis", "skier", "skiing"]),
        ("surfing", ["surf"]), ("cycling", ["cycli", "bicycl", "bmx"]), ("motocross", ["motocross", "dirtbike"]),
        ("wrestling", ["wrestl"]), ("boxing", ["boxing", "boxer"]), ("kayaking", ["kayak"]),
        ("gymnastics", ["gymnas"]), ("wakeboarding", ["wakeboard"]), ("climbing", ["climber", "climbing"]),
    ]
}
