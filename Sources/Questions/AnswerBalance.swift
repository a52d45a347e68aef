import Tensors

/// Drops questions until a question's wording alone does not predict its answer.
enum AnswerBalance {
    /// Limits every answer to a share of its group: the kind's own share in groups of four answers or more, half in
    /// groups of three, 0.6 in groups of two. Groups of fewer than `small` facts are merged by kind; a group with a
    /// single answer keeps at most four facts.
    /// - Returns: the kept facts, in the order given, and the number of dropped ones.
    static func thin(
        _ facts: [QuestionFact], shares: [String: Double], small: Int = 12, generator: inout SeededGenerator
    ) -> (kept: [QuestionFact], dropped: Int) {
        let keep = chosen(
            facts.map { (kind: $0.kind, group: $0.group, answer: $0.answer) }, shares: shares, small: small,
            generator: &generator)
        let kept = zip(facts, keep).filter(\.1).map(\.0)
        return (kept, facts.count - kept.count)
    }

    static func chosen(
        _ items: [(kind: String, group: String, answer: String)], shares: [String: Double], small: Int,
        generator: inout SeededGenerator
    ) -> [Bool] {
        var keep = [Bool](repeating: true, count: items.count)
        var groups: [String: [Int]] = [:]
        for (i, item) in items.enumerated() { groups[item.kind + "\t" + item.group, default: []].append(i) }
        var pools: [String: [Int]] = [:]
        for (key, members) in groups.sorted(by: { $0.key < $1.key }) {
            let pooled = members.count < small ? items[members[0]].kind + "\t" : key
            pools[pooled, default: []] += members
        }
        for (_, members) in pools.sorted(by: { $0.key < $1.key }) {
            var byAnswer: [String: [Int]] = [:]
            for i in members { byAnswer[items[i].answer, default: []].append(i) }
            let limit = limit(byAnswer.values.map(\.count), share: shares[items[members[0]].kind] ?? 0.3)
            for (_, indices) in byAnswer.sorted(by: { $0.key < $1.key }) where indices.count > limit {
                for i in indices.shuffled(using: &generator).dropFirst(limit) { keep[i] = false }
            }
        }
        return keep
    }

    /// The largest count of an answer at which it has at most its share of all kept facts.
    static func limit(_ counts: [Int], share: Double) -> Int {
        if counts.count == 1 { return min(counts[0], 4) }
        let share =
            counts.count == 2 ? 0.6 : counts.count == 3 ? max(0.5, share) : max(share, 1.2 / Double(counts.count))
        var limit = counts.max() ?? 0
        while limit > 1 {
            let total = counts.reduce(0) { $0 + min($1, limit) }
            let next = Int(share * Double(total))
            if next >= limit { break }
            limit = max(1, next)
        }
        return limit
    }

    /// Keeps as many answers "yes" as "no" in every group.
    static func even(_ facts: [QuestionFact], generator: inout SeededGenerator) -> (kept: [QuestionFact], dropped: Int)
    {
        let groups = Dictionary(grouping: facts.indices, by: { facts[$0].group })
        var keep = Set<Int>()
        for (_, members) in groups.sorted(by: { $0.key < $1.key }) {
            let yes = members.filter { facts[$0].answer == "yes" }.shuffled(using: &generator)
            let no = members.filter { facts[$0].answer == "no" }.shuffled(using: &generator)
            for (a, b) in zip(yes, no) { keep.formUnion([a, b]) }
        }
        return (facts.indices.filter(keep.contains).map { facts[$0] }, facts.count - keep.count)
    }
}
