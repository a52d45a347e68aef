import Tensors

/// Average drop and increase in confidence (Chattopadhay et al. 2018, arXiv 1710.11063, section 4.1): what becomes of
/// the model's confidence when only what the map shows is left of the image.
enum AverageDrop {
    /// The image times the map: where the map is 0, the model's mean colour, which is 0 to it.
    /// - Parameters:
    ///   - image: `[1, H, W, C]`, prepared.
    ///   - map: 0...1, one value a pixel.
    static func shown(_ image: Tensor, by map: [Float]) -> Tensor {
        precondition(map.count == image.shape[1] * image.shape[2], "a map of another size")
        let channels = image.shape[3]
        return Tensor(image.shape, image.array.enumerated().map { $1 * map[$0 / channels] })
    }

    /// The part of the confidence that is lost, 0...1; 0 where it grows. Small is faithful.
    static func drop(whole: Double, shown: Double) -> Double { whole > 0 ? max(0, whole - shown) / whole : 0 }

    /// 1 where the confidence grows, else 0.
    static func increase(whole: Double, shown: Double) -> Double { shown > whole ? 1 : 0 }
}
