/// The formula that maps a map's values to a colour map's range.
public enum Normalisation: String, CaseIterable, Sendable, Codable {
    /// The values are not changed.
    case raw
    /// max(x, 0) / maximum, in 0...1. Zero stays zero. Grad-CAM figures show it with the map's own maximum.
    case unit
    /// (x - min) / (max - min), in 0...1, for values of any sign.
    case minmax
    /// x / maximum, in -1...1. Zero stays zero. The map's own maximum is that of |x|.
    case signed

    /// Normalises a map. The result has only finite values.
    ///
    /// Values that are not finite count as 0. A map without a divisor becomes 0 everywhere. Both give a warning.
    /// - Parameters:
    ///   - values: a map of any shape.
    ///   - maximum: the divisor of `unit` and `signed`, above 0 (``MapScale``). Larger values are clipped to it, with a
    ///     warning. Without it, the divisor is the map's own maximum.
    public func callAsFunction(_ values: [Float], maximum: Float? = nil) -> NormalisedMap {
        precondition(maximum.map { $0 > 0 } ?? true, "a map cannot be divided by \(maximum ?? 0)")
        var warnings: [MapWarning] = []
        let bad = values.reduce(0) { $0 + ($1.isFinite ? 0 : 1) }
        if bad > 0 { warnings.append(.notFinite(count: bad, of: values.count)) }
        let clean = bad == 0 ? values : values.map { $0.isFinite ? $0 : 0 }
        let low = clean.min() ?? 0
        let high = clean.max() ?? 0
        if low == 0 && high == 0 {
            warnings.append(.allZero)
            return NormalisedMap(values: clean, isSigned: self == .signed, warnings: warnings)
        }
        var result = clean
        var divisor: Float?
        // In Double, the range of very large values and the inverse of very small ones do not overflow.
        switch self {
        case .raw: break
        case .unit:
            if high <= 0 {
                warnings.append(.nowherePositive)
                result = [Float](repeating: 0, count: clean.count)
            } else {
                let scale = maximum ?? high
                if high > scale { warnings.append(.beyondScale(high, scale)) }
                result = clean.map { $0 > 0 ? min(1, Float(Double($0) / Double(scale))) : 0 }
                divisor = scale
            }
        case .minmax:
            if high == low {
                warnings.append(.constant(low))
                result = [Float](repeating: 0, count: clean.count)
            } else {
                let range = Double(high) - Double(low)
                result = clean.map { Float((Double($0) - Double(low)) / range) }
            }
        case .signed:
            let largest = max(high, -low)
            let scale = maximum ?? largest
            if largest > scale { warnings.append(.beyondScale(largest, scale)) }
            result = clean.map { max(-1, min(1, Float(Double($0) / Double(scale)))) }
            divisor = scale
        }
        return NormalisedMap(values: result, isSigned: self == .signed, maximum: divisor, warnings: warnings)
    }
}

/// A normalised map, with warnings about the raw one.
public struct NormalisedMap: Equatable, Sendable {
    /// The values, in the order of the raw map.
    public var values: [Float]
    /// Whether the values are in -1...1, so that the centre of a diverging colour map is zero.
    public var isSigned: Bool
    /// The divisor, which is the raw value of 1. It is nil if the map was not divided.
    public var maximum: Float?
    /// What the drawing cannot show.
    public var warnings: [MapWarning]

    /// A normalised map. See the properties for the meaning of each value.
    public init(values: [Float], isSigned: Bool, maximum: Float? = nil, warnings: [MapWarning]) {
        self.values = values
        self.isSigned = isSigned
        self.maximum = maximum
        self.warnings = warnings
    }
}

/// A warning about a map that is drawn empty or not completely.
public enum MapWarning: Equatable, Sendable, CustomStringConvertible {
    /// All values are zero.
    case allZero
    /// No value is positive.
    case nowherePositive
    /// All values are this one.
    case constant(Float)
    /// So many of the map's values are not finite.
    case notFinite(count: Int, of: Int)
    /// The largest value, and the smaller value at the high end of the colours.
    case beyondScale(Float, Float)

    /// The warning as text.
    public var description: String {
        switch self {
        case .allZero: "the map is zero everywhere: there is nothing to show"
        case .nowherePositive: "the map is nowhere positive: no region speaks for it, so it is drawn empty"
        case .constant(let value): "the map is \(value) everywhere: it prefers no region, so it is drawn empty"
        case .notFinite(let count, let total):
            "\(count) of the map's \(total) values \(count == 1 ? "is" : "are") not finite; drawn as 0"
        case .beyondScale(let value, let maximum):
            "the map reaches \(value), beyond the scale's \(maximum); what is larger is drawn alike"
        }
    }

    /// The note on the drawing of an empty map. It is nil if the map is not empty.
    func note(about name: String, isAgainst: Bool = false) -> String? {
        let direction = isAgainst ? "against" : "for"
        return switch self {
        case .allZero, .nowherePositive: "nothing speaks \(direction) '\(name)'"
        case .constant: "no region speaks \(direction) '\(name)' more than another"
        case .notFinite, .beyondScale: nil
        }
    }
}
