/// One to four consecutive words as one value: word indices plus one in 32 bits each, 0 where there is no word.
struct NGram: Hashable, Comparable {
    private(set) var first: UInt64 = 0
    private(set) var second: UInt64 = 0

    /// words: one to four indices in `0..<UInt32.max`.
    init(_ words: ArraySlice<Int>) {
        for (i, word) in words.enumerated() {
            let bits = UInt64(UInt32(truncatingIfNeeded: word + 1)) << (i & 1 == 0 ? 32 : 0)
            if i < 2 { first |= bits } else { second |= bits }
        }
    }

    /// The number of words, 1...4.
    var order: Int {
        second == 0 ? (first & 0xFFFF_FFFF == 0 ? 1 : 2) : (second & 0xFFFF_FFFF == 0 ? 3 : 4)
    }

    static func < (a: NGram, b: NGram) -> Bool { a.first != b.first ? a.first < b.first : a.second < b.second }

    func hash(into hasher: inout Hasher) {
        hasher.combine(first ^ (second &* 0x9E37_79B9_7F4A_7C15))
    }
}

/// The n-grams of a sentence, each once, in ascending order, with their counts.
struct NGramCounts {
    private(set) var grams: [NGram] = []
    private(set) var counts: [Int] = []
    /// The number of words in the sentence.
    let length: Int

    init(_ words: [Int]) {
        length = words.count
        var all: [NGram] = []
        all.reserveCapacity(words.count * 4)
        for from in words.indices {
            for to in from + 1...min(from + 4, words.count) where to <= words.count {
                all.append(NGram(words[from..<to]))
            }
        }
        all.sort()
        grams.reserveCapacity(all.count)
        counts.reserveCapacity(all.count)
        for gram in all {
            if grams.last == gram {
                counts[counts.count - 1] += 1
            } else {
                grams.append(gram)
                counts.append(1)
            }
        }
    }
}

/// Gives words indices in the order in which they first occur.
struct WordIndices {
    private var indices: [String: Int] = [:]

    mutating func encode(_ words: [String]) -> [Int] {
        words.map { word in
            if let index = indices[word] { return index }
            indices[word] = indices.count
            return indices.count - 1
        }
    }
}
