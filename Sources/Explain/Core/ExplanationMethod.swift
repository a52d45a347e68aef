import Tensors

/// A way from targets to maps. Any method goes with any target.
///
/// A method is one file with its formula and its paper, and an entry in ``Methods``.
public protocol ExplanationMethod: Sendable {
    /// What the command line calls it, as "grad-cam".
    var name: String { get }
    /// What it does, in a line.
    var summary: String { get }
    /// Authors, year and arXiv number or venue.
    var paper: String { get }
    /// What the cells of its maps are.
    var support: MethodSupport { get }
    /// Whether what speaks against a target has a map of its own.
    var hasCounterfactual: Bool { get }
    /// Whether of the gradient it uses the mean over the cells alone, so that where a decoder looked does not enter.
    var takesMeanGradient: Bool { get }
    /// - Returns: `[S, h, w]`, raw and signed: positive speaks for the target, as far as the method knows signs.
    /// - Throws: ``ExplanationError`` where the method does not apply to the model.
    func maps(of context: AttributionContext) throws -> Tensor
    /// The maps of several layers as one, for a method that says how.
    /// - Parameter maps: `[S, u, v]` of each layer, from the image on.
    /// - Returns: `[S, u, v]`; nil where the maps are fused as those of other methods (LayerCAM, eq. 7).
    func fuse(_ maps: [Tensor]) -> Tensor?
}

extension ExplanationMethod {
    /// nil: as other methods.
    public func fuse(_ maps: [Tensor]) -> Tensor? { nil }

    /// True; a method whose maps do not change sign with the target says otherwise.
    public var hasCounterfactual: Bool { true }

    /// False.
    public var takesMeanGradient: Bool { false }
}

/// What a map's cells are.
public enum MethodSupport: String, Codable, Sendable {
    /// Those of any layer.
    case layer
    /// Those of the encoder's last layer, whose output the model's head takes.
    case lastLayer
    /// The pixels of the image as the model takes it.
    case pixels
}

/// A method that asks no more than a layer's output and the targets' derivatives there.
public protocol LayerGradientMethod: ExplanationMethod {
    /// - Parameters:
    ///   - activations: A, `[1, u, v, K]`.
    ///   - gradients: dy_s / dA for S targets, `[S, 1, u, v, K]`.
    /// - Returns: `[S, u, v]`, raw and signed.
    static func maps(activations: Tensor, gradients: Tensor) -> Tensor
}

extension LayerGradientMethod {
    /// ``MethodSupport/layer``
    public var support: MethodSupport { .layer }

    /// The maps of the context's layer, `[S, u, v]`, raw and signed.
    public func maps(of context: AttributionContext) -> Tensor {
        Self.maps(activations: context.activations, gradients: context.gradients)
    }
}

/// A method that says something of every channel of every pixel.
public protocol PixelMethod: ExplanationMethod {
    /// How the three channels of a pixel become its value in the map.
    var reduction: ChannelReduction { get }
    /// `[S, H, W, 3]`, signed.
    func attributions(of context: AttributionContext) throws -> Tensor
}

/// How a pixel's three channels become one number.
public enum ChannelReduction: Sendable {
    /// The largest magnitude (Simonyan et al. 2013, section 3.1): how much the pixel matters, whichever way.
    case largestMagnitude
    /// The sum: what the pixel adds to the target.
    case sum
}

extension PixelMethod {
    /// ``MethodSupport/pixels``
    public var support: MethodSupport { .pixels }

    /// The attributions, reduced over the channels, `[S, H, W]`.
    /// - Throws: what ``attributions(of:)`` throws.
    public func maps(of context: AttributionContext) throws -> Tensor { reduction(try attributions(of: context)) }
}

extension ChannelReduction {
    /// `[..., 3] -> [...]`
    func callAsFunction(_ x: Tensor) -> Tensor {
        let channels = x.shape[x.shape.count - 1], result = Tensor(uninitialized: Array(x.shape.dropLast()))
        for i in 0..<result.count {
            let row = x.pointer + i * channels
            var value: Float = 0
            for c in 0..<channels {
                switch self {
                case .largestMagnitude: value = max(value, abs(row[c]))
                case .sum: value += row[c]
                }
            }
            result.pointer[i] = value
        }
        return withExtendedLifetime((x, result)) { result }
    }
}
