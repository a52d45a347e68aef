import Tensors
import Vision

/// Another tool's steps from weighted channels to a map of the model's input, where tools differ (docs/compat.md).
public enum Compatibility: String, CaseIterable, Codable, Sendable {
    /// The paper's Torch code, github.com/ramprs/grad-cam.
    case ramprs
    /// pytorch-grad-cam 1.5.7.
    case pytorchGradCAM = "pytorch-grad-cam"
    /// captum 0.9.0: LayerGradCam and LayerAttribution.interpolate, with their defaults.
    case captum
    /// torch-cam 0.5.0: GradCAM and overlay_mask.
    case torchCAM = "torch-cam"

    enum Resampling: String {
        case bilinear, bicubic, nearest
        /// Bilinear, the outer cells' centres on the outer pixels'.
        case bilinearCorners = "bilinear-align-corners"
    }

    /// Whether Grad-CAM's weights are sums over the cells instead of means.
    var sumsGradients: Bool { self == .ramprs }
    /// Whether what speaks against the score is cut off before anything else.
    var rectifies: Bool { self != .captum }
    var resampling: Resampling {
        switch self {
        case .ramprs: .bilinearCorners
        case .pytorchGradCAM: .bilinear
        case .captum: .nearest
        case .torchCAM: .bicubic
        }
    }
    /// Whether the map is brought to 0...1, (x - min) / (max - min), before it is enlarged, and after.
    var normalises: (before: Bool, after: Bool) {
        switch self {
        case .ramprs: (false, true)
        case .pytorchGradCAM: (true, true)
        case .captum: (false, false)
        case .torchCAM: (true, false)
        }
    }

    /// The tool's map at the layer's resolution, before any normalisation.
    /// - Parameters:
    ///   - map: `[u, v]`, raw and signed.
    ///   - method: the name of the method that made it.
    func raw(_ map: Tensor, method: String) -> Tensor {
        let scale = sumsGradients && method == GradCAM().name ? Float(map.count) : 1
        return Tensor(map.shape, map.array.map { scale * (rectifies ? max(0, $0) : $0) })
    }

    /// What the tool makes of its ``raw(_:method:)`` for an input of `height` x `width` pixels.
    func input(_ raw: Tensor, height: Int, width: Int) -> Tensor {
        var plane = Plane(width: raw.shape[1], height: raw.shape[0], values: raw.array)
        if normalises.before { plane.values = normalised(plane.values) }
        plane = resized(plane, height: height, width: width)
        if normalises.after { plane.values = normalised(plane.values) }
        return Tensor([height, width], plane.values)
    }

    /// Whether the tool takes several layers; the others draw over one.
    var fusesLayers: Bool { self == .pytorchGradCAM || self == .torchCAM }

    /// The maps of several layers as one, each brought to 0...1 and enlarged (bilinear). pytorch-grad-cam: to the
    /// model's input, and their mean. torch-cam: to the finest, and the largest value; its LayerCAM takes tanh of twice
    /// that before (``LayerFusion``, which scales by the maximum instead of by the range).
    /// - Parameters:
    ///   - maps: `[S, u, v]` of each layer.
    ///   - height: of the model's input, in pixels; as `width`.
    /// - Returns: `[S, height, width]`, or `[S, u, v]` of the finest layer's u and v.
    func fuse(_ maps: [Tensor], method: String, height: Int, width: Int) -> Tensor {
        if self == .torchCAM && method == LayerCAM().name { return LayerFusion.fuse(maps) }
        let finest = maps.max { $0.count < $1.count } ?? maps[0], count = finest.shape[0]
        let (high, wide) = self == .torchCAM ? (finest.shape[1], finest.shape[2]) : (height, width)
        var fused = [[Float]](repeating: [Float](repeating: 0, count: high * wide), count: count)
        for layer in maps {
            for s in 0..<count {
                let raw = raw(layer.row(s), method: method)
                let values = Tensor(raw.shape, normalised(raw.array)).enlarged(height: high, width: wide)
                fused[s] = zip(fused[s], values).map { self == .torchCAM ? max($0, $1) : $0 + $1 / Float(maps.count) }
            }
        }
        return Tensor([count, high, wide], fused.flatMap { $0 })
    }

    private func normalised(_ values: [Float]) -> [Float] {
        let low = values.min() ?? 0
        // torch-cam adds 1e-8 and Torch's image package nothing: with a map that is not flat, the same to 7 digits.
        let range = (values.max() ?? 0) - low + 1e-7
        return values.map { ($0 - low) / range }
    }

    private func resized(_ plane: Plane, height: Int, width: Int) -> Plane {
        switch resampling {
        case .bilinear: return plane.resized(width: width, height: height, filter: .bilinear)
        case .bicubic: return plane.resized(width: width, height: height, filter: .bicubic)
        case .nearest:
            let values = (0..<height).flatMap { y in
                (0..<width).map { x in
                    plane.values[y * plane.height / height * plane.width + x * plane.width / width]
                }
            }
            return Plane(width: width, height: height, values: values)
        case .bilinearCorners:
            /// The two cells about a pixel, and the second one's weight.
            func cells(_ count: Int, _ outputs: Int) -> [(Int, Int, Float)] {
                (0..<outputs).map { i in
                    let at = outputs > 1 ? Float(i) * Float(count - 1) / Float(outputs - 1) : 0
                    let first = min(count - 1, Int(at))
                    return (first, min(count - 1, first + 1), at - Float(first))
                }
            }
            let columns = cells(plane.width, width)
            let values = cells(plane.height, height).flatMap { top, bottom, down -> [Float] in
                columns.map { left, right, across in
                    func along(_ row: Int) -> Float {
                        plane.values[row * plane.width + left] * (1 - across)
                            + plane.values[row * plane.width + right] * across
                    }
                    return along(top) * (1 - down) + along(bottom) * down
                }
            }
            return Plane(width: width, height: height, values: values)
        }
    }
}
