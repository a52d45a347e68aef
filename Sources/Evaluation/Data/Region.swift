import Vision

/// The region of an image that a map should show: a set of pixels, given by boxes or a mask.
public struct Region: Equatable, Sendable {
    /// The width of the image, in pixels.
    public let width: Int
    /// The height of the image, in pixels.
    public let height: Int
    /// Whether each pixel is in the region, row-major `[height, width]`.
    public let mask: [Bool]
    /// The region's pixels as runs of indices in ``mask``, in rising order. No run touches the next.
    let runs: [Range<Int>]
    /// The number of the region's pixels, at least 1.
    public let count: Int
    /// The boxes, clipped to the image. A mask has one box around it.
    public let boxes: [Rectangle]

    /// The region's share of the image's pixels, 0...1.
    public var share: Double { Double(count) / Double(mask.count) }

    /// The pixels whose centres are in one of the boxes. A box that is too thin for a pixel's centre has the pixel at
    /// the centre of the box.
    /// - Parameters:
    ///   - boxes: in pixels of the image. They are clipped to the image.
    ///   - width: of the image, in pixels.
    ///   - height: of the image, in pixels.
    /// - Returns: nil if no part of the boxes is in the image.
    public init?(boxes: [Rectangle], width: Int, height: Int) {
        let frame = Rectangle(x0: 0, y0: 0, x1: Double(width), y1: Double(height))
        let inside = boxes.filter { $0.x0 < frame.x1 && $0.x1 > 0 && $0.y0 < frame.y1 && $0.y1 > 0 }
            .map { $0.intersection(frame) }
        if inside.isEmpty { return nil }
        var mask = [Bool](repeating: false, count: width * height)
        for box in inside {
            let columns = Self.pixels(box.x0, box.x1, limit: width)
            for y in Self.pixels(box.y0, box.y1, limit: height) {
                for x in columns { mask[y * width + x] = true }
            }
        }
        self.init(mask: mask, width: width, height: height, boxes: inside)
    }

    /// The pixels of a mask.
    /// - Parameters:
    ///   - mask: whether each pixel is in the region, row-major `[height, width]`.
    ///   - width: of the image, in pixels.
    /// - Returns: nil if no pixel is in the region.
    public init?(mask: [Bool], width: Int) {
        precondition(width > 0 && mask.count % width == 0, "\(mask.count) pixels are no rows of \(width)")
        let rows = mask.indices.filter { mask[$0] }.map { $0 / width }
        let columns = mask.indices.filter { mask[$0] }.map { $0 % width }
        guard let top = rows.first, let bottom = rows.last, let left = columns.min(), let right = columns.max() else {
            return nil
        }
        let box = Rectangle(x0: Double(left), y0: Double(top), x1: Double(right + 1), y1: Double(bottom + 1))
        self.init(mask: mask, width: width, height: mask.count / width, boxes: [box])
    }

    private init(mask: [Bool], width: Int, height: Int, boxes: [Rectangle]) {
        self.width = width
        self.height = height
        self.mask = mask
        self.boxes = boxes
        runs = Self.runs(mask)
        count = runs.reduce(0) { $0 + $1.count }
    }

    private static func runs(_ mask: [Bool]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start: Int?
        for (i, inside) in mask.enumerated() where inside != (start != nil) {
            if let from = start { runs.append(from..<i) }
            start = inside ? i : nil
        }
        if let start { runs.append(start..<mask.count) }
        return runs
    }

    /// Intersection over union with another region of the same image, 0...1.
    public func iou(_ other: Region) -> Double {
        precondition(width == other.width && height == other.height, "regions of different images")
        var common = 0
        var next = 0
        for run in runs {
            while next < other.runs.count, other.runs[next].upperBound <= run.lowerBound { next += 1 }
            for theirs in other.runs[next...] {
                if theirs.lowerBound >= run.upperBound { break }
                common += theirs.clamped(to: run).count
            }
        }
        return Double(common) / Double(count + other.count - common)
    }

    /// Whether a pixel of the image is in the region.
    public func contains(_ pixel: Pixel) -> Bool { mask[pixel.y * width + pixel.x] }

    /// The pixels whose centres are between two edges in `0...limit`, at least one pixel.
    private static func pixels(_ low: Double, _ high: Double, limit: Int) -> Range<Int> {
        let first = Int((low - 0.5).rounded(.up))
        let end = Int((high - 0.5).rounded(.up))
        if first < end { return first..<end }
        let middle = min(limit - 1, Int((low + high) / 2))
        return middle..<middle + 1
    }
}

/// A pixel of an image. Its centre is at (x + 0.5, y + 0.5).
public struct Pixel: Equatable, Sendable {
    /// The column, from 0.
    public var x: Int
    /// The row, from 0.
    public var y: Int

    /// The pixel of a column and a row.
    public init(x: Int, y: Int) {
        self.x = x
        self.y = y
    }
}
