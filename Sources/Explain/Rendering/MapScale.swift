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

    /// What each of a run's maps is divided by; nil: by its own maximum.
    /// - Parameters:
    ///   - maps: the numbers that are drawn, each with the name of its method. What is not finite does not count.
    ///   - isSigned: whether negative values are drawn too.
    public func maxima(of maps: [(method: String, values: [Float])], isSigned: Bool) -> [Float?] {
        switch self {
        case .each: return maps.map { _ in nil }
        case .fixed(let maximum): return maps.map { _ in maximum }
        case .shared:
            var largest: [String: Float] = [:]
            for (method, values) in maps {
                for value in values where value.isFinite {
                    largest[method] = max(largest[method] ?? 0, isSigned ? abs(value) : value)
                }
            }
            // Where no map of a method has anything to show, its own maximum says so.
            return maps.map { map in largest[map.method].flatMap { $0 > 0 ? $0 : nil } }
        }
    }
}
