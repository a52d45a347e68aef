import Language

/// Where the words of a vocabulary from elsewhere stand in mmx's: the four special entries first, then the others in
/// their own order.
struct WordOrder {
    let vocabulary: Vocabulary
    /// For each of mmx's words, the row of the checkpoint's table that is its vector; nil for zeros.
    let inputs: [Int?]
    /// The same for the rows of scores; nil for a word that is never written.
    let outputs: [Int?]
    /// What a person should know.
    let warnings: [String]

    /// The score of a word that a checkpoint does not have: e to its power is 0, so no other word's probability
    /// changes. It is finite as a 16-bit float too.
    static let never: Float = -10_000

    /// How a checkpoint marks the start, the end and what it does not know.
    enum Special: Sendable {
        /// By words of their own, under usual names.
        case named
        /// By these words, and without a pad. Other words ("pad", "end") are words.
        case words(start: String, end: String, unknown: String?)
        /// One number is the start and the end: 0 (ruotianluo), or the one after the last word (neuraltalk2).
        case shared(first: Bool)
        /// Questions: 0 stands for every unknown word, and there is no start and no end.
        case zeroIsUnknown
        /// Questions: words of their own for the pad and the unknown; no start and no end.
        case questions
    }

    private static let names: [[String]] = [
        ["<pad>", "<PAD>", "[PAD]", "pad", "<null>", "<NULL>"],
        ["<start>", "<START>", "<sos>", "<SOS>", "<s>", "<S>", "<bos>", "<BOS>", "startseq", "start", "<startseq>"],
        ["<end>", "<END>", "<eos>", "<EOS>", "</s>", "</S>", "endseq", "end", "<endseq>"],
        ["<unk>", "<UNK>", "<unknown>", "UNK", "unk", "[UNK]", "<OOV>", "UNKNOWN"],
    ]

    /// - Parameters:
    ///   - count: the rows of the checkpoint's tables.
    ///   - path: of the checkpoint, for errors.
    /// - Throws: ``ModelError`` where list and tables do not belong together.
    init(_ list: WordList, count: Int, special: Special, path: String) throws {
        var words = list.words
        func refused(_ problem: String) -> ModelError { ModelError(path: list.origin, problem: problem) }
        if case .shared(let first) = special { words[first ? 0 : count - 1] = "" }
        if case .zeroIsUnknown = special { words[0] = "" }
        let found = (words.keys.max() ?? -1) + 1
        guard found == count else {
            throw refused(
                "is a vocabulary of another length: its words have the numbers 0 to \(found - 1), the tables in "
                    + "\(path) have \(count) rows. Take the file that was made with this checkpoint")
        }
        var rows: [Int?] = [nil, nil, nil, nil]
        for (place, names) in Self.names.enumerated() {
            let known = Dictionary(words.map { ($0.value, $0.key) }) { min($0, $1) }
            rows[place] = names.lazy.compactMap { known[$0] }.first
        }
        switch special {
        case .named:
            // Number 0 is never a word of Keras's, and pads captions; a helicopter's pad is a word.
            if words[0] == nil, rows[0].flatMap({ words[$0] }) ?? "pad" == "pad" { rows[0] = 0 }
            for (place, what) in [(1, "start"), (2, "end")] where rows[place] == nil {
                throw refused(
                    "has no word for the \(what) of a caption; these are looked for: "
                        + Self.names[place].joined(separator: ", "))
            }
        case .words(let start, let end, let unknown):
            func row(_ word: String) -> Int? { words.filter { $0.value == word }.keys.min() }
            rows = [nil, row(start), row(end), unknown.flatMap(row)]
            for (place, word) in [(1, start), (2, end)] where rows[place] == nil {
                throw refused("has no word '\(word)', which is the \(place == 1 ? "start" : "end") of a caption here")
            }
        case .shared(let first):
            let row = first ? 0 : count - 1
            rows[0] = nil
            (rows[1], rows[2]) = (row, row)
        case .zeroIsUnknown: rows = [0, nil, nil, 0]
        case .questions: (rows[1], rows[2]) = (nil, nil)
        }
        var (inputs, outputs) = (rows, rows)
        if case .shared = special { outputs[1] = nil }
        let taken = Set(rows.compactMap(\.self))
        var names = Vocabulary.special
        var known = Set(names)
        var odd: [Int] = []
        for row in 0..<count where !taken.contains(row) {
            var word = words[row] ?? ""
            if EntryList.fault(of: word, as: .word) != nil || !known.insert(word).inserted {
                odd.append(row)
                word = "<\(row)>"
                while !known.insert(word).inserted { word += "'" }
            }
            names.append(word)
            inputs.append(row)
            outputs.append(row)
        }
        vocabulary = Vocabulary(special: names)
        self.inputs = inputs
        self.outputs = outputs
        warnings =
            odd.isEmpty
            ? []
            : [
                "\(odd.count) entries of \(list.origin) are no words (missing, twice, or with spaces); they are called "
                    + "by their numbers: "
                    + odd.prefix(5).map { "<\($0)>" }.joined(separator: ", ") + (odd.count > 5 ? ", ..." : "")
            ]
    }
}
