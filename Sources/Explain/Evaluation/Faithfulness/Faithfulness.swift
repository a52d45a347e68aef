import Tensors
import Vision

/// How far maps are true to the model, without boxes: what becomes of its confidence when pixels that a map calls
/// relevant are changed. All changes are made to the picture as the model takes it.
struct Faithfulness {
    static let columns = [
        column("deletion", "deletion"), column("insertion", "insertion"), column("averageDrop", "avg. drop"),
        column("increase", "increase"), column("roadMost", "ROAD most"), column("roadLeast", "ROAD least"),
        column("occlusionCorrelation", "Spearman occl.", isShare: false),
    ]

    let maps: PictureMaps
    /// `[u, v]`
    let edges: Tensor
    /// Its number, which seeds what is random.
    let picture: Int

    private static func column(_ name: String, _ title: String, isShare: Bool = true) -> MapColumn {
        MapColumn(name: name, title: title, isShare: isShare, table: .faithfulness)
    }

    /// Adds the figures of every map, and of the references that are maps: chance is a map of random cells.
    func measure(_ found: inout [MeasuredTarget]) {
        let blurred = DeletionInsertion.blurred(maps.input)
        let blank = Tensor(maps.input.shape)
        for (index, target) in maps.targets.enumerated() {
            let losses = target.confidences.map { OcclusionGrid.losses(maps.input, confidence: $0) }
            for n in found[index].measurements.indices {
                let method = found[index].measurements[n].method
                let own = target.maps.first { $0.method == method }
                let score = own?.score ?? 0
                guard target.confidences.indices.contains(score),
                    let plane = own.map({ framed($0.raw) }) ?? reference(method, target: index)
                else { continue }
                let terms = figures(
                    plane, losses: losses[score], blurred: blurred, blank: blank, confidence: target.confidences[score])
                found[index].measurements[n].terms.merge(terms) { _, new in new }
            }
        }
    }

    /// - Parameters:
    ///   - map: over the model's frame, at its size.
    ///   - losses: of the occlusion, ``OcclusionGrid/side`` a side.
    private func figures(
        _ map: Plane, losses: [Double], blurred: Tensor, blank: Tensor, confidence: Confidence
    ) -> [String: Ratio] {
        let input = maps.input
        let order = RelevanceOrder.pixels(map.values)
        let shown = AverageDrop.shown(input, by: Normalisation.unit(map.values).values)
        let sure = confidence(.stacked([input, shown]))
        let seed = UInt64(picture)
        func curve(_ from: Tensor, _ to: Tensor) -> Double {
            DeletionInsertion.area(
                DeletionInsertion.curve(from: from, to: to, order: order, confidence: confidence))
        }
        func road(_ order: [Int]) -> Double {
            ROAD.meanConfidence(input, order: order, seed: seed, confidence: confidence)
        }
        let coarse = map.resized(width: OcclusionGrid.side, height: OcclusionGrid.side, filter: .bilinear)
        var terms = [
            "deletion": Ratio(curve(input, blank)), "insertion": Ratio(curve(blurred, input)),
            "averageDrop": Ratio(AverageDrop.drop(whole: sure[0], shown: sure[1])),
            "increase": Ratio(AverageDrop.increase(whole: sure[0], shown: sure[1])),
            "roadMost": Ratio(road(order)), "roadLeast": Ratio(road(order.reversed())),
        ]
        if let correlation = Correlation.spearman(coarse.values.map(Double.init), losses) {
            terms["occlusionCorrelation"] = Ratio(correlation)
        }
        return terms
    }

    private func reference(_ method: String, target: Int) -> Plane? {
        let shape = maps.wordBlind.shape
        switch method {
        case "word-blind": return framed(maps.wordBlind)
        case "edges": return framed(edges)
        case "gaussian": return ReferenceMaps.gaussian(width: maps.input.shape[2], height: maps.input.shape[1])
        case "chance":
            var random = SeededGenerator(seed: UInt64(picture) << 16 | UInt64(target))
            return framed(Tensor(shape, (0..<shape[0] * shape[1]).map { _ in random.uniform() }))
        default: return nil
        }
    }

    /// A raw map as it is drawn, smoothed, over the model's frame at its size.
    private func framed(_ map: Tensor) -> Plane {
        let smooth = smoothed(map, side: maps.smoothing)
        return Plane(width: map.shape[1], height: map.shape[0], values: smooth.array).resized(
            width: maps.input.shape[2], height: maps.input.shape[1], filter: .bilinear)
    }
}
