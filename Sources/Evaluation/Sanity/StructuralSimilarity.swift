import Vision

/// The structural similarity of two maps (Wang et al. 2004, IEEE TIP 13(4), eq. 13), with K1 = 0.01 and K2 = 0.03. The
/// means, variances and the covariance are those of squares of 7 x 7 cells, or of the map's size if it is smaller. The
/// result is the mean over all positions of the square.
enum StructuralSimilarity {
    /// Side of the square, in cells.
    static let side = 7

    /// The mean structural similarity, at most 1.
    /// - Parameters:
    ///   - a: a map in 0...1.
    ///   - b: a map in 0...1 of the same size.
    ///   - side: of the square, in cells.
    static func mean(_ a: Plane, _ b: Plane, side: Int = side) -> Double {
        precondition(a.width == b.width && a.height == b.height, "maps of different sizes")
        let (across, down) = (min(side, a.width), min(side, a.height))
        let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03)
        let count = Double(across * down)
        var total = 0.0
        for top in 0...a.height - down {
            for left in 0...a.width - across {
                var (sumA, sumB, squaresA, squaresB, both) = (0.0, 0.0, 0.0, 0.0, 0.0)
                for y in top..<top + down {
                    for x in left..<left + across {
                        let (p, q) = (Double(a.values[y * a.width + x]), Double(b.values[y * a.width + x]))
                        sumA += p
                        sumB += q
                        squaresA += p * p
                        squaresB += q * q
                        both += p * q
                    }
                }
                let (meanA, meanB) = (sumA / count, sumB / count)
                let variances = squaresA / count - meanA * meanA + squaresB / count - meanB * meanB
                let covariance = both / count - meanA * meanB
                total +=
                    (2 * meanA * meanB + c1) * (2 * covariance + c2)
                    / ((meanA * meanA + meanB * meanB + c1) * (variances + c2))
            }
        }
        return total / Double((a.height - down + 1) * (a.width - across + 1))
    }
}
