import Foundation
import Tensors

/// Maps of several layers as one (Jiang et al. 2021, IEEE TIP 30, section III-C, eq. 7): each layer's positive part M
/// becomes tanh(gamma M / max M) with gamma 2, so that faint layers count too; enlarged to the finest (bilinear), the
/// largest value at each cell is the map's.
enum LayerFusion {
    private static let gamma: Float = 2

    /// - Parameter maps: `[S, u, v]` of each layer.
    /// - Returns: `[S, u, v]` of the finest layer's u and v, nowhere negative.
    static func fuse(_ maps: [Tensor]) -> Tensor {
        let finest = maps.max { $0.count < $1.count } ?? maps[0]
        let (count, height, width) = (finest.shape[0], finest.shape[1], finest.shape[2])
        var result = [Float](repeating: 0, count: finest.count)
        for layer in maps {
            for s in 0..<count {
                let map = layer.row(s), largest = map.array.max() ?? 0
                guard largest > 0 else { continue }
                let scaled = Tensor(map.shape, map.array.map { tanh(gamma * max(0, $0) / largest) })
                for (cell, value) in scaled.enlarged(height: height, width: width).enumerated() {
                    result[s * height * width + cell] = max(result[s * height * width + cell], value)
                }
            }
        }
        return Tensor(finest.shape, result)
    }
}
