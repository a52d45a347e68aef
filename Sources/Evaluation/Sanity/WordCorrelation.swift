/// How alike the raw maps of one caption's words are (or of questions of a kind about one image): Pearson's
/// correlation, averaged over a word's pairs with the others. 1 where every word has the same blob.
enum WordCorrelation {
    static let column = MapColumn(name: "wordCorrelation", title: "between words", isShare: false, table: .sanity)

    /// Adds the figure of every map that has another of the same context beside it, and of the references, which are
    /// the same map for every word.
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
    /// A method's raw map, row-major.
    fileprivate func values(of method: String) -> [Double]? {
        maps.first { $0.method == method }?.raw.array.map(Double.init)
    }
}
