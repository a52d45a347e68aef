/// What the values of a map are divided by before they are drawn: which maps can be held against each other.
public enum MapScale: Equatable, Sendable {
    /// Each map's own maximum: every map shows its strongest place, but strengths cannot be compared.
    case each
    /// The largest maximum of all maps of one method in the run.
    case shared
    /// The same positive number for every map, over runs too.
    case fixed(Float)

    /// The scale without its number, as named on the command line and in manifests.
    public enum Kind: String, CaseIterable, Sendable, Codable {
        case each, shared, fixed
    }

    public var kind: Kind {
        switch self {
        case .each: .each
        case .shared: .shared
        case .fixed: .fixed
        }
    }

    /// What a legend says about it.
    public var note: String {
        switch self {
        case .each: "each map by its own maximum"
        case .shared: "one scale for all maps of a method"
        case .fixed: "fixed scale"
        }
    }

    /// What the maps of each method are divided by.
    /// - Parameters:
    ///   - maps: of a whole run: the numbers that are drawn, each with the name of its method. What is not finite does
    ///     not count.
    ///   - isSigned: whether negative values are drawn too.
    public func divisors(of maps: [(method: String, values: [Float])], isSigned: Bool) -> MapDivisors {
        switch self {
        case .each: return MapDivisors(common: nil, byMethod: [:])
        case .fixed(let maximum): return MapDivisors(common: maximum, byMethod: [:])
        case .shared:
            var largest: [String: Float] = [:]
            for (method, values) in maps {
                for value in values where value.isFinite {
                    largest[method] = max(largest[method] ?? 0, isSigned ? abs(value) : value)
                }
            }
            // Where no map of a method has anything to show, its own maximum says so.
            return MapDivisors(common: nil, byMethod: largest.filter { $0.value > 0 })
        }
    }
}

/// What a run's maps are divided by before they are drawn.
public struct MapDivisors: Equatable, Sendable {
    let common: Float?
    let byMethod: [String: Float]

    /// nil: each map by its own maximum.
    public subscript(method: String) -> Float? { byMethod[method] ?? common }

    /// The number that the maps of all these methods are divided by; nil where there is no such number.
    public func shared(by methods: [String]) -> Float? {
        let found = Set(methods.map { self[$0] })
        return found.count == 1 ? found.first ?? nil : nil
    }
}
