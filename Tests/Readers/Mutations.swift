/// Inputs like the seeds, but damaged: bits and bytes changed, pieces left out, repeated, or taken from another seed.
/// The same seed number gives the same inputs.
public struct Mutations {
    private let seeds: [[UInt8]]
    private let structure: OutsideReader.Structure?
    private var random: SeededNumbers

    public init(of seeds: [[UInt8]], structure: OutsideReader.Structure? = nil, seed: UInt64) {
        self.seeds = seeds
        self.structure = structure
        random = SeededNumbers(seed)
    }

    /// The next input. Of inputs with a structure, three of four keep it.
    public mutating func next() -> [UInt8] {
        let bytes = seeds[random.below(seeds.count)], other = seeds[random.below(seeds.count)]
        guard let structure, random.below(4) > 0 else {
            return Self.mutated(bytes, other, &random)
        }
        return structure.mutated(bytes, &random) { Self.mutated($0, other, &$1) }
    }

    /// One to four changes of plain bytes.
    static func mutated(_ bytes: [UInt8], _ other: [UInt8], _ random: inout SeededNumbers) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(3) {
            if bytes.isEmpty { return bytes }
            let at = random.below(bytes.count)
            switch random.below(10) {
            case 0: bytes[at] ^= 1 << UInt8(random.below(8))
            case 1: bytes[at] = UInt8(random.below(256))
            case 2: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
            case 3: bytes[at] &+= random.below(2) == 0 ? 1 : 255
            case 4: bytes.removeSubrange(random.piece(of: bytes))
            case 5: bytes.insert(contentsOf: bytes[random.piece(of: bytes)], at: at)
            case 6: bytes.replaceSubrange(random.piece(of: bytes), with: other[random.piece(of: other)])
            case 7: bytes.removeLast(min(bytes.count, random.below(1 << random.below(9))))
            case 8: changeNumber(&bytes, &random)
            default: for i in at..<min(bytes.count, at + 4) { bytes[i] = UInt8(random.below(256)) }
            }
        }
        return bytes
    }

    /// Puts another number in place of one in text: sizes are what allocations depend on.
    private static func changeNumber(_ bytes: inout [UInt8], _ random: inout SeededNumbers) {
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        let start = random.below(bytes.count)
        guard let first = bytes[start...].firstIndex(where: isDigit) else { return }
        let last = bytes[first...].firstIndex { !isDigit($0) } ?? bytes.count
        let numbers = [
            "0", "-1", "1e9", "2147483648", "9223372036854775807", "18446744073709551616", "0.5", "null", "NaN",
        ]
        bytes.replaceSubrange(first..<last, with: numbers[random.below(numbers.count)].utf8)
    }
}

/// A linear congruential generator (Knuth's MMIX constants): quick, and the same everywhere.
public struct SeededNumbers {
    private var state: UInt64

    public init(_ seed: UInt64) { state = seed }

    /// 0..<count
    public mutating func below(_ count: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % max(1, count)
    }

    /// A range of `bytes`, most often a short one.
    mutating func piece(of bytes: [UInt8]) -> Range<Int> {
        let start = below(bytes.count + 1)
        return start..<min(bytes.count, start + below(1 << below(9)))
    }
}
