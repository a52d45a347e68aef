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
                    // Most squares are crossed by no line: eight are passed at once.
                    if let base = map.baseAddress, x + 9 < columns.upperBound,
                        isOnOneSide(base + at, base + at + width, level)
                    {
                        x += 8
                        at += 8
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

    /// Whether nine pixels of a row and the nine below are all above the level, or none.
    private static func isOnOneSide(
        _ upper: UnsafePointer<Float>, _ lower: UnsafePointer<Float>, _ level: Float
    ) -> Bool {
        func eight(_ row: UnsafePointer<Float>) -> SIMD8<Float> {
            UnsafeRawPointer(row).loadUnaligned(as: SIMD8<Float>.self)
        }
        let rows = (eight(upper), eight(upper + 1), eight(lower), eight(lower + 1))
        let all = (rows.0 .>= level) .& (rows.1 .>= level) .& (rows.2 .>= level) .& (rows.3 .>= level)
        let any = (rows.0 .>= level) .| (rows.1 .>= level) .| (rows.2 .>= level) .| (rows.3 .>= level)
        return all == any && (any == SIMDMask(repeating: false) || any == SIMDMask(repeating: true))
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
        var crossed: [SIMD2<Float>] = []
        if above.0 != above.1 { crossed.append(origin + SIMD2(crossing(corners.0, corners.1), 0)) }
        if above.1 != above.2 { crossed.append(origin + SIMD2(1, crossing(corners.1, corners.2))) }
        if above.2 != above.3 { crossed.append(origin + SIMD2(crossing(corners.3, corners.2), 1)) }
        if above.3 != above.0 { crossed.append(origin + SIMD2(0, crossing(corners.0, corners.3))) }
        if crossed.count == 2 {
            segments.append((crossed[0], crossed[1]))
        } else {
            // A saddle: all four sides are crossed. The line separates the corners that are on the other side of the
            // level than the middle.
            let isMiddleAbove = (corners.0 + corners.1 + corners.2 + corners.3) / 4 >= level
            if isMiddleAbove == above.0 {
                segments += [(crossed[0], crossed[1]), (crossed[2], crossed[3])]
            } else {
                segments += [(crossed[3], crossed[0]), (crossed[1], crossed[2])]
            }
        }
    }
}

extension Image {
    /// Draws segments, in pixels, with a round antialiased pen. The line is light and has a dark edge, so that it is
    /// visible on any image.
    mutating func stroke(_ segments: [Contour.Segment], color: (UInt8, UInt8, UInt8) = (255, 255, 255)) {
        guard !segments.isEmpty else { return }
        // The line has at least two pixels. A thinner line between two rows of pixels would be gray in both.
        let core = max(1, Float(lineThickness) * 0.4)
        let reach = core + max(0.8, core * 0.7) + 0.5
        // The distance of each pixel from the outer border of the dark edge. The nearest segment counts. Only the part
        // of the image around the line is looked at.
        var (low, high) = (segments[0].0, segments[0].0)
        for (a, b) in segments {
            low = pointwiseMin(low, pointwiseMin(a, b))
            high = pointwiseMax(high, pointwiseMax(a, b))
        }
        func pixels(_ low: Float, _ high: Float, in range: Range<Int>) -> Range<Int> {
            let first = max(range.lowerBound, Int(max(0, low)))
            return first..<max(first, min(range.upperBound, Int(max(0, high)) + 1))
        }
        let all = (
            x: pixels(low.x - reach, high.x + reach, in: 0..<width),
            y: pixels(low.y - reach, high.y + reach, in: 0..<height)
        )
        guard !all.x.isEmpty, !all.y.isEmpty else { return }
        var depth = [Float](repeating: 0, count: all.x.count * all.y.count)
        depth.withUnsafeMutableBufferPointer { depth in
            for (a, b) in segments {
                let low = pointwiseMin(a, b) - reach, high = pointwiseMax(a, b) + reach
                let columns = pixels(low.x, high.x, in: all.x)
                for y in pixels(low.y, high.y, in: all.y) {
                    for x in columns {
                        let distance = strokeDistance(SIMD2(Float(x) + 0.5, Float(y) + 0.5), a, b)
                        let i = (y - all.y.lowerBound) * all.x.count + x - all.x.lowerBound
                        depth[i] = max(depth[i], reach - distance)
                    }
                }
            }
        }
        for (i, depth) in depth.enumerated() where depth > 0 {
            let (x, y) = (all.x.lowerBound + i % all.x.count, all.y.lowerBound + i / all.x.count)
            blend(x, y, (0, 0, 0), alpha: depth)
            blend(x, y, color, alpha: depth - (reach - core - 0.5))
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
