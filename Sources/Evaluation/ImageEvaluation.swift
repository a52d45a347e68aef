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
    /// - Throws: what the source of the maps throws for a changed image, with `options.sanity`.
    func measure(image: Int) throws -> [TargetFigures] {
        let cells = maps.wordBlind.shape
        let edges = ReferenceMaps.edges(of: photo, placement: maps.placement, columns: cells[1], rows: cells[0])
        let references = [
            drawn(maps.wordBlind), DrawnMap(ReferenceMaps.gaussian(width: photo.width, height: photo.height)),
            drawn(edges),
        ]
        let rivals = Discrimination.rivals(maps.targets)
        let parts = [
            RivalPart(column: SameWord.column, rivals: SameWord.rivals(maps.targets, rivals: rivals)),
            RivalPart(column: RightPerson.column, rivals: RightPerson.rivals(maps.targets, rivals: rivals)),
        ]
        let difficult = DifficultTargets.find(maps.targets)
        var found = maps.targets.enumerated().map { index, target in
            TargetFigures(
                image: image, kind: target.kind,
                fields: target.fields.merging(difficult[index] ? [DifficultTargets.field: .number(1)] : [:]) { $1 },
                figures: self.references(
                    references, target.region, rivals: rivals[index].count,
                    parts: parts.map { ($0.column, $0.rivals[index].count) }))
        }
        let methods = methodsOfTargets(rivals, parts)
        for index in found.indices { found[index].figures.insert(contentsOf: methods[index], at: 0) }
        if let own = maps.ownCaption, !found.isEmpty {
            ground(own, references: Dictionary(zip(ReferenceMaps.names, references)) { $1 }, &found[0].figures)
        }
        if options.sanity {
            WordCorrelation.measure(maps, &found)
            AnswerCorrelation.measure(maps, &found)
            try Stability.measure(maps, seed: UInt64(image), &found)
        }
        if options.faithfulness { Faithfulness(maps: maps, edges: edges, image: image).measure(&found) }
        return found
    }

    /// The figures of the methods' maps, for each target.
    /// - Parameters:
    ///   - rivals: for each target, the indices of its rivals (``Discrimination``).
    ///   - parts: some of them, which have a column of their own.
    private func methodsOfTargets(_ rivals: [[Int]], _ parts: [RivalPart]) -> [[MapFigures]] {
        var found = [[MapFigures]](repeating: [], count: maps.targets.count)
        // By method and target: the share of the target's map in its own region, and the shares of its rivals' maps in
        // it.
        var own: [String: [Int: Double]] = [:]
        var others: [String: [Int: [(rival: Int, share: Double)]]] = [:]
        for (index, target) in maps.targets.enumerated() {
            for map in target.maps {
                let mapInRegion = MapInRegion(drawn(map), in: target.region)
                found[index].append(measure(mapInRegion, as: map.method, fields: map.fields))
                if rivals[index].isEmpty { continue }
                own[map.method, default: [:]][index] = mapInRegion.sums.shareInside
                for rival in rivals[index] {
                    let share = EnergyInside.share(of: mapInRegion.map.plane, in: maps.targets[rival].region)
                    others[map.method, default: [:]][rival, default: []].append((index, share))
                }
            }
        }
        for index in found.indices {
            for (n, one) in found[index].enumerated() {
                guard let share = own[one.method]?[index] else { continue }
                let rivals = others[one.method]?[index] ?? []
                found[index][n].terms[Discrimination.column.name] = Discrimination.score(
                    own: share, others: rivals.map(\.share))
                for part in parts {
                    found[index][n].terms[part.column.name] = SameWord.score(
                        own: share, others: rivals.filter { part.rivals[index].contains($0.rival) }.map(\.share))
                }
            }
        }
        return found
    }

    /// Adds what the model's own caption tells of each method, to the figures of the image's first target.
    private func ground(_ own: OwnCaption, references: [String: DrawnMap], _ figures: inout [MapFigures]) {
        for n in figures.indices {
            let method = figures[n].method
            guard references[method] != nil || own.methods.contains(method) else { continue }
            let boxes = own.words.map { word in
                (
                    word: word.word,
                    box: references[method]?.box ?? word.maps.first { $0.method == method }.flatMap { drawn($0).box }
                )
            }
            figures[n].fields[GroundedCaption.field] = .text(GroundedCaption(boxes, own.references).text)
        }
    }

    /// The figures of the references for one region.
    /// - Parameters:
    ///   - rivals: the number of the target's rivals.
    ///   - parts: the numbers of those that have a column of their own.
    private func references(
        _ maps: [DrawnMap], _ region: Region, rivals: Int, parts: [(column: MapColumn, rivals: Int)]
    ) -> [MapFigures] {
        // A reference has the same map for all targets, so its shares are equal.
        func tie(_ rivals: Int) -> Ratio? { rivals > 0 ? Ratio(Double(rivals) / 2, over: Double(rivals)) : nil }
        var found = zip(ReferenceMaps.names, maps).map { name, map in
            var one = measure(MapInRegion(map, in: region), as: name)
            one.terms[Discrimination.column.name] = tie(rivals)
            for part in parts { one.terms[part.column.name] = tie(part.rivals) }
            return one
        }
        let centre = Pixel(x: photo.width / 2, y: photo.height / 2)
        found.append(
            MapFigures(
                method: "centre", terms: [MapMetric.pointing.name: Ratio(PointingGame.score(centre, region))],
                peak: centre))
        var chance: [String: Ratio] = [:]
        for metric in MapMetric.all { chance[metric.name] = metric.chance(region) }
        chance[Discrimination.column.name] = tie(rivals)
        for part in parts { chance[part.column.name] = tie(part.rivals) }
        found.append(MapFigures(method: "chance", terms: chance))
        return found
    }

    /// The map as overlays show it: its positive part divided by its maximum, placed over the image.
    private func drawn(_ map: PreparedMap, in placement: Placement) -> DrawnMap {
        DrawnMap(map.placed(in: placement), unclipped: map.placedUnclipped(in: placement))
    }

    private func drawn(_ map: MapTarget.Map) -> DrawnMap { drawn(maps.prepared(map), in: maps.placement(of: map)) }

    private func drawn(_ reference: Tensor) -> DrawnMap {
        drawn(maps.preparation(reference, isOfPixels: false), in: maps.placement)
    }

    /// All metrics of a map.
    private func measure(
        _ mapInRegion: MapInRegion, as method: String, fields: [String: RecordValue] = [:]
    ) -> MapFigures {
        var terms: [String: Ratio] = [:]
        for metric in MapMetric.all { terms[metric.name] = metric.measure(mapInRegion) }
        return MapFigures(method: method, terms: terms, peak: mapInRegion.map.peak, fields: fields)
    }
}

/// Some of each target's rivals, whose comparisons have a column of their own.
struct RivalPart {
    /// The column of the table.
    var column: MapColumn
    /// The indices of the rivals, for each target.
    var rivals: [[Int]]
}
