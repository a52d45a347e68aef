/// Whether maps tell the things of one image apart: for two targets whose regions barely overlap, does each one's map
/// hold a larger share of itself in its own region than the other one's map does?
///
/// A map can point well and still be the same blob for every word; such maps tie, and a tie counts half.
enum Discrimination {
    /// Regions that overlap less are apart.
    static let overlap = 0.1

    static let column = MapColumn(name: "discrimination", title: "discrim.", isShare: true)

    /// For each target those of its own context whose regions lie apart from its own.
    static func rivals(_ targets: [MapTarget]) -> [[Int]] {
        var found = [[Int]](repeating: [], count: targets.count)
        for a in targets.indices {
            for b in targets.indices.dropFirst(a + 1)
            where targets[a].context == targets[b].context && targets[a].region.iou(targets[b].region) < overlap {
                found[a].append(b)
                found[b].append(a)
            }
        }
        return found
    }

    /// - Parameters:
    ///   - own: the part of the target's map in its region.
    ///   - others: the parts of its rivals' maps in the same region.
    /// - Returns: nil without rivals.
    static func score(own: Double, others: [Double]) -> Ratio? {
        if others.isEmpty { return nil }
        return Ratio(others.reduce(0) { $0 + (own > $1 ? 1 : own == $1 ? 0.5 : 0) }, over: Double(others.count))
    }
}
