import Foundation

/// A small seeded generator of random numbers (SplitMix64, Steele et al. 2014). A seed gives the same numbers on every
/// machine.
public struct SeededGenerator: RandomNumberGenerator, Codable, Sendable {
    /// The whole state of the generator; saving it saves the sequence.
    public var state: UInt64

    public init(seed: UInt64) { state = seed }

    private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// Skips the next `count` numbers.
    public mutating func skip(_ count: Int) { state &+= UInt64(count) &* Self.step }

    public mutating func next() -> UInt64 {
        state &+= Self.step
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// Standard normal (Box-Muller).
    public mutating func normal() -> Float {
        let u = max(uniform(), 0x1p-24), v = uniform()
        return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
    }
}
