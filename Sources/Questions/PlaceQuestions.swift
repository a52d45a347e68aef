/// "where is the dog?", answered by the place that most captions of the image name.
enum PlaceQuestions {
    static func facts(_ image: AnnotatedImage, _ relations: Relations, dropped: inout Int) -> [QuestionFact] {
        var sentences: [Noun: Set<Int>] = [:]
        for stay in relations.stays {
            guard let noun = image.entities[stay.place].noun, noun.category == .place else { continue }
            sentences[noun, default: []].insert(stay.sentence)
        }
        let sorted = sentences.sorted { ($1.value.count, $0.key.name) < ($0.value.count, $1.key.name) }
        guard let (place, named) = sorted.first else { return [] }
        // A lake is water too: the more specific word does not contradict the general one.
        let others = sorted.dropFirst().filter { !agree($0.key.name, place.name) }
        if let next = others.first, next.value.count * 2 > named.count {
            dropped += 1
            return []
        }
        let stays = relations.stays.filter { image.entities[$0.place].noun == place }
        let boxes = image.entities.filter { $0.noun == place }.flatMap(\.boxes)
        func fact(_ group: String, _ wordings: [String]) -> QuestionFact {
            QuestionFact(
                image: image.name, kind: "where", group: "where \(group)", wordings: wordings, answer: place.name,
                boxes: boxes)
        }
        var facts: [QuestionFact] = []
        for subject in Set(stays.compactMap(\.subject)).sorted() {
            let entity = image.entities[subject]
            guard let (name, isOnly) = image.reference(to: subject), isOnly, let category = entity.noun?.category,
                category == .person || category == .animal
            else { continue }
            let verbs = Set(stays.filter { $0.subject == subject }.map(\.verb)).subtracting([""]).sorted()
            facts.append(
                fact(
                    category == .person ? "person" : "animal",
                    ["where \(entity.is) the \(name)?", "where \(entity.is) the \(name) in the picture?"]
                        + verbs.map { "where \(entity.is) the \(name) \($0)?" }))
        }
        if named.count > 1, scenes.contains(place.name) {
            var scene = fact(
                "scene",
                ["where is this?", "where was the picture taken?", "what place is this?", "what kind of place is it?"])
            scene.short = "where?"
            facts.append(scene)
        }
        return facts
    }

    /// Places that can be the scene of a whole image.
    private static let scenes: Set<String> = [
        "snow", "beach", "pool", "ocean", "lake", "river", "field", "street", "sidewalk", "park", "yard", "forest",
        "mountain", "track", "court", "store", "restaurant", "water", "grass", "hill", "path",
    ]

    static func agree(_ a: String, _ b: String) -> Bool {
        groups.contains { $0.contains(a) && $0.contains(b) }
    }

    private static let groups: [Set<String>] = [
        ["water", "ocean", "lake", "river", "pool"], ["beach", "sand", "ocean", "water"],
        ["grass", "field", "yard", "park"], ["snow", "mountain", "hill"], ["street", "sidewalk"], ["path", "dirt"],
        ["path", "forest"], ["dirt", "track"],
    ]
}
