import Foundation
import Tensors

/// Deletion and insertion (Petsiuk et al. 2018, arXiv 1806.07421, section 4.3): the model's confidence while pixels are
/// deleted or inserted, the most relevant first.
///
/// The figure is the area under the curve of the confidence over the share of changed pixels, 0...1, by the trapezoidal
/// rule. A faithful map has a small area for deletion and a large one for insertion.
enum DeletionInsertion {
    /// The number of steps from the first image to the last.
    static let steps = 10

    /// Changes one image into another in steps.
    /// - Parameters:
    ///   - from: the first image, `[1, H, W, C]`.
    ///   - to: the last image, of the same shape.
    ///   - order: the indices of the pixels, in the order in which they are changed.
    ///   - steps: steps of equal numbers of pixels.
    /// - Returns: the images after 0...steps steps, `[steps + 1, H, W, C]`.
    static func images(from: Tensor, to: Tensor, order: [Int], steps: Int = steps) -> Tensor {
        precondition(
            from.shape == to.shape && order.count == from.shape[1] * from.shape[2],
            "the images and the order have different sizes")
        let channels = from.shape[3]
        let end = to.array
        var values = from.array
        var images: [Tensor] = [from]
        for step in 1...steps {
            let range =
                RelevanceOrder.taken(
                    step - 1, of: steps, pixels: order.count)..<RelevanceOrder.taken(
                    step, of: steps, pixels: order.count)
            for pixel in order[range] {
                for c in pixel * channels..<(pixel + 1) * channels { values[c] = end[c] }
            }
            images.append(Tensor(from.shape, values))
        }
        return .stacked(images)
    }

    /// The area under a curve of equally spaced values over 0...1.
    static func area(_ curve: [Double]) -> Double {
        precondition(curve.count > 1, "a curve needs two values")
        return zip(curve, curve.dropFirst()).reduce(0) { $0 + ($1.0 + $1.1) / 2 } / Double(curve.count - 1)
    }

    /// The first image of insertion, blurred by a Gaussian. The standard deviation is 1/45 of the width (5 pixels of
    /// 224, as in the paper's code). Pixels beyond the image have the value of the nearest pixel.
    /// - Parameter image: `[1, H, W, C]`
    static func blurred(_ image: Tensor) -> Tensor {
        let (height, width, channels) = (image.shape[1], image.shape[2], image.shape[3])
        let deviation = Double(width) / 45
        let reach = Int((3 * deviation).rounded(.up))
        let bell = (-reach...reach).map { Float(exp(-Double($0 * $0) / (2 * deviation * deviation))) }
        let sum = bell.reduce(0, +)
        /// Blurs along one axis. Each of `starts` is the index of the first of `count` values, which are `stride`
        /// apart.
        func blur(_ values: [Float], count: Int, stride: Int, starts: [Int]) -> [Float] {
            var result = values
            for start in starts {
                for i in 0..<count {
                    var total: Float = 0
                    for (k, weight) in bell.enumerated() {
                        total += weight * values[start + min(count - 1, max(0, i + k - reach)) * stride]
                    }
                    result[start + i * stride] = total / sum
                }
            }
            return result
        }
        let across = blur(
            image.array, count: width, stride: channels,
            starts: (0..<height).flatMap { y in (0..<channels).map { y * width * channels + $0 } })
        return Tensor(
            image.shape,
            blur(across, count: height, stride: width * channels, starts: Array(0..<width * channels)))
    }
}
