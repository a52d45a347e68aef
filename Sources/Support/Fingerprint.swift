/// A 64-bit number that tells contents from others: texts, shapes and values, in the order in which they are added.
/// It finds contents that have changed; it is no protection against forgery.
///
/// A step is one of FNV-1a over 64 bits. The product's high bits are folded into the low ones, because a plain FNV-1a
/// over whole words would never bring them down.
public struct Fingerprint: Sendable, Equatable {
    public var value: UInt64

    /// - Parameter start: where the number begins: FNV's offset basis.
    @inlinable public init(start: UInt64 = 0xCBF2_9CE4_8422_2325) { value = start }

    @inlinable @inline(__always) public mutating func add(_ word: UInt64) {
        let product = (value ^ word) &* 0x100_0000_01B3
        value = product ^ (product >> 32)
    }

    /// Adds the bytes of `text`; no end is marked.
    public mutating func add(_ text: some StringProtocol) {
        for byte in text.utf8 { add(UInt64(byte)) }
    }

    /// Of texts in their order, the end of each marked.
    public init(of texts: some Sequence<String>) {
        self.init()
        for text in texts {
            add(text)
            add(0)
        }
    }

    /// Sixteen digits.
    public var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
