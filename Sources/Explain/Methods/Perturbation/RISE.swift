import Tensors
import Vision

/// RISE (Petsiuk et al. 2018, arXiv 1806.07421, eq. 6 and section 3.2): the image is seen through N random masks,
/// each of h x h cells that are kept with probability p, enlarged (bilinear) beyond the image and shifted at random
/// by less than a cell; map = 1 / (N p) times the sum over the masks of (y - mean y) M.
///
/// The paper's y is a probability and its sum takes y itself; the mean is taken away here because a score may be
/// negative everywhere, and it leaves 0 where a mask makes no difference. What is masked becomes the preprocessing's
/// mean.
public struct RISE: ExplanationMethod {
    public let name = "rise"
    public let summary = "random masks, weighted by the score of the image seen through them"
    public let paper = "Petsiuk et al. 2018, arXiv 1806.07421"
    public let support = MethodSupport.pixels
    let masks: Int
    let cells: Int
    let keep: Float
    let seed: UInt64

    /// - Parameters:
    ///   - masks: N, the number of masks; the model runs as often.
    ///   - cells: h, cells of a mask along each side.
    ///   - keep: p, the probability that a cell is kept.
    ///   - seed: of the masks; the same seed gives the same map.
    public init(masks: Int = 1000, cells: Int = 7, keep: Float = 0.5, seed: UInt64 = 1) {
        (self.masks, self.cells, self.keep, self.seed) = (masks, cells, keep, seed)
    }

    public func maps(of context: AttributionContext) -> Tensor {
        let image = context.pixels, (height, width) = (image.shape[1], image.shape[2]), pixels = height * width
        var random = SeededGenerator(seed: seed)
        var weighted = [Float](repeating: 0, count: context.count * pixels),
            plain = [Float](repeating: 0, count: pixels)
        var totals = [Float](repeating: 0, count: context.count)
        context.inBatches(masks) { part in
            let masks = part.map { _ in mask(height: height, width: width, using: &random) }
            let values = context.values(ofImages: image.masked(by: masks))
            for (n, mask) in masks.enumerated() {
                for i in 0..<pixels { plain[i] += mask[i] }
                for s in 0..<context.count {
                    let y = values[n, s]
                    totals[s] += y
                    for i in 0..<pixels { weighted[s * pixels + i] += y * mask[i] }
                }
            }
        }
        for s in 0..<context.count {
            let mean = totals[s] / Float(masks)
            for i in 0..<pixels {
                weighted[s * pixels + i] = (weighted[s * pixels + i] - mean * plain[i]) / (Float(masks) * keep)
            }
        }
        return Tensor([context.count, height, width], weighted)
    }

    /// `[height * width]`, 0...1.
    private func mask(height: Int, width: Int, using random: inout SeededGenerator) -> [Float] {
        // The cells that cover the image, and one more each way, so that the grid can be shifted.
        let cellHeight = (height + cells - 1) / cells, cellWidth = (width + cells - 1) / cells
        let grid = Tensor([cells, cells], (0..<cells * cells).map { _ in random.uniform() < keep ? 1 : 0 })
        let (tall, wide) = ((cells + 1) * cellHeight, (cells + 1) * cellWidth)
        let large = grid.enlarged(height: tall, width: wide)
        let down = Int(random.uniform() * Float(cellHeight)), across = Int(random.uniform() * Float(cellWidth))
        return (0..<height).flatMap { row -> ArraySlice<Float> in
            let first = (down + row) * wide + across
            return large[first..<first + width]
        }
    }
}
