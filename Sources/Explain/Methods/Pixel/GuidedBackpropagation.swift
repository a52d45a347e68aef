import Tensors

/// Guided backpropagation (Springenberg et al. 2014, arXiv 1412.6806, section 3.4): the gradient at the pixels, where
/// every ReLU passes back only what is positive, and only where it was active itself: g_in = g_out (x > 0) (g_out > 0).
/// Map = the largest magnitude over the channels.
public struct GuidedBackpropagation: PixelMethod {
    public let name = "guided-backpropagation"
    public let summary = "the gradient at each pixel, positive through every active ReLU"
    public let paper = "Springenberg et al. 2014, arXiv 1412.6806"
    public let reduction = ChannelReduction.largestMagnitude

    /// The method; it has no settings.
    public init() {}

    public func attributions(of context: AttributionContext) -> Tensor { context.guidedGradients }
}
