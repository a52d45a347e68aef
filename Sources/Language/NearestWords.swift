extension Vocabulary {
    /// Words of the vocabulary that look like `word`, the likeliest first; none where nothing is near.
    ///
    /// The distance is Damerau and Levenshtein's between characters (an insertion, deletion, replacement or exchange of
    /// neighbours costs 1), less 0.1 for each of the first four characters in common, because people seldom mistype a
    /// word's front. Forms of one noun (`dog`, `dogs`; `puppy`, `puppies`) are 0.1 apart. Near is what costs at most a
    /// third of the word's length, and at least 1. Of words at the same distance the commoner comes first, as far as
    /// the vocabulary's order says it.
    public func nearest(to word: String, count: Int = 3) -> [String] {
        let wanted = Array(word.lowercased().unicodeScalars)
        guard !wanted.isEmpty, wanted.count <= 64, count > 0 else { return [] }
        let limit = max(1, Float(wanted.count) / 3)
        let stem = Self.singular(wanted)
        var near: [(cost: Float, index: Int)] = []
        for index in Self.special.count..<self.count {
            let other = Array(words[index].unicodeScalars)
            guard abs(other.count - wanted.count) <= Int(limit) + 3, other.count <= 80 else { continue }
            let cost: Float
            if other == wanted {
                cost = 0
            } else if Self.singular(other) == stem {
                cost = 0.1
            } else {
                let edits = Float(editDistance(wanted, other))
                // A word of one or two letters is near to everything when half of it may change.
                guard edits < Float(max(wanted.count, other.count)) else { continue }
                cost = edits - 0.1 * Float(zip(wanted, other).prefix(4).prefix { $0 == $1 }.count)
            }
            if cost <= limit { near.append((cost, index)) }
        }
        return near.sorted { $0 < $1 }.prefix(count).map { words[$0.index] }
    }

    /// A rough singular: -ies becomes -y, -es after a hissing sound and -s go.
    private static func singular(_ word: [Unicode.Scalar]) -> [Unicode.Scalar] {
        func ends(_ letters: String) -> Bool {
            word.count > letters.unicodeScalars.count + 1
                && word.suffix(letters.unicodeScalars.count).elementsEqual(letters.unicodeScalars)
        }
        if ends("ies") { return word.dropLast(3) + ["y"] }
        for hiss in ["ches", "shes", "sses", "xes", "zes", "oes"] where ends(hiss) { return word.dropLast(2) }
        return ends("s") && !ends("ss") ? word.dropLast(1) : word
    }
}

/// Damerau and Levenshtein's distance (optimal string alignment: what was exchanged is not edited again).
func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    var row = beforeLast
    for i in 0..<a.count {
        row[0] = i + 1
        for j in 0..<b.count {
            var best = min(last[j + 1], row[j]) + 1
            best = min(best, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
            row[j + 1] = best
        }
        (beforeLast, last, row) = (last, row, beforeLast)
    }
    return last[b.count]
}
