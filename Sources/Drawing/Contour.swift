import Vision

/// Contour lines of a map by marching squares, the two-dimensional case of W. Lorensen and H. Cline, "Marching cubes",
/// 1987.
enum Contour {
    typealias Segment = (SIMD2<Float>, SIMD2<Float>)

    /// The contour line at `level`, as segments in pixels. The value of a pixel is at its centre, index + 0.5.
    ///
    /// The map is linear between the centres of pixels. If only two opposite corners of a square are above the level,
    /// the mean of its four corners decides whether they are joined. NaN is below every level. The line is open at the
    /// edges of the ranges.
    /// - Parameters:
    ///   - map: `[height, width]`, row-major.
    ///   - columns: of the pixels that are used.
    ///   - rows: of the pixels that are used.
    static func segments(
        of map: [Float], width: Int, columns: Range<Int>, rows: Range<Int>, level: Float
    ) -> [Segment] {
        var segments: [Segment] = []
        guard columns.count > 1, rows.count > 1 else { return [] }
        map.withUnsafeBufferPointer { map in
            for y in rows.dropLast() {
                var at = y * width + columns.lowerBound
                // The upper and the lower corner at the left side of the square. The square moves along the row.
                var left = (map[at], map[at + width])
                var x = columns.lowerBound
                while x < columns.upperBound - 1 {
                    // Most squares are crossed by no line: sixteen are passed at once.
                    if let base = map.baseAddress, x + 17 < columns.upperBound,
                        isOnOneSide(base + at, base + at + width, level)
                    {
                        x += 16
                        at += 16
                        left = (map[at], map[at + width])
                        continue
                    }
                    at += 1
                    let right = (map[at], map[at + width])
                    let above = (left.0 >= level, right.0 >= level, right.1 >= level, left.1 >= level)
                    if above.0 != above.1 || above.1 != above.2 || above.2 != above.3 {
                        append(
                            to: &segments, (left.0, right.0, right.1, left.1), above, level,
                            at: SIMD2(Float(x) + 0.5, Float(y) + 0.5))
                    }
                    left = right
                    x += 1
                }
            }
        }
        return segments
    }

    /// Whether 17 pixels of a row and the 17 below are all above the level, or none.
    private static func isOnOneSide(
        _ upper: UnsafePointer<Float>, _ lower: UnsafePointer<Float>, _ level: Float
    ) -> Bool {
        func sixteen(_ row: UnsafePointer<Float>) -> SIMD16<Float> {
            UnsafeRawPointer(row).loadUnaligned(as: SIMD16<Float>.self)
        }
        let rows = (sixteen(upper), sixteen(upper + 1), sixteen(lower), sixteen(lower + 1))
        let every = (rows.0 .>= level) .& (rows.1 .>= level) .& (rows.2 .>= level) .& (rows.3 .>= level)
        let some = (rows.0 .>= level) .| (rows.1 .>= level) .| (rows.2 .>= level) .| (rows.3 .>= level)
        // To compare the two masks would take seven times as long, lane by lane.
        return all(every) || !any(some)
    }

    /// Adds the line through one square. The corners are in clockwise order from the upper left.
    private static func append(
        to segments: inout [Segment], _ corners: (Float, Float, Float, Float), _ above: (Bool, Bool, Bool, Bool),
        _ level: Float, at origin: SIMD2<Float>
    ) {
        func crossing(_ a: Float, _ b: Float) -> Float {
            let t = (level - a) / (b - a)
            return t.isFinite ? max(0, min(1, t)) : 0.5
        }
        // The points at which the line crosses a side: top, right, bottom, left.
        let top = above.0 != above.1 ? origin + SIMD2(crossing(corners.0, corners.1), 0) : nil
        let right = above.1 != above.2 ? origin + SIMD2(1, crossing(corners.1, corners.2)) : nil
        let bottom = above.2 != above.3 ? origin + SIMD2(crossing(corners.3, corners.2), 1) : nil
        let left = above.3 != above.0 ? origin + SIMD2(0, crossing(corners.0, corners.3)) : nil
        if let top, let right, let bottom, let left {
            // A saddle: all four sides are crossed. The line separates the corners that are on the other side of the
            // level than the middle.
            let isMiddleAbove = (corners.0 + corners.1 + corners.2 + corners.3) / 4 >= level
            if isMiddleAbove == above.0 {
                segments += [(top, right), (bottom, left)]
            } else {
                segments += [(left, top), (right, bottom)]
            }
        } else if let first = top ?? right ?? bottom, let second = left ?? bottom ?? right {
            segments.append((first, second))
        }
    }
}

/// Segments drawn with a round antialiased pen. The line is light and has a dark edge, so that it is visible on any
/// image. It is worked out once for all images of a size.
struct Stroke {
    /// The part of the image around the line, in pixels.
    private let columns, rows: Range<Int>
    /// For each pixel of that part, its distance from the outer border of the dark edge. The nearest segment counts.
    private let depth: [Float]
    /// The depth at which the light line begins.
    private let edge: Float

    /// - Parameters:
    ///   - segments: in pixels.
    ///   - image: gives the size.
    init(_ segments: [Contour.Segment], on image: Image) {
        // The line has at least two pixels. A thinner line between two rows of pixels would be gray in both.
        let core = max(1, Float(image.lineThickness) * 0.4)
        let reach = core + max(0.8, core * 0.7) + 0.5
        edge = reach - core - 0.5
        func pixels(_ low: Float, _ high: Float, in range: Range<Int>) -> Range<Int> {
            let first = max(range.lowerBound, Int(max(0, low - reach)))
            return first..<max(first, min(range.upperBound, Int(max(0, high + reach)) + 1))
        }
        let low = segments.reduce(SIMD2<Float>(repeating: .greatestFiniteMagnitude)) {
            pointwiseMin($0, pointwiseMin($1.0, $1.1))
        }
        let high = segments.reduce(SIMD2<Float>(repeating: 0)) { pointwiseMax($0, pointwiseMax($1.0, $1.1)) }
        let columns = segments.isEmpty ? 0..<0 : pixels(low.x, high.x, in: 0..<image.width)
        let rows = segments.isEmpty ? 0..<0 : pixels(low.y, high.y, in: 0..<image.height)
        (self.columns, self.rows) = (columns, rows)
        let count = columns.count * rows.count
        depth = [Float](unsafeUninitializedCapacity: count) { depth, filled in
            depth.initialize(repeating: 0)
            filled = count
            guard count > 0 else { return }
            for (a, b) in segments {
                let across = pixels(min(a.x, b.x), max(a.x, b.x), in: columns)
                for y in pixels(min(a.y, b.y), max(a.y, b.y), in: rows) {
                    let row = (y - rows.lowerBound) * columns.count - columns.lowerBound
                    for x in across {
                        let distance = strokeDistance(SIMD2(Float(x) + 0.5, Float(y) + 0.5), a, b)
                        depth[row + x] = max(depth[row + x], reach - distance)
                    }
                }
            }
        }
    }

    func draw(into image: inout Image, color: (UInt8, UInt8, UInt8) = (255, 255, 255)) {
        for (i, depth) in depth.enumerated() where depth > 0 {
            let x = columns.lowerBound + i % columns.count, y = rows.lowerBound + i / columns.count
            image.blend(x, y, (0, 0, 0), alpha: depth)
            image.blend(x, y, color, alpha: depth - edge)
        }
    }
}

/// The distance of the point p from the segment from a to b.
func strokeDistance(_ p: SIMD2<Float>, _ a: SIMD2<Float>, _ b: SIMD2<Float>) -> Float {
    let along = b - a
    let from = p - a
    let length = (along * along).sum()
    let t = length > 0 ? max(0, min(1, (from * along).sum() / length)) : 0
    let rest = from - along * t
    return (rest * rest).sum().squareRoot()
}
