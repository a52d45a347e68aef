import Drawing
import Tensors
import Vision

/// What one map adds to the figures.
struct MapFigures {
    /// The method's or the reference's name.
    var method: String
    /// By ``MapColumn/name``. Figures that do not apply to the map are missing.
    var terms: [String: Ratio]
    /// The pixel of the largest value. It is nil if no value is positive.
    var peak: Pixel?
    /// Fields of the map's record.
    var fields: [String: RecordValue] = [:]
}

/// What the maps of one target add to the figures.
struct TargetFigures {
    /// The image's index.
    var image: Int
    /// The target's kind.
    var kind: String
    /// Fields of the target's records.
    var fields: [String: RecordValue]
    /// Of all methods and references.
    var figures: [MapFigures]
}

/// Measures the maps of one image as they are drawn.
struct ImageEvaluation {
    /// The names of the references, which do not depend on the target, in the order of the table.
    static let references = ReferenceMaps.names + ["centre", "chance"]

    let photo: Image
    let maps: ImageMaps
    var options = EvaluationOptions()

    /// The figures of all targets: the source's methods first, then the references.
    /// - Parameter image: the image's index, which is also the seed of random numbers.
    func measure(image: Int) -> [TargetFigures] {
        let cells = maps.wordBlind.shape
        let edges = ReferenceMaps.edges(of: photo, placement: maps.placement, columns: cells[1], rows: cells[0])
        let references = [
            drawn(maps.wordBlind), DrawnMap(ReferenceMaps.gaussian(width: photo.width, height: photo.height)),
            drawn(edges),
        ]
        let rivals = Discrimination.rivals(maps.targets)
        var found = zip(maps.targets, rivals).map { target, rivals in
            TargetFigures(
                image: image, kind: target.kind, fields: target.fields,
                figures: self.references(references, target.region, rivals: rivals.count))
        }
        let methods = methodsOfTargets(rivals)
        for index in found.indices { found[index].figures.insert(contentsOf: methods[index], at: 0) }
        if options.sanity { WordCorrelation.measure(maps, &found) }
        if options.faithfulness { Faithfulness(maps: maps, edges: edges, image: image).measure(&found) }
        return found
    }

    /// The figures of the methods' maps, for each target.
    /// - Parameter rivals: for each target, the indices of its rivals (``Discrimination``).
    private func methodsOfTargets(_ rivals: [[Int]]) -> [[MapFigures]] {
        var found = [[MapFigures]](repeating: [], count: maps.targets.count)
        // By method and target: the share of the target's map in its own region, and the shares of its rivals' maps in
        // it.
        var own: [String: [Int: Double]] = [:]
        var others: [String: [Int: [Double]]] = [:]
        for (index, target) in maps.targets.enumerated() {
            for map in target.maps {
                let mapInRegion = MapInRegion(drawn(maps.prepared(map)), in: target.region)
                found[index].append(measure(mapInRegion, as: map.method, fields: map.fields))
                if rivals[index].isEmpty { continue }
                own[map.method, default: [:]][index] = mapInRegion.sums.shareInside
                for rival in rivals[index] {
                    let share = EnergyInside.share(of: mapInRegion.map.plane, in: maps.targets[rival].region)
                    others[map.method, default: [:]][rival, default: []].append(share)
                }
            }
        }
        for index in found.indices {
            for (n, one) in found[index].enumerated() {
                guard let share = own[one.method]?[index] else { continue }
                let score = Discrimination.score(own: share, others: others[one.method]?[index] ?? [])
                found[index][n].terms[Discrimination.column.name] = score
            }
        }
        return found
    }

    /// The figures of the references for one region.
    /// - Parameter rivals: the number of the target's rivals.
    private func references(_ maps: [DrawnMap], _ region: Region, rivals: Int) -> [MapFigures] {
        // A reference has the same map for all targets, so its shares are equal.
        let tie = rivals > 0 ? Ratio(Double(rivals) / 2, over: Double(rivals)) : nil
        var found = zip(ReferenceMaps.names, maps).map { name, map in
            var one = measure(MapInRegion(map, in: region), as: name)
            one.terms[Discrimination.column.name] = tie
            return one
        }
        let centre = Pixel(x: photo.width / 2, y: photo.height / 2)
        found.append(
            MapFigures(
                method: "centre", terms: [MapMetric.pointing.name: Ratio(PointingGame.score(centre, region))],
                peak: centre))
        var chance: [String: Ratio] = [:]
        for metric in MapMetric.all { chance[metric.name] = metric.chance(region) }
        chance[Discrimination.column.name] = tie
        found.append(MapFigures(method: "chance", terms: chance))
        return found
    }

    /// The map as overlays show it: its positive part divided by its maximum, placed over the image.
    private func drawn(_ map: PreparedMap) -> DrawnMap {
        DrawnMap(map.placed(in: maps.placement), unclipped: map.placedUnclipped(in: maps.placement))
    }

    private func drawn(_ reference: Tensor) -> DrawnMap { drawn(maps.preparation(reference, isOfPixels: false)) }

    /// All metrics of a map.
    private func measure(
        _ mapInRegion: MapInRegion, as method: String, fields: [String: RecordValue] = [:]
    ) -> MapFigures {
        var terms: [String: Ratio] = [:]
        for metric in MapMetric.all { terms[metric.name] = metric.measure(mapInRegion) }
        return MapFigures(method: method, terms: terms, peak: mapInRegion.map.peak, fields: fields)
    }
}
