import Vision

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
                guard let own = maps.values(of: target, by: method) else { continue }
                let alike = others.compactMap { b in
                    maps.values(of: maps.targets[b], by: method).flatMap { Correlation.pearson(own, $0) }
                }
                if !alike.isEmpty {
                    found[a].figures[n].terms[column.name] = Ratio(alike.reduce(0, +), over: Double(alike.count))
                }
            }
        }
    }
}

extension ImageMaps {
    /// The values of a method's raw map, row-major. Another tool's maps may differ in their sizes: they are brought to
    /// that of the photograph.
    fileprivate func values(of target: MapTarget, by method: String) -> [Double]? {
        target.maps.first { $0.method == method }.map { map in
            let raw = Plane(width: map.raw.shape[1], height: map.raw.shape[0], values: map.raw.array)
            let (width, height) = (placement.originalWidth, placement.originalHeight)
            let plane = map.coversPhotograph ? raw.resized(width: width, height: height, filter: .bilinear) : raw
            return plane.values.map(Double.init)
        }
    }
}
