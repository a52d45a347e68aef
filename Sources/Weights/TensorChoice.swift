/// What a caller wants of a file of weights.
struct WantedTensors {
    /// The names of the network's tensors, where they are known.
    var names: Set<String> = []
    /// Only the tensors whose names begin so, before a dot.
    var key: String?
}

/// A dictionary in a file of weights.
struct TensorDictionary {
    /// The beginning of the full names of all that is in it: "model_ema.", or "" for the file's outermost dictionary.
    let prefix: String
    /// The dictionary that it is in.
    let parent: Int?
    /// How many tensors of real numbers it holds, those in inner dictionaries too.
    var tensors = 0
}

/// Which of a file's tensors are a network's, and under which names.
///
/// Programs wrap a network's weights in different ways: in a dictionary under a key (`state_dict`, `model`, `net`),
/// beside an optimiser's state and other numbers, and with a prefix before every name (`module.`, `_orig_mod.`,
/// `backbone.`). A key and a prefix are both a beginning of the full names. So each beginning, up to a dot, is tried
/// against the names that the network has, and the one with the most matches wins. The innermost dictionary at that
/// beginning is taken. The rest of the beginning is a prefix, which is removed from the names that have it. Names
/// without it stay as they are, so that a strict reader lists them, and not those that differ by the prefix alone.
public struct TensorChoice: Sendable {
    /// The beginning of the full names of the tensors that are taken.
    public let dictionary: String
    /// The beginning that is removed from their names: `dictionary`, and a prefix.
    public let prefix: String
    /// How many of the network's names are found so.
    public let matches: Int
    /// How many names the network has.
    public let wanted: Int
    /// Full names in the dictionary that do not begin with `prefix`: the first few, and their number.
    public let others: (names: [String], count: Int)
    /// The beginnings of other dictionaries that would fit, too, without their last dot.
    public let alternatives: [String]
    /// The tensors outside the dictionary, by their outermost keys.
    public let outside: [String]

    /// The keys under which programs keep weights, for callers that know no names.
    static let wrappers = [
        "state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "params", "weights",
        "model_ema", "state_dict_ema", "ema_state_dict", "ema",
    ]

    /// - Parameters:
    ///   - names: the full names of the file's tensors of real numbers.
    ///   - dictionaries: each after the one that it is in.
    init(names: some Sequence<String>, dictionaries: [TensorDictionary], wanted: WantedTensors) throws {
        let key = wanted.key.map { $0.hasSuffix(".") ? $0 : $0 + "." } ?? ""
        let all = Array(names)
        let names = key.isEmpty ? all : all.filter { $0.hasPrefix(key) }
        if names.isEmpty {
            throw FileProblem(
                "has no tensors under the key '\(key.dropLast())'; it has \(Self.list(Self.keys(all, beside: "")))")
        }
        let candidates = Self.candidates(names, wanted.names)
        var best: (prefix: String, matches: Int) = candidates.first ?? (prefix: key, matches: 0)
        var dictionary = key
        if best.matches == 0 {
            if key.isEmpty { dictionary = Self.usual(dictionaries) }
            best.prefix = dictionary
        } else {
            for candidate in dictionaries
            where candidate.prefix.utf8.count > dictionary.utf8.count && best.prefix.hasPrefix(candidate.prefix) {
                dictionary = candidate.prefix
            }
        }
        let inner = names.filter { $0.hasPrefix(dictionary) }
        // A few names that fit by chance are no reason to change those of another network.
        if 2 * best.matches < wanted.names.count, inner.contains(where: { !$0.hasPrefix(best.prefix) }) {
            best.prefix = dictionary
        }
        let others = inner.filter { !$0.hasPrefix(best.prefix) }
        self.dictionary = dictionary
        (prefix, matches) = best
        self.others = (Array(others.sorted().prefix(8)), others.count)
        self.wanted = wanted.names.count
        alternatives = candidates.dropFirst().prefix(8)
            .filter { 2 * $0.matches >= best.matches && !$0.prefix.hasPrefix(dictionary) && !$0.prefix.isEmpty }
            .map { String($0.prefix.dropLast()) }
        outside = Self.keys(all.filter { !$0.hasPrefix(dictionary) }, beside: dictionary)
    }

    /// The name of the tensor of the full name `full`; nil where it is not taken.
    func name(_ full: String) -> String? {
        if full.hasPrefix(prefix) { return String(full.dropFirst(prefix.count)) }
        return full.hasPrefix(dictionary) ? String(full.dropFirst(dictionary.count)) : nil
    }

    /// The first few of `names`, for a message.
    public static func list(_ names: [String]) -> String {
        names.prefix(8).map { "'" + $0.prefix(80) + "'" }.joined(separator: ", ")
            + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }

    /// The beginnings with matches, the best first: the most matches; then the fewest other tensors; then those that
    /// are no averages (EMA), because training programs report the accuracy of the weights themselves; then the file's
    /// order.
    private static func candidates(_ names: [String], _ wanted: Set<String>) -> [(prefix: String, matches: Int)] {
        // A beginning longer than that of the longest wanted name cannot be the rest of a match.
        let most = wanted.map { name in name.utf8.reduce(1) { $0 + ($1 == 0x2E ? 1 : 0) } }.max() ?? 0
        var matches: [String: (count: Int, order: Int)] = [:]
        for name in names {
            var end = name.endIndex
            for _ in 0..<most {
                let dot = name.utf8[..<end].lastIndex(of: 0x2E)
                let start = dot.map { name.utf8.index(after: $0) } ?? name.startIndex
                if wanted.contains(String(name[start...])) {
                    let order = matches.count
                    matches[String(name[..<start]), default: (0, order)].count += 1
                }
                guard let dot else { break }
                end = dot
            }
        }
        var sorted = matches.map { (prefix: $0.key, matches: $0.value.count, order: $0.value.order) }
            .sorted { ($1.matches, $0.order) < ($0.matches, $1.order) }
        // Of the best, the first few, because each is compared with every name.
        let largest = sorted.first?.matches ?? 0
        let equal = sorted.prefix(8).prefix { $0.matches == largest }.map { entry in
            let size = names.reduce(0) { $0 + ($1.hasPrefix(entry.prefix) ? 1 : 0) }
            return (entry: entry, rank: (size, entry.prefix.lowercased().contains("ema") ? 1 : 0, entry.order))
        }
        sorted.replaceSubrange(0..<equal.count, with: equal.sorted { $0.rank < $1.rank }.map(\.entry))
        return sorted.map { ($0.prefix, $0.matches) }
    }

    /// The dictionary under the usual keys, the largest at each level; of equally large ones, the first in the list.
    private static func usual(_ dictionaries: [TensorDictionary]) -> String {
        var current = 0
        while true {
            let start = dictionaries.isEmpty ? 0 : dictionaries[current].prefix.count
            let inner = dictionaries.indices.filter { dictionaries[$0].parent == current }.compactMap {
                index -> (index: Int, tensors: Int, rank: Int)? in
                let dictionary = dictionaries[index]
                let key = String(dictionary.prefix.dropFirst(start).dropLast())
                guard dictionary.tensors > 0, let rank = wrappers.firstIndex(of: key) else { return nil }
                return (index, dictionary.tensors, rank)
            }
            guard let next = inner.min(by: { ($1.tensors, $0.rank) < ($0.tensors, $1.rank) }) else { break }
            current = next.index
        }
        return dictionaries.isEmpty ? "" : dictionaries[current].prefix
    }

    /// "optimizer (124 tensors)", "best_acc1": the keys or the only names of `names` beside the dictionary and beside
    /// those that it is in.
    private static func keys(_ names: [String], beside dictionary: String) -> [String] {
        let outer = dictionary.indices.filter { dictionary[$0] == "." }.reversed().map { String(dictionary[...$0]) }
            .dropFirst()
        var counts: [String: (tensors: Int, first: String)] = [:]
        var order: [String] = []
        for name in names {
            let start = outer.first { name.hasPrefix($0) } ?? ""
            let key = start + name.dropFirst(start.count).prefix { $0 != "." }
            if counts[key] == nil { order.append(key) }
            counts[key, default: (0, name)].tensors += 1
        }
        return order.compactMap { key in
            counts[key].map { $0.tensors == 1 ? $0.first : "\(key) (\($0.tensors) tensors)" }
        }
    }
}
