import Vision

/// Something that is known of a picture and can be asked in several ways.
struct QuestionFact {
    var image: String
    var kind: String
    /// Facts with the same group are asked alike, so that their answers must be balanced against each other.
    var group: String
    /// At least one.
    var wordings: [String]
    /// A wording that is clear only because the picture leaves no other choice: "what color?".
    var short: String?
    var answer: String
    var boxes: [Rectangle]
}

/// Collects what the captions of one picture say about the same thing, and settles it.
struct FactVotes {
    private var votes: [String: [String: Int]] = [:]
    private var facts: [String: [String: QuestionFact]] = [:]
    private var order: [String] = []

    /// - Parameter key: what the fact is about; different answers under one key contradict each other.
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

    /// For each key the answer that is given at least twice as often as the next; the others are dropped and counted.
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
