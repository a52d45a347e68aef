import Tensors

/// Noisy linear imputation (Rong et al. 2022, arXiv 2202.00449, section 4.2): every pixel taken away becomes the
/// weighted mean of its eight neighbours, 1/6 for those beside it and 1/12 for those across a corner, whether they were
/// taken away themselves or not (a system of linear equations), plus noise. What was taken away leaves no outline that
/// a model could see.
enum NoisyLinearImputation {
    /// Standard deviation of the noise, in the model's own units.
    static let noise: Float = 0.01
    /// The equations are solved by successive over-relaxation until no value moves by more.
    private static let tolerance: Float = 1e-3
    private static let relaxation: Float = 1.9
    private static let mostSweeps = 400

    /// - Parameters:
    ///   - image: `[1, H, W, C]`, C at most 4.
    ///   - removed: true for the pixels to impute, row-major.
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
        // The kept pixels' mean is where the search starts, and all there is where nothing is kept.
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

    /// The weighted mean of the neighbours that lie in the image.
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
