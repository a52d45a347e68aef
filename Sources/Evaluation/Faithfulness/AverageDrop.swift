import Tensors

/// Average drop and increase in confidence (Chattopadhay et al. 2018, arXiv 1710.11063, section 4.1): the change of the
/// model's confidence when the image is multiplied by the map.
enum AverageDrop {
    /// The image times the map. Where the map is 0, the image has the preprocessing's mean colour, which is 0.
    /// - Parameters:
    ///   - image: `[1, H, W, C]`, preprocessed.
    ///   - map: one value in 0...1 for each pixel.
    static func shown(_ image: Tensor, by map: [Float]) -> Tensor {
        precondition(map.count == image.shape[1] * image.shape[2], "a map of another size")
        let channels = image.shape[3]
        return Tensor(image.shape, image.array.enumerated().map { $1 * map[$0 / channels] })
    }

    /// The share of the confidence that is lost, 0...1. It is 0 if the confidence grows. A faithful map has a small
    /// drop.
    static func drop(whole: Double, shown: Double) -> Double { whole > 0 ? max(0, whole - shown) / whole : 0 }

    /// 1 if the confidence grows, else 0.
    static func increase(whole: Double, shown: Double) -> Double { shown > whole ? 1 : 0 }
}
