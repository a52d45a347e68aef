/// The actions, clothes and held things in the captions of one image: subject, verb, object.
struct Relations {
    struct Action: Hashable {
        /// "riding".
        var verb: String
        /// The preposition: "over"; empty for none.
        var particle: String

        var text: String { particle.isEmpty ? verb : "\(verb) \(particle)" }
    }

    /// Subjects and objects are indices into the image's entities.
    struct Deed {
        var subject: Int
        var action: Action
        var object: Int
    }

    struct Wear {
        var person: Int
        var clothing: Int
    }

    struct Stay {
        /// nil where there are several.
        var subject: Int?
        /// The verb: "running"; empty for none.
        var verb: String
        var place: Int
        var sentence: Int
    }

    private(set) var deeds: [Deed] = []
    private(set) var worn: [Wear] = []
    private(set) var stays: [Stay] = []
    /// An object in an animal's mouth; the animal is nil where the caption does not say whose mouth it is.
    private(set) var inMouth: [(animal: Int?, object: Int)] = []
    /// Hair with its colour.
    private(set) var hair: [(person: Int, color: String, entity: Int)] = []

    init(_ image: AnnotatedImage) {
        for index in image.sentences.indices { read(image, index) }
    }

    private mutating func read(_ image: AnnotatedImage, _ index: Int) {
        let sentence = image.sentences[index]
        var subject: Int?
        var before: Int?
        var wears = false
        var end = 0
        for (position, mention) in sentence.mentions.enumerated() {
            guard mention.first >= end else { continue }
            let between = Array(sentence.words[end..<mention.first])
            let entity = image.entities[mention.entity]
            let isActor = !entity.types.isDisjoint(with: ["people", "animals"])
            let lead = between.first ?? ""
            // "a man holding a baby and riding a bike": the man rides.
            if lead == "and" || lead == "while", between.count > 1, let earlier = before { subject = earlier }
            if let actor = subject {
                let joined = ["and", ",", ", and"].contains(between.joined(separator: " "))
                let wearsThis =
                    (Verbs.wears(between) || (wears && joined)) && entity.types.contains("clothing")
                if wearsThis {
                    worn.append(Wear(person: actor, clothing: mention.entity))
                } else if let action = Verbs.action(between) {
                    deeds.append(Deed(subject: actor, action: action, object: mention.entity))
                }
                if let color = hairColor(mention, sentence), ["with", "has", "and"].contains(between.last ?? "") {
                    hair.append((actor, color, mention.entity))
                }
                wears = wearsThis
                if !wearsThis, entity.types.contains("bodyparts"), position > 0,
                    ["mouth", "mouths"].contains(sentence.words[mention.end - 1]),
                    ["in", "in its"].contains(between.joined(separator: " "))
                {
                    inMouth.append((actor, sentence.mentions[position - 1].entity))
                }
            }
            if let preposition = between.last, Verbs.placing.contains(preposition), mention.phrase.noun != nil {
                let verb = Verbs.resting(between.dropLast())
                stays.append(Stay(subject: subject, verb: verb, place: mention.entity, sentence: index))
            }
            if isActor {
                let together = subject != nil && ["and", ",", ", and"].contains(between.joined(separator: " "))
                before = together ? nil : subject
                subject = together ? nil : mention.entity
            }
            end = mention.end
        }
    }

    private func hairColor(_ mention: AnnotatedImage.Mention, _ sentence: AnnotatedImage.Sentence) -> String? {
        let last = sentence.words[mention.end - 1]
        if last == "hair" { return mention.phrase.color }
        return last.hasSuffix("-hair") ? mention.phrase.hair ?? NounPhrase.color(String(last.dropLast(5))) : nil
    }
}

/// The verbs that questions ask with.
enum Verbs {
    static let placing: Set<String> = ["in", "on", "at", "through", "across", "down", "along", "into", "inside"]

    private static let wearing: Set<String> = [
        "in", "wearing", "wears", "wear", "with", "dressed in", "is wearing", "are wearing", ", wearing", "in a",
        "has on",
        "who is wearing", "and wearing", "dressed in a", "with a",
    ]

    static func wears(_ words: [String]) -> Bool { wearing.contains(words.joined(separator: " ")) }

    /// The action in the words between two phrases; nil where no question is asked about it.
    static func action(_ words: [String]) -> Relations.Action? {
        var rest = words[...]
        while let first = rest.first, skipped.contains(first) { rest.removeFirst() }
        guard let form = rest.popFirst() else { return nil }
        let text = rest.joined(separator: " ")
        if form.hasPrefix("jump") || form.hasPrefix("leap") || form.hasPrefix("tr"), text.hasPrefix("to catch") {
            return Relations.Action(verb: "catching", particle: "")
        }
        guard let verb = gerunds[form], let particles = actions[verb], let particle = particles[text] else {
            return nil
        }
        return Relations.Action(
            verb: verb == "leaping" ? "jumping" : verb == "carrying" ? "holding" : verb, particle: particle)
    }

    /// The last verb that goes with a place: "running"; empty for none.
    static func resting(_ words: ArraySlice<String>) -> String {
        words.last.flatMap { gerunds[$0] }.flatMap { intransitive.contains($0) ? $0 : nil } ?? ""
    }

    private static let skipped: Set<String> = [
        ",", "and", "who", "that", "which", "while", "is", "are", "was", "were", "also", "then", "happily", "quickly",
        "as", "he", "she", "being", "seen",
    ]

    private static let intransitive: Set<String> = [
        "running", "walking", "standing", "sitting", "playing", "swimming", "jumping", "lying", "riding", "climbing",
        "skiing", "surfing", "sleeping",
    ]

    /// The prepositions that may follow a verb, and the question's form of both.
    private static let actions: [String: [String: String]] = {
        let table = """
            riding: , on=, a
            sitting: on, in, at
            standing: on
            lying: on, in
            sleeping: on
            jumping: over, off, off of=off, on, onto=on, through
            leaping: over, through
            playing: with
            climbing: , up=, on=
            chasing: , after=
            running: after
            catching:
            throwing:
            kicking:
            hitting:
            pushing:
            pulling:
            looking: at
            watching:
            eating:
            chewing: on
            biting: , on=
            reading:
            driving:
            swinging: on
            sliding: down
            leaning: against, on
            paddling:
            rowing:
            blowing:
            dribbling:
            balancing: on
            hanging: from, on=from
            fetching:
            hugging:
            licking:
            smoking:
            drinking: from
            talking: on
            holding: , up=, onto=
            carrying:
            """
        var result: [String: [String: String]] = [:]
        for line in table.split(separator: "\n") {
            let sides = line.split(separator: ":", omittingEmptySubsequences: false)
            var particles: [String: String] = [:]
            for entry in sides[1].split(separator: ",", omittingEmptySubsequences: false) {
                let pair = entry.split(separator: "=", omittingEmptySubsequences: false).map {
                    String($0.drop { $0 == " " })
                }
                particles[pair[0]] = pair[pair.count - 1]
            }
            result[String(sides[0])] = particles
        }
        result["playing"]?[""] = ""
        return result
    }()

    /// "rides", "ride", "riding" → "riding".
    private static let gerunds: [String: String] = {
        let bases = """
            ride riding, sit sitting, stand standing, lie lying, lay lying, sleep sleeping, jump jumping, leap leaping, \
            play playing, climb climbing, chase chasing, run running, catch catching, throw throwing, toss throwing, \
            kick kicking, hit hitting, push pushing, pull pulling, look looking, watch watching, eat eating, \
            chew chewing, bite biting, read reading, drive driving, swing swinging, slide sliding, lean leaning, \
            paddle paddling, row rowing, blow blowing, dribble dribbling, balance balancing, hang hanging, \
            fetch fetching, retrieve fetching, hug hugging, lick licking, smoke smoking, drink drinking, talk talking, \
            hold holding, carry carrying, walk walking, swim swimming, ski skiing, surf surfing
            """
        return forms(of: bases).merging(
            ["carries": "carrying", "laying": "lying", "tossing": "throwing", "retrieving": "fetching"]
        ) { $1 }
    }()

    /// The forms of verbs by a list "ride riding, sit sitting": "ride", "rides" and "riding" give "riding".
    static func forms(of bases: String) -> [String: String] {
        var forms: [String: String] = [:]
        for pair in bases.split(separator: ",") {
            let words = pair.split(separator: " ").map(String.init)
            for form in [words[0], words[0] + "s", words[0] + "es", words[1]] { forms[form] = words[1] }
        }
        return forms
    }
}
