import Tensors

/// SmoothGrad (Smilkov et al. 2017, arXiv 1706.03825, section 3): the mean of dy / dx over images with Gaussian noise
/// of standard deviation sigma = noise x (max x - min x) added. Map = the largest magnitude over the channels.
public struct SmoothGrad: PixelMethod {
    public let name = "smoothgrad"
    public let summary = "the mean gradient at each pixel over noisy images"
    public let paper = "Smilkov et al. 2017, arXiv 1706.03825"
    public let reduction = ChannelReduction.largestMagnitude
    /// The paper's 50 and 10 to 20 %.
    let samples: Int
    let noise: Float
    let seed: UInt64

    /// - Parameters:
    ///   - samples: noisy images; the model runs forwards and backwards once for each. The paper takes 50.
    ///   - noise: sigma as a part of the range of the image's values. The paper takes 0.1 to 0.2.
    ///   - seed: of the noise; the same seed gives the same map.
    public init(samples: Int = 50, noise: Float = 0.15, seed: UInt64 = 1) {
        (self.samples, self.noise, self.seed) = (samples, noise, seed)
    }

    public func attributions(of context: AttributionContext) -> Tensor {
        let x = context.pixels.array, shape = context.pixels.shape
        let sigma = noise * ((x.max() ?? 0) - (x.min() ?? 0))
        var random = SeededGenerator(seed: seed)
        return context.meanGradients(samples) { _ in Tensor(shape, x.map { $0 + sigma * random.normal() }) }
    }
}

extension AttributionContext {
    /// The mean over N images of dy_s / dx, `[S, H, W, 3]`.
    /// - Parameter image: the n-th, `[1, H, W, 3]`; asked for in order.
    func meanGradients(_ samples: Int, image: (Int) -> Tensor) -> Tensor {
        var sum = Variable(Tensor([count] + self.pixels.shape))
        inBatches(samples, of: 1) { sum = sum + Variable(gradients(at: image($0.lowerBound))) }
        return sum.scaled(by: 1 / Float(samples)).value.reshaped([count] + self.pixels.shape.dropFirst())
    }
}
