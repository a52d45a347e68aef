/// How a raw map becomes numbers that a colour map can show.
public enum Normalisation: String, CaseIterable, Sendable, Codable {
    /// As it is.
    case raw
    /// max(x, 0) / maximum: 0...1, zero stays zero. With the map's own maximum, what Grad-CAM figures show.
    case unit
    /// (x - min) / (max - min): 0...1, whatever the sign.
    case minmax
    /// x / maximum: -1...1, zero stays zero; its own maximum is that of |x|.
    case signed

    /// Normalises a map; never gives a NaN or an infinity.
    ///
    /// Values that are not finite count as 0, and a map with nothing to divide by becomes all 0; each is told by a
    /// warning.
    /// - Parameters:
    ///   - values: a map of any shape.
    ///   - maximum: what `unit` and `signed` divide by, above 0 (see ``MapScale``); what is larger is cut off, with a
    ///     warning. nil: the map's own maximum.
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
        // Double, so that neither the range of huge values nor the inverse of tiny ones overflows.
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

/// A map that can be drawn, and what was wrong with the raw one.
public struct NormalisedMap: Equatable, Sendable {
    public var values: [Float]
    /// True for values in -1...1 about zero; a diverging colour map suits them.
    public var isSigned: Bool
    /// The raw value that 1 stands for; nil where nothing was divided.
    public var maximum: Float?
    public var warnings: [MapWarning]

    public init(values: [Float], isSigned: Bool, maximum: Float? = nil, warnings: [MapWarning]) {
        self.values = values
        self.isSigned = isSigned
        self.maximum = maximum
        self.warnings = warnings
    }
}

/// Why a map shows less than it seems to.
public enum MapWarning: Equatable, Sendable, CustomStringConvertible {
    case allZero
    case nowherePositive
    case constant(Float)
    case notFinite(count: Int, of: Int)
    /// A value and the smaller one that the colours end at.
    case beyondScale(Float, Float)

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

    /// What is written over a drawing in which there is nothing to see; nil where there is.
    func note(about name: String) -> String? {
        switch self {
        case .allZero, .nowherePositive: "nothing speaks for '\(name)'"
        case .constant: "no region speaks for '\(name)' more than another"
        case .notFinite, .beyondScale: nil
        }
    }
}
