/// The number that a map is divided by before it is drawn. Maps that are divided by the same number can be compared.
public enum MapScale: Equatable, Sendable {
    /// Each map's own maximum, times the strength of its evidence (``MapEvidence/strength``). A map without evidence is
    /// drawn gray.
    case evidence
    /// Each map's own maximum. Every map shows its largest values, but maps cannot be compared.
    case each
    /// The largest maximum of all maps of a method in the run.
    case shared
    /// The same positive number for every map, also in different runs.
    case fixed(Float)

    /// The kind of a scale, as the command line and manifests name it.
    public enum Kind: String, CaseIterable, Sendable, Codable {
        case evidence, each, shared, fixed
    }

    /// The scale without its number.
    public var kind: Kind {
        switch self {
        case .evidence: .evidence
        case .each: .each
        case .shared: .shared
        case .fixed: .fixed
        }
    }

    /// The note about the scale in a legend.
    public var note: String {
        switch self {
        case .evidence: "1: all of its probability comes from the image"
        case .each: "each map by its own maximum"
        case .shared: "one scale for all maps of a method"
        case .fixed: "fixed scale"
        }
    }

    /// The divisors of a run's maps.
    /// - Parameters:
    ///   - maps: all maps of the run as they are drawn, each with the name of its method. Values that are not finite do
    ///     not count. Only ``shared`` uses them.
    ///   - isSigned: whether negative values are drawn too.
    public func divisors(of maps: [(method: String, values: [Float])], isSigned: Bool) -> MapDivisors {
        switch self {
        case .each, .evidence: return MapDivisors(common: nil, byMethod: [:])
        case .fixed(let maximum): return MapDivisors(common: maximum, byMethod: [:])
        case .shared:
            var largest: [String: Float] = [:]
            for (method, values) in maps {
                for value in values where value.isFinite {
                    largest[method] = max(largest[method] ?? 0, isSigned ? abs(value) : value)
                }
            }
            // A method without a value to draw has no divisor. Its maps are normalised by their own maxima, with a
            // warning.
            return MapDivisors(common: nil, byMethod: largest.filter { $0.value > 0 })
        }
    }
}

/// The divisors of a run's maps.
public struct MapDivisors: Equatable, Sendable {
    let common: Float?
    let byMethod: [String: Float]

    /// The divisor of a method's maps. It is nil if each map is divided by its own maximum.
    public subscript(method: String) -> Float? { byMethod[method] ?? common }

    /// The common divisor of several methods' maps. It is nil if they have different ones or none.
    public func shared(by methods: [String]) -> Float? {
        let found = Set(methods.map { self[$0] })
        return found.count == 1 ? found.first ?? nil : nil
    }
}
