/// How a raw map becomes numbers that a colour map can show.
public enum Normalisation: String, CaseIterable, Sendable, Codable {
    /// As it is.
    case raw
    /// max(x, 0) / max over the map: 0...1, zero stays zero. What Grad-CAM figures show.
    case unit
    /// (x - min) / (max - min): 0...1, whatever the sign.
    case minmax
    /// x / max |x|: -1...1, zero stays zero.
    case signed

    /// Normalises a map; never gives a NaN or an infinity.
    ///
    /// Values that are not finite count as 0, and a map with nothing to divide by becomes all 0; each is told by a
    /// warning.
    /// - Parameter values: a map of any shape.
    public func callAsFunction(_ values: [Float]) -> NormalisedMap {
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
        // Double, so that neither the range of huge values nor the inverse of tiny ones overflows.
        switch self {
        case .raw: break
        case .unit:
            if high <= 0 {
                warnings.append(.nowherePositive)
                result = [Float](repeating: 0, count: clean.count)
            } else {
                result = clean.map { $0 > 0 ? Float(Double($0) / Double(high)) : 0 }
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
            let scale = max(Double(high), -Double(low))
            result = clean.map { Float(Double($0) / scale) }
        }
        return NormalisedMap(values: result, isSigned: self == .signed, warnings: warnings)
    }
}

/// A map that can be drawn, and what was wrong with the raw one.
public struct NormalisedMap: Equatable, Sendable {
    public var values: [Float]
    /// True for values in -1...1 about zero; a diverging colour map suits them.
    public var isSigned: Bool
    public var warnings: [MapWarning]

    public init(values: [Float], isSigned: Bool, warnings: [MapWarning]) {
        self.values = values
        self.isSigned = isSigned
        self.warnings = warnings
    }
}

/// Why a map shows less than it seems to.
public enum MapWarning: Equatable, Sendable, CustomStringConvertible {
    case allZero
    case nowherePositive
    case constant(Float)
    case notFinite(count: Int, of: Int)

    public var description: String {
        switch self {
        case .allZero: "the map is zero everywhere: there is nothing to show"
        case .nowherePositive: "the map is nowhere positive: no region speaks for it, so it is drawn empty"
        case .constant(let value): "the map is \(value) everywhere: it prefers no region, so it is drawn empty"
        case .notFinite(let count, let total):
            "\(count) of the map's \(total) values \(count == 1 ? "is" : "are") not finite; drawn as 0"
        }
    }
}
