import Tensors

/// Deconvnet (Zeiler & Fergus 2014, arXiv 1311.2901, section 2.1): the gradient at the pixels, where every ReLU passes
/// back what is positive, active itself or not: g_in = g_out (g_out > 0). Map = the largest magnitude over the
/// channels.
public struct Deconvnet: PixelMethod {
    public let name = "deconvnet"
    public let summary = "the gradient at each pixel, positive through every ReLU"
    public let paper = "Zeiler & Fergus 2014, arXiv 1311.2901"
    public let reduction = ChannelReduction.largestMagnitude

    /// The method; it has no settings.
    public init() {}

    public func attributions(of context: AttributionContext) -> Tensor {
        context.pixelGradients(relu: .deconvolution)
    }
}
