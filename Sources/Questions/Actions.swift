/// What the actors of one image do, as the captions say.
struct Actions {
    struct Action {
        /// The actor's index in the image's entities.
        var actor: Int
        /// "running".
        var verb: String
    }

    private(set) var actions: [Action] = []

    /// Reads the verb that follows each mention of a person or an animal: "a man is running", "two dogs that play", "a
    /// girl in pink swims".
    init(_ image: AnnotatedImage) {
        for sentence in image.sentences {
            for mention in sentence.mentions {
                let types = image.entities[mention.entity].types
                guard !types.isDisjoint(with: ["people", "animals"]) else { continue }
                if let word = Self.next(after: mention, in: sentence, of: image), let verb = Self.gerunds[word] {
                    actions.append(Action(actor: mention.entity, verb: verb))
                }
            }
        }
    }

    /// The first word after a mention that can be its verb. What the actor wears is passed over: "a man in a red shirt
    /// and a hat is sitting".
    private static func next(
        after mention: AnnotatedImage.Mention, in sentence: AnnotatedImage.Sentence, of image: AnnotatedImage
    ) -> String? {
        var end = mention.end
        while true {
            let rest = sentence.words[end...]
            let clothes = sentence.mentions.first { other in
                other.first > end && other.first <= end + 2 && image.entities[other.entity].types.contains("clothing")
                    && sentence.words[end..<other.first].allSatisfy(dressing.contains)
            }
            guard let clothes else { return rest.first(where: { !skipped.contains($0) }) }
            end = clothes.end
        }
    }

    private static let dressing: Set<String> = ["in", "wearing", "with", "and", ",", "dressed", "wears", "who", "is"]

    /// Whether any of an image's words is a form of a verb.
    static func mentions(_ verb: String, in words: Set<String>) -> Bool {
        let stem = stem(of: verb)
        return words.contains { $0.hasPrefix(stem) || gerunds[$0] == verb }
    }

    /// "runn" would miss "run", so the stem has at most four letters.
    private static func stem(of verb: String) -> String {
        let bare = String(verb.dropLast(3))
        return bare.count > 3 && bare.suffix(1) == bare.dropLast().suffix(1) ? String(bare.dropLast()) : bare
    }

    /// For each verb the verbs that nobody does at the same time. Captions tell one action of several, so a verb that a
    /// caption does not have is not excluded by that alone.
    static let excluded: [String: Set<String>] = {
        let still: Set = ["sitting", "standing", "lying", "sleeping", "kneeling"]
        let moving: Set = [
            "running", "walking", "jumping", "swimming", "riding", "climbing", "skiing", "surfing", "snowboarding",
            "skateboarding", "dancing",
        ]
        var result: [String: Set<String>] = [:]
        for verb in still { result[verb] = still.union(moving).subtracting([verb]) }
        for verb in moving { result[verb] = still.union(moving).subtracting([verb]) }
        // They are done together, or one is called the other.
        for group in [
            ["lying", "sleeping"], ["sitting", "riding"], ["running", "jumping"], ["running", "walking"],
            ["walking", "climbing"], ["standing", "walking"], ["jumping", "skateboarding"],
            ["jumping", "snowboarding"],
            ["jumping", "riding"], ["jumping", "skiing"], ["jumping", "swimming"], ["jumping", "dancing"],
            ["riding", "surfing"], ["riding", "skateboarding"], ["riding", "snowboarding"], ["standing", "riding"],
            ["standing", "skateboarding"], ["standing", "surfing"], ["standing", "dancing"], ["standing", "skiing"],
            ["walking", "skiing"], ["swimming", "surfing"], ["skiing", "snowboarding"], ["standing", "climbing"],
        ] {
            result[group[0]]?.remove(group[1])
            result[group[1]]?.remove(group[0])
        }
        return result
    }()

    private static let skipped: Set<String> = [
        "is", "are", "was", "were", "who", "that", "which", ",", "and", "happily", "quickly", "also", "then", "he",
        "she", "being", "seen", "outside", "together", "alone",
    ]

    /// "rides", "ride", "riding" → "riding".
    private static let gerunds: [String: String] = {
        let bases = """
            run running, jog running, sprint running, walk walking, stroll walking, jump jumping, leap jumping, \
            swim swimming, sit sitting, stand standing, lie lying, lay lying, sleep sleeping, nap sleeping, \
            kneel kneeling, crouch kneeling, play playing, climb climbing, ride riding, ski skiing, surf surfing, \
            skateboard skateboarding, snowboard snowboarding, dance dancing, sing singing, read reading, eat eating, \
            drink drinking, talk talking, speak talking, chat talking, smile smiling, laugh laughing, look looking, \
            stare looking, watch watching, throw throwing, toss throwing, catch catching, kick kicking, hit hitting, \
            push pushing, pull pulling, slide sliding, swing swinging, paddle paddling, row paddling, fly flying, \
            wrestle wrestling, fight fighting, perform performing, pose posing, cook cooking, paint painting, \
            hike hiking, hug hugging, kiss kissing, wave waving, point pointing, splash splashing, wade wading, \
            dive diving, fall falling, chase chasing, sniff sniffing, shake shaking, fetch fetching, bite biting, \
            chew chewing, lick licking, race racing, drive driving, smoke smoking, shop shopping, wait waiting, \
            work working, write writing, fish fishing, skate skating, dig digging, bike riding, cycle riding, \
            blow blowing, dribble dribbling, balance balancing, hang hanging, march marching, bowl bowling
            """
        var forms = Verbs.forms(of: bases)
        // A synonym's own gerund: "jogging", "strolling", "biking".
        for pair in bases.split(separator: ",") {
            let words = pair.split(separator: " ").map(String.init)
            let (base, gerund) = (words[0], words[1])
            for ending in ["ing", String(base.suffix(1)) + "ing"] { forms[base + ending] = gerund }
        }
        for (form, gerund) in ["laying": "lying", "biking": "riding"] { forms[form] = gerund }
        // Nouns as often as verbs.
        for noun in ["watch", "swing", "slide", "wave", "fish", "bowl", "point", "bike", "march"] { forms[noun] = nil }
        return forms
    }()
}

extension AnnotatedImage {
    /// "he" or "she", where the entity is the only one of the image that the pronoun can mean.
    func pronoun(of index: Int) -> String? {
        let male: Set = ["man", "boy"], female: Set = ["woman", "girl"]
        guard let name = entities[index].noun?.name, !entities[index].mayBePlural else { return nil }
        let own = male.contains(name) ? male : female.contains(name) ? female : []
        guard !own.isEmpty else { return nil }
        let others = entities.indices.filter { $0 != index && entities[$0].types.contains("people") }
        // Someone whose captions do not tell which of both may be meant too.
        guard
            others.allSatisfy({ entities[$0].nouns.allSatisfy { !own.contains($0.name) } && entities[$0].noun != nil })
        else { return nil }
        let unclear: Set = ["person", "child", "baby", "player", "worker"]
        guard others.allSatisfy({ entities[$0].noun.map { !unclear.contains($0.name) } ?? false }) else { return nil }
        return male.contains(name) ? "he" : "she"
    }
}
