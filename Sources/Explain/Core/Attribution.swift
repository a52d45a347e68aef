import Tensors

/// One method's result for one target.
public struct Attribution: Sendable {
    /// The method's name.
    public var method: String
    /// What the map lies over.
    public var support: MapSupport
    /// `[u, v]`, raw and signed, at the layer's or the image's own resolution.
    public var map: Tensor
    /// What the method says is doubtful about the map.
    public var warnings: [String]

    /// An attribution; map `[u, v]`, raw and signed.
    public init(method: String, support: MapSupport, map: Tensor, warnings: [String] = []) {
        self.method = method
        self.support = support
        self.map = map
        self.warnings = warnings
    }
}

/// What the cells of a map are.
public enum MapSupport: Equatable, Sendable, CustomStringConvertible {
    /// The cells of a layer, or of several layers whose maps are fused; from the image on.
    case layers([String])
    /// The pixels of the image as the model takes it.
    case pixels

    /// Whether a cell of the map is a pixel of the model's input.
    public var isPixels: Bool { self == .pixels }

    /// As manifests say it: "conv4", "conv1 + conv4", "pixels".
    public var description: String {
        switch self {
        case .layers(let names): names.joined(separator: " + ")
        case .pixels: "pixels"
        }
    }
}
