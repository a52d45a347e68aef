import Tensors

/// Gradient times input (Shrikumar et al. 2016, arXiv 1605.01713, section 2.2): x dy / dx, with x as the model takes it
/// (0 is the preprocessing's mean); map = the sum over the three channels, signed.
public struct GradientTimesInput: PixelMethod {
    public let name = "gradient-x-input"
    public let summary = "each pixel times the score's gradient there, signed"
    public let paper = "Shrikumar et al. 2016, arXiv 1605.01713"
    public let reduction = ChannelReduction.sum

    /// The method; it has no settings.
    public init() {}

    public func attributions(of context: AttributionContext) -> Tensor {
        let gradients = ImageGradient().attributions(of: context)
        return (Variable(gradients) * Variable(context.pixels).repeated(context.count)).value
    }
}
