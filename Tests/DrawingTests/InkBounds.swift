import Vision

/// The columns and rows with pixels that are not white. It is nil for a white image.
func inkBounds(_ image: Image) -> (x: ClosedRange<Int>, y: ClosedRange<Int>)? {
    var xs: [Int] = []
    var ys: [Int] = []
    for i in 0..<image.width * image.height where image.pixels[3 * i..<3 * i + 3].contains(where: { $0 < 250 }) {
        xs.append(i % image.width)
        ys.append(i / image.width)
    }
    guard let x0 = xs.min(), let x1 = xs.max(), let y0 = ys.min(), let y1 = ys.max() else { return nil }
    return (x0...x1, y0...y1)
}
