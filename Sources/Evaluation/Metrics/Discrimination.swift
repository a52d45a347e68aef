/// Discrimination: whether maps distinguish the targets of one image. For two targets whose regions barely overlap, it
/// compares the shares of the two maps in the first target's region. The first target's map should have the larger
/// share.
///
/// A map can point well and still be the same for every word. Such maps have equal shares, which count as one half.
enum Discrimination {
    /// Two regions with a smaller IoU are apart.
    static let overlap = 0.1

    /// The column of the table.
    static let column = MapColumn(name: "discrimination", title: "discrim.", isShare: true)

    /// The rivals of each target: the indices of the targets of the same context whose regions are apart from its own.
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

    /// The share of rivals whose maps have a smaller share in the target's region.
    /// - Parameters:
    ///   - own: the share of the target's map in its region.
    ///   - others: the shares of its rivals' maps in the same region.
    /// - Returns: nil without rivals.
    static func score(own: Double, others: [Double]) -> Ratio? {
        if others.isEmpty { return nil }
        return Ratio(others.reduce(0) { $0 + (own > $1 ? 1 : own == $1 ? 0.5 : 0) }, over: Double(others.count))
    }
}
