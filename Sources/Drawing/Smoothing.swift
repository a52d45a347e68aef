import Tensors

/// A map whose every cell is the mean of the cells about it. A cell's evidence lies anywhere in what the cell sees,
/// which is several cells wide, so that single cells stand out by chance; their means are steadier.
///
/// Every cell is divided by the same number: outside of the map there is nothing, and a border counts for less.
/// - Parameters:
///   - map: `[u, v]`.
///   - side: cells of the square, odd; 1 leaves the map as it is.
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
