import Tensors

/// The image's gradient (Simonyan et al. 2013, arXiv 1312.6034, section 3): dy / dx; map = the largest magnitude over
/// the three channels.
public struct ImageGradient: PixelMethod {
    public let name = "gradient"
    public let summary = "the magnitude of the score's gradient at each pixel"
    public let paper = "Simonyan et al. 2013, arXiv 1312.6034"
    public let reduction = ChannelReduction.largestMagnitude

    /// The method; it has no settings.
    public init() {}

    public func attributions(of context: AttributionContext) -> Tensor {
        context.pixelGradients()
    }
}
