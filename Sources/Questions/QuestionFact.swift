import Vision

/// A fact about an image that can be asked for in several wordings.
struct QuestionFact {
    var image: String
    var kind: String
    /// Facts of one group have the same wordings, so their answers are balanced against each other.
    var group: String
    /// At least one.
    var wordings: [String]
    /// A wording that is clear only because nothing else in the image fits it: "what color?".
    var short: String?
    var answer: String
    var boxes: [Rectangle]
}

/// Collects the answers that the captions of one image give to the same question, and chooses one.
struct FactVotes {
    private var votes: [String: [String: Int]] = [:]
    private var facts: [String: [String: QuestionFact]] = [:]
    private var order: [String] = []

    /// - Parameter key: the subject of the fact; different answers under one key contradict each other.
    mutating func add(_ fact: QuestionFact, key: String) {
        if votes[key] == nil { order.append(key) }
        votes[key, default: [:]][fact.answer, default: 0] += 1
        if var known = facts[key]?[fact.answer] {
            for box in fact.boxes where !known.boxes.contains(box) { known.boxes.append(box) }
            for wording in fact.wordings where !known.wordings.contains(wording) { known.wordings.append(wording) }
            facts[key]?[fact.answer] = known
        } else {
            facts[key, default: [:]][fact.answer] = fact
        }
    }

    /// For each key the answer that is given at least twice as often as any other. Keys without one are dropped and
    /// counted.
    func settled(dropped: inout Int) -> [QuestionFact] {
        order.compactMap { key in
            let sorted = (votes[key] ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            if sorted.count > 1, sorted[0].value < 2 * sorted[1].value {
                dropped += 1
                return nil
            }
            return facts[key]?[sorted[0].key]
        }
    }
}
