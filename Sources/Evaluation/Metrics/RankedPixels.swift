/// A map's values, prepared to find the K-th largest by counting: the upper 16 bits of the keys first, then the lower
/// 16.
struct RankedPixels: Sendable {
    /// Keys with the same order as the values. Both zeros have the same key.
    let keys: [UInt32]
    /// The number of keys for each value of the upper 16 bits.
    private let counts: [Int32]

    init(_ values: [Float]) {
        let keys = values.map { value -> UInt32 in
            let bits = (value + 0).bitPattern
            return bits >> 31 == 1 ? ~bits : bits | 1 << 31
        }
        var counts = [Int32](repeating: 0, count: 1 << 16)
        for key in keys { counts[Int(key >> 16)] += 1 }
        self.keys = keys
        self.counts = counts
    }

    /// The `rank`-th largest key, counted from 1.
    /// - Returns: the key, the number of keys that equal it, and how many of those are among the `rank` largest.
    func largest(_ rank: Int) -> (key: UInt32, equal: Int, taken: Int) {
        precondition((1...keys.count).contains(rank), "rank \(rank) of \(keys.count) pixels")
        func place(_ rank: Int, in counts: [Int32]) -> (bin: UInt32, rest: Int) {
            var bin = counts.count - 1
            var rest = rank
            while rest > Int(counts[bin]) {
                rest -= Int(counts[bin])
                bin -= 1
            }
            return (UInt32(bin), rest)
        }
        let (high, rest) = place(rank, in: counts)
        var low = [Int32](repeating: 0, count: 1 << 16)
        for key in keys where key >> 16 == high { low[Int(key & 0xFFFF)] += 1 }
        let (end, taken) = place(rest, in: low)
        return (high << 16 | end, Int(low[Int(end)]), taken)
    }
}
