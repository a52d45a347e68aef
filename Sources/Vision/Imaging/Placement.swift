/// The position of the model's input (its *frame*) in the photograph, and the conversion of coordinates between them.
///
/// Coordinates are in pixels, fractional, x to the right and y down. A pixel's centre is at its index + 0.5.
public struct Placement: Codable, Equatable, Sendable {
    public let originalWidth: Int
    public let originalHeight: Int
    public let modelWidth: Int
    public let modelHeight: Int
    /// The part of the original that the model sees, in pixels of the original.
    public let rectangle: Rectangle

    public init(
        originalWidth: Int, originalHeight: Int, modelWidth: Int, modelHeight: Int, rectangle: Rectangle
    ) {
        precondition(originalWidth > 0 && originalHeight > 0 && modelWidth > 0 && modelHeight > 0 && !rectangle.isEmpty)
        self.originalWidth = originalWidth
        self.originalHeight = originalHeight
        self.modelWidth = modelWidth
        self.modelHeight = modelHeight
        self.rectangle = rectangle
    }

    /// Converts a point of the model's frame to the original.
    public func toOriginal(x: Double, y: Double) -> (x: Double, y: Double) {
        (
            rectangle.x0 + x * rectangle.width / Double(modelWidth),
            rectangle.y0 + y * rectangle.height / Double(modelHeight)
        )
    }

    /// Converts a point of the original to the model's frame. The result is outside the frame if the model does not see
    /// the point.
    public func toModel(x: Double, y: Double) -> (x: Double, y: Double) {
        (
            (x - rectangle.x0) * Double(modelWidth) / rectangle.width,
            (y - rectangle.y0) * Double(modelHeight) / rectangle.height
        )
    }

    /// Converts a box of the model's frame to the original.
    public func toOriginal(_ box: Rectangle) -> Rectangle {
        let (x0, y0) = toOriginal(x: box.x0, y: box.y0), (x1, y1) = toOriginal(x: box.x1, y: box.y1)
        return Rectangle(x0: x0, y0: y0, x1: x1, y1: y1)
    }

    /// Converts a box of the original to the model's frame. It is not clipped to the frame.
    public func toModel(_ box: Rectangle) -> Rectangle {
        let (x0, y0) = toModel(x: box.x0, y: box.y0), (x1, y1) = toModel(x: box.x1, y: box.y1)
        return Rectangle(x0: x0, y0: y0, x1: x1, y1: y1)
    }

    /// The part of the original under one cell of a map with `columns` x `rows` cells over the model's frame.
    public func cell(column: Int, row: Int, columns: Int, rows: Int) -> Rectangle {
        let w = Double(modelWidth) / Double(columns), h = Double(modelHeight) / Double(rows)
        return toOriginal(
            Rectangle(x0: Double(column) * w, y0: Double(row) * h, x1: Double(column + 1) * w, y1: Double(row + 1) * h))
    }

    /// Resamples a map over the model's frame to the whole original: bilinear with half-pixel centres, antialiased
    /// where it shrinks. Pixels that the model did not see get the value `outside`.
    /// - Parameter map: any number of cells; together they cover the frame evenly
    /// - Returns: `originalWidth` x `originalHeight`
    public func toOriginal(_ map: Plane, filter: ResizeFilter = .bilinear, outside: Float = 0) -> Plane {
        let x = Self.covered(rectangle.x0, rectangle.x1, originalWidth)
        let y = Self.covered(rectangle.y0, rectangle.y1, originalHeight)
        let across = Double(map.width) / rectangle.width, down = Double(map.height) / rectangle.height
        let inner = map.resampled(
            columns: ResampleWeights(
                inputs: map.width, start: (Double(x.lowerBound) - rectangle.x0) * across, step: across,
                outputs: x.count,
                filter: filter),
            rows: ResampleWeights(
                inputs: map.height, start: (Double(y.lowerBound) - rectangle.y0) * down, step: down, outputs: y.count,
                filter: filter))
        if x.count == originalWidth && y.count == originalHeight { return inner }
        var values = [Float](repeating: outside, count: originalWidth * originalHeight)
        for row in y {
            let from = (row - y.lowerBound) * inner.width, to = row * originalWidth + x.lowerBound
            values.replaceSubrange(to..<to + inner.width, with: inner.values[from..<from + inner.width])
        }
        return Plane(width: originalWidth, height: originalHeight, values: values)
    }

    /// The same for a map given as a row-major array of `height` rows of `width` cells.
    public func toOriginal(_ map: [Float], width: Int, height: Int) -> Plane {
        toOriginal(Plane(width: width, height: height, values: map))
    }

    /// The pixels whose centres are in `low..<high`; at least one.
    private static func covered(_ low: Double, _ high: Double, _ count: Int) -> Range<Int> {
        let first = min(count - 1, max(0, Int((low - 0.5).rounded(.up))))
        return first..<max(first + 1, min(count, Int((high - 0.5).rounded(.up))))
    }
}
