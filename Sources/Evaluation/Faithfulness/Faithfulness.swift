import Drawing
import Tensors
import Vision

/// Measures the faithfulness of maps to the model, without boxes: the change of the model's confidence when pixels that
/// a map calls relevant are changed. The preprocessed image is changed.
struct Faithfulness {
    /// The columns of the table.
    static let columns = [
        column("deletion", "deletion"), column("blurring", "blurring"), column("insertion", "insertion"),
        column("averageDrop", "avg. drop"), column("increase", "increase"), column("roadMost", "ROAD most"),
        column("roadLeast", "ROAD least"),
        column("occlusionCorrelation", "Spearman occl.", isShare: false),
    ]

    let maps: ImageMaps
    /// The map of edges, `[u, v]`.
    let edges: Tensor
    /// The image's index, which is the seed of random numbers.
    let image: Int

    private static func column(_ name: String, _ title: String, isShare: Bool = true) -> MapColumn {
        MapColumn(name: name, title: title, isShare: isShare, table: .faithfulness)
    }

    /// The encoder's feature maps of the changed images of one map. All confidences use the same.
    private struct Changed {
        let deleted: Tensor
        let blurredAway: Tensor
        let inserted: Tensor
        let shown: Tensor
        let roadMost: Tensor
        let roadLeast: Tensor
        /// The map, resized to the grid of the occlusion.
        let coarse: [Double]
    }

    /// Adds the figures of all maps and of the references that are maps. Chance is a map of random cells.
    func measure(_ found: inout [TargetFigures]) {
        let whole = maps.features(maps.input)
        let occluded = (0..<OcclusionGrid.side).map { maps.features(OcclusionGrid.images(maps.input, row: $0)) }
        let blurred = DeletionInsertion.blurred(maps.input)
        let references = references().mapValues { changed($0, drawn: $0, blurred: blurred) }
        for (index, target) in maps.targets.enumerated() {
            let before = target.confidences.map { $0(whole)[0] }
            let losses = zip(target.confidences, before).map { confidence, before in
                occluded.flatMap(confidence).map { before - $0 }
            }
            for n in found[index].figures.indices {
                let method = found[index].figures[n].method
                let own = target.maps.first { $0.method == method }
                let score = own?.score ?? 0
                guard target.confidences.indices.contains(score),
                    let changed = own.map({ changed($0, blurred: blurred) }) ?? references[method]
                else { continue }
                let terms = figures(
                    changed, whole: before[score], losses: losses[score], confidence: target.confidences[score])
                found[index].figures[n].terms.merge(terms) { _, new in new }
            }
        }
    }

    /// The figures of one map, by column.
    /// - Parameters:
    ///   - whole: the confidence for the unchanged image.
    ///   - losses: of confidence under occlusion, for each place of the grid.
    private func figures(
        _ changed: Changed, whole: Double, losses: [Double], confidence: Confidence
    ) -> [String: Ratio] {
        func mean(_ features: Tensor) -> Double {
            let found = confidence(features)
            return found.reduce(0, +) / Double(found.count)
        }
        let shown = confidence(changed.shown)[0]
        var terms = [
            "deletion": Ratio(DeletionInsertion.area(confidence(changed.deleted))),
            "blurring": Ratio(DeletionInsertion.area(confidence(changed.blurredAway))),
            "insertion": Ratio(DeletionInsertion.area(confidence(changed.inserted))),
            "averageDrop": Ratio(AverageDrop.drop(whole: whole, shown: shown)),
            "increase": Ratio(AverageDrop.increase(whole: whole, shown: shown)),
            "roadMost": Ratio(mean(changed.roadMost)), "roadLeast": Ratio(mean(changed.roadLeast)),
        ]
        if let correlation = Correlation.spearman(changed.coarse, losses) {
            terms["occlusionCorrelation"] = Ratio(correlation)
        }
        return terms
    }

    /// The changed images of a method's map.
    private func changed(_ map: MapTarget.Map, blurred: Tensor) -> Changed {
        let prepared = maps.prepared(map)
        if map.coversPhotograph {
            let seen = framed(
                prepared.placed(in: maps.placement(of: map)), part: maps.placement.rectangle)
            return changed(seen, drawn: seen, blurred: blurred)
        }
        return changed(framed(prepared.smoothed), drawn: framed(prepared.values), blurred: blurred)
    }

    /// The changed images of a map.
    /// - Parameters:
    ///   - map: at the size of the model's input, before clipping. It gives the order of the pixels.
    ///   - drawn: the same map after clipping.
    ///   - blurred: the first image of insertion.
    private func changed(_ map: Plane, drawn: Plane, blurred: Tensor) -> Changed {
        let input = maps.input, order = RelevanceOrder.pixels(map.values), seed = UInt64(image)
        let coarse = map.resized(width: OcclusionGrid.side, height: OcclusionGrid.side, filter: .bilinear)
        return Changed(
            deleted: maps.features(
                DeletionInsertion.images(from: input, to: Tensor(input.shape), order: order)),
            blurredAway: maps.features(DeletionInsertion.images(from: input, to: blurred, order: order)),
            inserted: maps.features(DeletionInsertion.images(from: blurred, to: input, order: order)),
            shown: maps.features(AverageDrop.shown(input, by: Normalisation.unit(drawn.values).values)),
            roadMost: maps.features(ROAD.images(input, order: order, seed: seed)),
            roadLeast: maps.features(ROAD.images(input, order: order.reversed(), seed: seed)),
            coarse: coarse.values.map(Double.init))
    }

    /// The reference maps at the size of the model's input, by name.
    private func references() -> [String: Plane] {
        let shape = maps.wordBlind.shape
        var random = SeededGenerator(seed: UInt64(image))
        let chance = Tensor(shape, (0..<shape[0] * shape[1]).map { _ in random.uniform() })
        var found = ["word-blind": maps.wordBlind, "edges": edges, "chance": chance].mapValues {
            framed(maps.preparation($0, isOfPixels: false).smoothed)
        }
        found["gaussian"] = ReferenceMaps.gaussian(width: maps.input.shape[2], height: maps.input.shape[1])
        return found
    }

    /// A map `[u, v]`, resized to the model's input.
    private func framed(_ map: Tensor) -> Plane {
        framed(Plane(width: map.shape[1], height: map.shape[0], values: map.array), part: nil)
    }

    /// A part of a map, resized to the model's input.
    private func framed(_ map: Plane, part: Rectangle?) -> Plane {
        map.resized(width: maps.input.shape[2], height: maps.input.shape[1], filter: .bilinear, box: part)
    }
}
