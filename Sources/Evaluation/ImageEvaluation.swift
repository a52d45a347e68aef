import Drawing
import Tensors
import Vision

/// One map's numbers on the way to the figures.
struct MapFigures {
    var method: String
    /// By ``MapColumn/name``; without the figures that have nothing to say.
    var terms: [String: Ratio]
    var peak: Pixel?
    var fields: [String: RecordValue] = [:]
}

/// One target's numbers, by all methods and references.
struct TargetFigures {
    var image: Int
    var kind: String
    var fields: [String: RecordValue]
    var figures: [MapFigures]
}

/// The maps of one image as they are drawn, held against its targets.
struct ImageEvaluation {
    /// Maps that have nothing to do with the target, in the table's order.
    static let references = ReferenceMaps.names + ["centre", "chance"]

    let photo: Image
    let maps: ImageMaps
    var options = EvaluationOptions()

    /// Numbers of every target, the source's methods first, then the references.
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

    private func methodsOfTargets(_ rivals: [[Int]]) -> [[MapFigures]] {
        var found = [[MapFigures]](repeating: [], count: maps.targets.count)
        // By method and target: the part of the target's map in its own region and in its rivals'.
        var own: [String: [Int: Double]] = [:]
        var others: [String: [Int: [Double]]] = [:]
        for (index, target) in maps.targets.enumerated() {
            for map in target.maps {
                let held = MapInRegion(drawn(maps.prepared(map)), in: target.region)
                found[index].append(measure(held, as: map.method, fields: map.fields))
                if rivals[index].isEmpty { continue }
                own[map.method, default: [:]][index] = held.sums.shareInside
                for rival in rivals[index] {
                    let share = EnergyInside.share(of: held.map.plane, in: maps.targets[rival].region)
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

    private func references(_ maps: [DrawnMap], _ region: Region, rivals: Int) -> [MapFigures] {
        // The same map for all targets: it ties with itself.
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

    /// The map as overlays show it: its positive part over its maximum, placed over the image.
    private func drawn(_ map: PreparedMap) -> DrawnMap {
        DrawnMap(map.placed(in: maps.placement), unclipped: map.placedUnclipped(in: maps.placement))
    }

    private func drawn(_ reference: Tensor) -> DrawnMap { drawn(maps.preparation(reference, isOfPixels: false)) }

    private func measure(
        _ held: MapInRegion, as method: String, fields: [String: RecordValue] = [:]
    ) -> MapFigures {
        var terms: [String: Ratio] = [:]
        for metric in MapMetric.all { terms[metric.name] = metric.measure(held) }
        return MapFigures(method: method, terms: terms, peak: held.map.peak, fields: fields)
    }
}
