import Vision

/// Where in a image the thing is that a map should show: boxes or a mask, as a set of pixels.
public struct Region: Equatable, Sendable {
    /// Of the image, in pixels.
    public let width: Int
    public let height: Int
    /// True for the region's pixels, row-major `[height, width]`.
    public let mask: [Bool]
    /// The same as rows of pixels that follow one another in ``mask``, in their order, none touching the next.
    let runs: [Range<Int>]
    /// How many pixels it has, at least one.
    public let count: Int
    /// The boxes, cut at the image's edges; of a mask the one box around it.
    public let boxes: [Rectangle]

    /// The part of the image's area that it covers.
    public var share: Double { Double(count) / Double(mask.count) }

    /// The pixels whose centres lie in one of the boxes. A box so thin that it holds no pixel's centre has the pixel
    /// at its own centre.
    /// - Parameter boxes: in the image's pixels; what lies outside of the image is cut off.
    /// - Returns: nil when nothing of the boxes lies in the image.
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

    /// - Parameter mask: true for the region's pixels, row-major, `width` to a row.
    /// - Returns: nil when no pixel is true.
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

    /// Intersection over union with another region of the same image.
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

    public func contains(_ pixel: Pixel) -> Bool { mask[pixel.y * width + pixel.x] }

    /// The pixels whose centres lie between two edges, both inside `0...limit`; at least one.
    private static func pixels(_ low: Double, _ high: Double, limit: Int) -> Range<Int> {
        let first = Int((low - 0.5).rounded(.up))
        let end = Int((high - 0.5).rounded(.up))
        if first < end { return first..<end }
        let middle = min(limit - 1, Int((low + high) / 2))
        return middle..<middle + 1
    }
}

/// A pixel of a image; its centre lies at x + 0.5, y + 0.5.
public struct Pixel: Equatable, Sendable {
    public var x: Int
    public var y: Int

    public init(x: Int, y: Int) {
        self.x = x
        self.y = y
    }
}
