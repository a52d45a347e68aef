import Tensors

/// Noisy linear imputation (Rong et al. 2022, arXiv 2202.00449, section 4.2). Each removed pixel becomes the weighted
/// mean of its eight neighbours, plus noise. The weights are 1/6 for neighbours at an edge and 1/12 for those at a
/// corner. Neighbours may be removed pixels too, so the means are a system of linear equations. A model cannot see the
/// outline of the removed pixels.
enum NoisyLinearImputation {
    /// Standard deviation of the noise, in units of the preprocessed image.
    static let noise: Float = 0.01
    /// Successive over-relaxation solves the equations. It stops when no value changes by more than this.
    private static let tolerance: Float = 1e-3
    private static let relaxation: Float = 1.9
    private static let mostSweeps = 400

    /// Imputes the removed pixels. Without a kept pixel, their mean is 0.
    /// - Parameters:
    ///   - image: `[1, H, W, C]`, with C at most 4.
    ///   - removed: whether each pixel is removed, row-major.
    ///   - noise: standard deviation of the noise.
    ///   - seed: of the noise.
    ///   - tolerance: of the solution.
    /// - Returns: `[1, H, W, C]`
    static func impute(
        _ image: Tensor, removed: [Bool], noise: Float = noise, seed: UInt64, tolerance: Float = tolerance
    ) -> Tensor {
        let (height, width, channels) = (image.shape[1], image.shape[2], image.shape[3])
        precondition(removed.count == height * width && channels <= 4, "\(image.shape) and \(removed.count) pixels")
        let values = image.array
        var pixels = removed.indices.map { pixel in
            (0..<channels).reduce(into: SIMD4<Float>.zero) { $0[$1] = values[pixel * channels + $1] }
        }
        let kept = removed.indices.filter { !removed[$0] }
        // The solution starts from the mean of the kept pixels.
        let mean = kept.isEmpty ? .zero : kept.reduce(SIMD4<Float>.zero) { $0 + pixels[$1] } / Float(kept.count)
        let unknown = removed.indices.filter { removed[$0] }
        for pixel in unknown { pixels[pixel] = mean }
        if !kept.isEmpty {
            pixels.withUnsafeMutableBufferPointer { pixels in
                for _ in 0..<mostSweeps {
                    var largest: Float = 0
                    for pixel in unknown {
                        let move = neighbours(of: pixel, in: pixels, width: width, height: height) - pixels[pixel]
                        pixels[pixel] += relaxation * move
                        largest = max(largest, (move * move).max())
                    }
                    if largest < tolerance * tolerance { break }
                }
            }
        }
        var random = SeededGenerator(seed: seed)
        var result = values
        for pixel in unknown {
            for c in 0..<channels { result[pixel * channels + c] = pixels[pixel][c] + noise * random.normal() }
        }
        return Tensor(image.shape, result)
    }

    /// The weighted mean of the neighbours that are in the image.
    private static func neighbours(
        of pixel: Int, in pixels: UnsafeMutableBufferPointer<SIMD4<Float>>, width: Int, height: Int
    ) -> SIMD4<Float> {
        let (x, y) = (pixel % width, pixel / width)
        if x > 0, x + 1 < width, y > 0, y + 1 < height {
            let beside = pixels[pixel - 1] + pixels[pixel + 1] + pixels[pixel - width] + pixels[pixel + width]
            let above = pixels[pixel - width - 1] + pixels[pixel - width + 1]
            let below = pixels[pixel + width - 1] + pixels[pixel + width + 1]
            return beside / 6 + (above + below) / 12
        }
        var sum = SIMD4<Float>.zero
        var weights: Float = 0
        for row in max(0, y - 1)...min(height - 1, y + 1) {
            for column in max(0, x - 1)...min(width - 1, x + 1) where row != y || column != x {
                let weight: Float = row == y || column == x ? 1 / 6 : 1 / 12
                sum += weight * pixels[row * width + column]
                weights += weight
            }
        }
        return weights > 0 ? sum / weights : pixels[pixel]
    }
}
