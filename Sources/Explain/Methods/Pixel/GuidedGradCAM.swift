import Tensors
import Vision

/// Guided Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391, section 3.2): guided backpropagation times the positive
/// part of Grad-CAM's map, enlarged to the image (bilinear). Map = the largest magnitude over the channels.
///
/// Of several layers the last is taken.
public struct GuidedGradCAM: PixelMethod {
    public let name = "guided-grad-cam"
    public let summary = "guided backpropagation where Grad-CAM's map is positive"
    public let paper = "Selvaraju et al. 2017, arXiv 1610.02391, section 3.2"
    public let reduction = ChannelReduction.largestMagnitude

    /// The method; it has no settings.
    public init() {}

    public func attributions(of context: AttributionContext) -> Tensor {
        let guided = context.guidedGradients, maps = GradCAM().maps(of: context)
        let (height, width, channels) = (guided.shape[1], guided.shape[2], guided.shape[3])
        let result = Tensor(uninitialized: guided.shape)
        for s in 0..<context.count {
            let map = maps.row(s), positive = Tensor(map.shape, map.array.map { max(0, $0) })
            for (pixel, value) in positive.enlarged(height: height, width: width).enumerated() {
                let from = (s * height * width + pixel) * channels
                for c in from..<from + channels { result.pointer[c] = guided.pointer[c] * value }
            }
        }
        return withExtendedLifetime((guided, result)) { result }
    }
}
