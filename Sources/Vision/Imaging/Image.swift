import Tensors

/// An image in memory: 8-bit RGB, row-major, `pixels[(y * width + x) * 3 + channel]`, upright (the EXIF orientation is
/// already applied).
public struct Image: Equatable, Sendable {
    public let width: Int
    public let height: Int
    public var pixels: [UInt8]

    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(
            width > 0 && height > 0 && pixels.count == width * height * 3,
            "\(width)x\(height) RGB needs \(width * height * 3) bytes")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// An image of one colour.
    public init(width: Int, height: Int, color: (UInt8, UInt8, UInt8) = (0, 0, 0)) {
        var pixels = [UInt8](repeating: color.0, count: width * height * 3)
        // White and gray are done.
        if color.1 != color.0 || color.2 != color.0 {
            for i in 0..<width * height {
                pixels[3 * i + 1] = color.1
                pixels[3 * i + 2] = color.2
            }
        }
        self.init(width: width, height: height, pixels: pixels)
    }

    /// An image whose bytes `fill` writes, all of them.
    init(width: Int, height: Int, filledBy fill: (UnsafeMutablePointer<UInt8>) throws -> Void) rethrows {
        let count = width * height * 3
        let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            if let base = buffer.baseAddress { try fill(base) }
            filled = count
        }
        self.init(width: width, height: height, pixels: pixels)
    }

    /// The part of the image that begins at pixel (x, y). It must lie inside the image.
    func cropped(x: Int, y: Int, width outWidth: Int, height outHeight: Int) -> Image {
        precondition(x >= 0 && y >= 0 && x + outWidth <= width && y + outHeight <= height)
        var result: [UInt8] = []
        result.reserveCapacity(outWidth * outHeight * 3)
        for row in y..<y + outHeight {
            let start = (row * width + x) * 3
            result += pixels[start..<start + outWidth * 3]
        }
        return Image(width: outWidth, height: outHeight, pixels: result)
    }

    /// Splits `0..<count` into pieces of `grain` rows (the last may be shorter) and calls `body` for each, on several
    /// threads.
    static func rows(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        Parallel.forEach((count + grain - 1) / grain) { body($0 * grain..<min(count, ($0 + 1) * grain)) }
    }
}
