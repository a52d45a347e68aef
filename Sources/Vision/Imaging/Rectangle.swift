/// A rectangle in pixels, fractional; x to the right, y down. Pixel (i, j) covers i..<i+1 by j..<j+1.
public struct Rectangle: Codable, Equatable, Sendable {
    public var x0: Double
    public var y0: Double
    public var x1: Double
    public var y1: Double

    public init(x0: Double, y0: Double, x1: Double, y1: Double) {
        self.x0 = x0
        self.y0 = y0
        self.x1 = x1
        self.y1 = y1
    }

    public var width: Double { x1 - x0 }
    public var height: Double { y1 - y0 }
    /// True if the width or the height is not positive.
    public var isEmpty: Bool { !(width > 0 && height > 0) }

    /// The part that both cover; empty (zero width or height) if they do not overlap.
    public func intersection(_ other: Rectangle) -> Rectangle {
        let left = max(x0, other.x0), top = max(y0, other.y0)
        return Rectangle(
            x0: left, y0: top, x1: max(left, min(x1, other.x1)), y1: max(top, min(y1, other.y1)))
    }
}
