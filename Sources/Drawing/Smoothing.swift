import Tensors

/// Smooths a map: each cell becomes the mean of a square of cells around it. The evidence of a cell is anywhere in its
/// receptive field, which is several cells wide. So a single cell can be large by chance, and the mean is less noisy.
///
/// All sums are divided by the same number. Cells outside of the map count as 0, so that cells at the border become
/// smaller.
/// - Parameters:
///   - map: `[u, v]`.
///   - side: cells along a side of the square, odd. With 1, the map is not changed.
/// - Returns: `[u, v]`
public func smoothed(_ map: Tensor, side: Int) -> Tensor {
    precondition(side >= 1 && side % 2 == 1, "a square of \(side) cells has no middle")
    if side == 1 { return map }
    let (rows, columns) = (map.shape[0], map.shape[1])
    let values = map.array, reach = side / 2
    var result = [Float](repeating: 0, count: values.count)
    for row in 0..<rows {
        for column in 0..<columns {
            var sum: Float = 0
            for y in max(0, row - reach)...min(rows - 1, row + reach) {
                for x in max(0, column - reach)...min(columns - 1, column + reach) { sum += values[y * columns + x] }
            }
            result[row * columns + column] = sum / Float(side * side)
        }
    }
    return Tensor(map.shape, result)
}
