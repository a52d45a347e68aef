/// Parses noun phrases: finds the words that name the thing.
public enum PhraseWords {
    /// The words that name the thing: those after a possessive and before an addition ("with", "in"); "dogs" of "a
    /// group of dogs".
    public static func core(_ words: ArraySlice<String>) -> ArraySlice<String> {
        var words = words
        if let possessive = words.lastIndex(where: { $0 == "'s" || $0 == "'" || $0.hasSuffix("'s") }) {
            words = words[(possessive + 1)...]
        }
        if let of = words.firstIndex(of: "of"), of > words.startIndex, of + 1 < words.endIndex {
            guard containers.contains(words[of - 1]) else { return words[..<of] }
            let many = groups.contains(words[of - 1])
            words = words[(of + 1)...]
            // "a group": this number is not that of the members.
            if many, let first = words.first, numbers[first] == nil { return end(words) }
        }
        return end(words)
    }

    private static func end(_ words: ArraySlice<String>) -> ArraySlice<String> {
        words.prefix(while: { !additions.contains($0) })
    }

    private static let additions: Set<String> = [
        "with", "in", "on", "that", "who", "which", "wearing", "from", "at", "for",
    ]
    private static let groups: Set<String> = [
        "group", "crowd", "herd", "flock", "bunch", "lot", "number", "pack", "team", "line",
    ]
    private static let containers: Set<String> = groups.union([
        "set", "pair", "pile", "couple", "edge", "side", "top", "middle", "front", "piece", "part", "body", "bouquet",
        "patch", "stretch", "bank", "flight", "bit", "handful", "row", "stack", "bottom", "section", "end", "variety",
        "kind", "type", "back", "bottle", "glass", "cup",
    ])
    public static let determiners: Set<String> = [
        "a", "an", "the", "his", "her", "their", "its", "some", "this", "that", "another", "these", "those", "both",
        "other", "each", "all", "my", "our", "several", "many", "various", "few",
    ]
    public static let numbers = [
        "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    ]
}
