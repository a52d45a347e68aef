import Tensors

/// RefineCAM (Domeniconi et al. 2026, arXiv 2605.14641): the product of the maps of several layers, each made by
/// Grad-CAM++, cut at 0, brought to 0...1, (M - min M) / (max M - min M), and enlarged to the finest layer (bilinear).
/// What early layers draw sharply stays where late layers agree.
///
/// The order of these steps is that of torch-cam. Over one layer the method is Grad-CAM++, with a warning.
public struct RefineCAM: ExplanationMethod {
    public let name = "refine-cam"
    public let summary = "the product of Grad-CAM++'s maps of several layers (give --layer several times)"
    public let paper = "Domeniconi et al. 2026, arXiv 2605.14641"
    public let support = MethodSupport.layer
    /// What makes each layer's maps.
    let base: any ExplanationMethod

    /// - Parameter base: what makes each layer's maps; a method whose maps have a layer's cells.
    public init(base: any ExplanationMethod = GradCAMPlusPlus()) { self.base = base }

    /// The base method's maps of one layer, `[S, u, v]`, raw and signed.
    /// - Throws: what the base method throws.
    public func maps(of context: AttributionContext) throws -> Tensor {
        if context.image.layers.count == 1 {
            for target in 0..<context.count {
                context.warn("refine-cam of one layer is \(base.name); give several --layer", target: target)
            }
        }
        return try base.maps(of: context)
    }

    /// The product of the layers' maps.
    /// - Parameter maps: `[S, u, v]` of each layer, raw.
    /// - Returns: `[S, u, v]` of the finest layer's u and v, 0...1. It is 0 everywhere if a layer has nothing above 0.
    public func fuse(_ maps: [Tensor]) -> Tensor? {
        guard let finest = maps.max(by: { $0.count < $1.count }) else { return nil }
        let (count, height, width) = (finest.shape[0], finest.shape[1], finest.shape[2])
        let products = (0..<count).flatMap { s -> [Float] in
            maps.reduce([Float](repeating: 1, count: height * width)) { product, layer in
                let row = layer.row(s), values = Tensor(row.shape, Self.unit(row.array))
                return zip(product, values.enlarged(height: height, width: width)).map { $0 * $1 }
            }
        }
        return Tensor(finest.shape, products)
    }

    /// The positive part, brought to 0...1; zeros where it is the same everywhere.
    static func unit(_ map: [Float]) -> [Float] {
        let positive = map.map { max(0, $0) }, low = positive.min() ?? 0, range = (positive.max() ?? 0) - low
        return positive.map { range > 0 ? ($0 - low) / range : 0 }
    }
}
