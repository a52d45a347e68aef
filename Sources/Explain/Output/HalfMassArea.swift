extension ManifestMap {
    /// The smallest part of a map's cells that holds half of its positive mass, 0...1: small where the map points at
    /// one place, 0.5 where it is even, larger never.
    ///
    /// The cells are taken from the largest down. Of the last one only the part counts that is needed, so that the
    /// figure does not depend on how many cells a map has: an even map has 0.5, and one cell alone half of a cell.
    /// - Parameter values: of all cells, in any order, finite.
    /// - Returns: nil where no value is positive.
    static func halfMassArea(_ values: [Float]) -> Float? {
        let positive = values.filter { $0 > 0 && $0.isFinite }.sorted(by: >)
        if positive.isEmpty { return nil }
        // In Double, sums of very large values are still finite.
        var rest = positive.reduce(0.0) { $0 + Double($1) } / 2, cells = 0.0
        for value in positive {
            if Double(value) >= rest { return Float((cells + rest / Double(value)) / Double(values.count)) }
            rest -= Double(value)
            cells += 1
        }
        return Float(cells / Double(values.count))
    }
}
