/// The names that look like `wanted`, the most alike first; none where nothing is near.
///
/// The distance is Damerau and Levenshtein's between characters (an insertion, deletion, replacement or exchange of
/// neighbours costs 1), less 0.1 for each of the first four characters in common, because people seldom mistype the
/// front of a word. Forms of one noun (`dog`, `dogs`; `puppy`, `puppies`) are 0.1 apart. A name is near where its
/// distance is at most a third of the length of `wanted`, or at most 1.
/// - Parameters:
///   - wanted: in any case; it is compared in lower case.
///   - names: each once. Of names at the same distance the earlier comes first.
///   - count: how many names are returned at most.
public func nearestNames(to wanted: String, in names: some Sequence<String>, count: Int = 3) -> [String] {
    let wanted = Array(wanted.lowercased().unicodeScalars)
    guard !wanted.isEmpty, wanted.count <= 64, count > 0 else { return [] }
    let limit = max(1, Float(wanted.count) / 3)
    let stem = singular(wanted)
    var near: [(distance: Float, position: Int, name: String)] = []
    for (position, name) in names.enumerated() {
        let other = Array(name.unicodeScalars)
        guard abs(other.count - wanted.count) <= Int(limit) + 3, other.count <= 80 else { continue }
        let distance: Float
        if other == wanted {
            distance = 0
        } else if singular(other) == stem {
            distance = 0.1
        } else {
            let edits = Float(editDistance(wanted, other))
            // A word of one or two letters is near to every other when half of it may change.
            guard edits < Float(max(wanted.count, other.count)) else { continue }
            distance = edits - 0.1 * Float(zip(wanted, other).prefix(4).prefix { $0 == $1 }.count)
        }
        if distance <= limit { near.append((distance, position, name)) }
    }
    return near.sorted { ($0.distance, $0.position) < ($1.distance, $1.position) }.prefix(count).map(\.name)
}

/// A rough singular: -ies becomes -y; -es after a sibilant, and -s, are dropped.
private func singular(_ word: [Unicode.Scalar]) -> [Unicode.Scalar] {
    func ends(_ letters: String) -> Bool {
        word.count > letters.unicodeScalars.count + 1
            && word.suffix(letters.unicodeScalars.count).elementsEqual(letters.unicodeScalars)
    }
    if ends("ies") { return word.dropLast(3) + ["y"] }
    for ending in ["ches", "shes", "sses", "xes", "zes", "oes"] where ends(ending) { return word.dropLast(2) }
    return ends("s") && !ends("ss") ? word.dropLast(1) : word
}

/// Damerau and Levenshtein's distance (optimal string alignment: exchanged characters are not edited again).
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
