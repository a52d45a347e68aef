import Evaluation
import Vision
import XCTest

/// A map of a few pixels, row by row.
func plane(_ rows: [[Float]]) -> Plane {
    Plane(width: rows[0].count, height: rows.count, values: rows.flatMap { $0 })
}

/// The region of boxes `[x0, y0, x1, y1]`.
func region(_ boxes: [[Double]], width: Int = 4, height: Int = 3) throws -> Region {
    let rectangles = boxes.map { Rectangle(x0: $0[0], y0: $0[1], x1: $0[2], y1: $0[3]) }
    return try XCTUnwrap(Region(boxes: rectangles, width: width, height: height))
}
