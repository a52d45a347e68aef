import Tensors

/// Eigen-CAM (Muhammad & Yeasin 2020, arXiv 2008.00299, section III): the layer's output as a matrix of cells by
/// channels, less its mean over the cells, projected on its first right singular vector: the first principal component.
/// The same for every target.
///
/// A singular vector has no sign: the map gets the one with which it grows where the activations' sum does (which the
/// paper leaves open).
public struct EigenCAM: ExplanationMethod {
    public let name = "eigen-cam"
    public let summary = "the first principal component of a layer's channels, the same for every score"
    public let paper = "Muhammad & Yeasin 2020, arXiv 2008.00299"
    public let support = MethodSupport.layer
    public let hasCounterfactual = false

    /// The method; it has no settings.
    public init() {}

    public func maps(of context: AttributionContext) -> Tensor {
        repeated(Self.map(context.activations), context.count)
    }

    /// activations A `[1, u, v, K] -> [u, v]`
    public static func map(_ activations: Tensor) -> Tensor {
        let (rows, columns, channels) = (activations.shape[1], activations.shape[2], activations.shape[3])
        let cells = rows * columns
        var x = activations.array.map(Double.init)
        for k in 0..<channels {
            let mean = (0..<cells).reduce(0) { $0 + x[$1 * channels + k] } / Double(cells)
            for cell in 0..<cells { x[cell * channels + k] -= mean }
        }
        let activity = (0..<cells).map { cell in x[cell * channels..<(cell + 1) * channels].reduce(0, +) }
        var map = firstComponent(x, cells: cells, channels: channels, start: activity)
        if zip(map, activity).reduce(0, { $0 + $1.0 * $1.1 }) < 0 { map = map.map { -$0 } }
        return Tensor([rows, columns], map.map(Float.init))
    }

    /// X times its first right singular vector, by the power method on X X^T.
    /// - Parameters:
    ///   - x: X, `[cells, channels]`.
    ///   - start: `[cells]`, where the iteration starts.
    private static func firstComponent(_ x: [Double], cells: Int, channels: Int, start: [Double]) -> [Double] {
        func length(_ v: [Double]) -> Double { v.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        var map = start
        // A start that is orthogonal to the component never finds it: any other direction helps.
        for cell in 0..<cells { map[cell] += 1e-3 * Double((cell * 7919) % 101) / 101 * (length(start) + 1) }
        for _ in 0..<2000 {
            let size = length(map)
            guard size > 0 else { return map }
            var v = [Double](repeating: 0, count: channels)
            for cell in 0..<cells {
                let weight = map[cell] / size
                for k in 0..<channels { v[k] += weight * x[cell * channels + k] }
            }
            let norm = length(v)
            guard norm > 0 else { return [Double](repeating: 0, count: cells) }
            let next = (0..<cells).map { cell in
                (0..<channels).reduce(0) { $0 + x[cell * channels + $1] * v[$1] } / norm
            }
            let change = zip(next, map).reduce(0) { max($0, abs($1.0 - $1.1)) }
            map = next
            if change < 1e-7 * length(map) { break }
        }
        return map
    }
}

/// One map for S targets, `[u, v] -> [S, u, v]`.
func repeated(_ map: Tensor, _ count: Int) -> Tensor {
    Variable(map.reshaped([1] + map.shape)).repeated(count).value
}
