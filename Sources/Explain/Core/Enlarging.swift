import Tensors
import Vision

extension Tensor {
    /// A map `[u, v]` at another size, row-major: bilinear with half-pixel centres.
    func enlarged(height: Int, width: Int) -> [Float] {
        Plane(width: shape[1], height: shape[0], values: array).resized(width: width, height: height, filter: .bilinear)
            .values
    }
}

extension Variable {
    /// `[1, ...] -> [times, ...]`
    func repeated(_ times: Int) -> Variable { times == 1 ? self : repeatedRows(times) }
}
