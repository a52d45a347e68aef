import Tensors
import TestSupport
import Vision

/// How often maps have their maximum on the shapes that were asked for, beside what needs no map.
struct ToyPointing {
    private(set) var maps = 0, hits = 0
    private var centre = 0, chance = 0.0, anyShape = 0.0

    var rate: Double { Double(hits) / Double(max(1, maps)) }
    /// The image's centre lies on the shapes.
    var centreRate: Double { Double(centre) / Double(max(1, maps)) }
    /// A pixel at random does.
    var chanceRate: Double { chance / Double(max(1, maps)) }
    /// A pixel at random of any of the scene's shapes does.
    var anyShapeRate: Double { anyShape / Double(max(1, maps)) }

    var description: String {
        func percent(_ share: Double) -> String { "\((1000 * share).rounded() / 10) %" }
        return "maximum on the mask \(percent(rate)) of \(maps); centre \(percent(centreRate)), "
            + "chance \(percent(chanceRate)), chance on some shape \(percent(anyShapeRate))"
    }

    /// Counts one raw map, `[u, v]`: its maximum is the centre of its largest cell, which must be above 0.
    mutating func add(_ map: Tensor, _ placement: Placement, asked: [ToyScene.Shape], in scene: ToyScene) {
        let side = ToyScene.side, values = map.array, (rows, columns) = (map.shape[0], map.shape[1])
        func union(_ shapes: [ToyScene.Shape]) -> [Bool] {
            shapes.map(ToyScene.mask).reduce([Bool](repeating: false, count: side * side)) { a, b in
                zip(a, b).map { $0 || $1 }
            }
        }
        let mask = union(asked), area = Double(mask.count { $0 })
        let best = values.indices.max { values[$0] < values[$1] } ?? 0
        let cell = placement.cell(column: best % columns, row: best / columns, columns: columns, rows: rows)
        let x = Int((cell.x0 + cell.x1) / 2), y = Int((cell.y0 + cell.y1) / 2)
        maps += 1
        if values[best] > 0 && mask[y * side + x] { hits += 1 }
        if mask[side / 2 * side + side / 2] { centre += 1 }
        chance += area / Double(mask.count)
        anyShape += area / Double(max(1, union(scene.shapes).count { $0 }))
    }
}
