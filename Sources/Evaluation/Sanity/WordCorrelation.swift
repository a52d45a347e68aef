/// The similarity of the raw maps of one caption's words, or of the questions of a kind about one image: the mean of
/// Pearson's correlation of a word's map with the others. It is 1 if all words have the same map.
enum WordCorrelation {
    /// The column of the table.
    static let column = MapColumn(name: "wordCorrelation", title: "between words", isShare: false, table: .sanity)

    /// Adds the figure of the maps of all targets that share their context with another target. A reference has the
    /// same map for all targets, so its figure is 1.
    static func measure(_ maps: ImageMaps, _ found: inout [TargetFigures]) {
        for (a, target) in maps.targets.enumerated() {
            let others = maps.targets.indices.filter { $0 != a && maps.targets[$0].context == target.context }
            for n in found[a].figures.indices {
                let method = found[a].figures[n].method
                if ReferenceMaps.names.contains(method) {
                    found[a].figures[n].terms[column.name] =
                        others.isEmpty ? nil : Ratio(Double(others.count), over: Double(others.count))
                    continue
                }
                guard let own = target.values(of: method) else { continue }
                let alike = others.compactMap { b in
                    maps.targets[b].values(of: method).flatMap { Correlation.pearson(own, $0) }
                }
                if !alike.isEmpty {
                    found[a].figures[n].terms[column.name] = Ratio(alike.reduce(0, +), over: Double(alike.count))
                }
            }
        }
    }
}

extension MapTarget {
    /// The values of a method's raw map, row-major.
    fileprivate func values(of method: String) -> [Double]? {
        maps.first { $0.method == method }?.raw.array.map(Double.init)
    }
}
