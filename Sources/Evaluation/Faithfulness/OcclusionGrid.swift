import Tensors

/// Occlusion sensitivity (Zeiler & Fergus 2014, arXiv 1311.2901, section 4.2) on a coarse grid: the loss of confidence
/// when a square around each place is covered. It uses only the model's outputs, and maps are compared with it.
enum OcclusionGrid {
    /// Places along one side of the grid.
    static let side = 9

    /// Covers a square of two places a side with the preprocessing's mean colour, which is 0.
    /// - Parameters:
    ///   - image: `[1, H, W, C]`, preprocessed.
    ///   - row: of the grid.
    ///   - side: places along one side of the grid.
    /// - Returns: the image with each place of the row covered, `[side, H, W, C]`.
    static func images(_ image: Tensor, row: Int, side: Int = side) -> Tensor {
        let (height, width, channels) = (image.shape[1], image.shape[2], image.shape[3])
        func span(_ place: Int, _ count: Int) -> Range<Int> {
            max(0, (2 * place - 1) * count / (2 * side))..<min(count, (2 * place + 3) * count / (2 * side))
        }
        return .stacked(
            (0..<side).map { column -> Tensor in
                var values = image.array
                for y in span(row, height) {
                    for x in span(column, width) {
                        for c in 0..<channels { values[(y * width + x) * channels + c] = 0 }
                    }
                }
                return Tensor(image.shape, values)
            })
    }
}
