/// A picture in memory: 8-bit RGB, row-major, `pixels[(y * width + x) * 3 + channel]`, upright (EXIF orientation
/// already obeyed).
public struct Image: Equatable, Sendable {
    public let width: Int
    public let height: Int
    public var pixels: [UInt8]

    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == width * height * 3, "\(width)x\(height) RGB needs \(width * height * 3) bytes")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// A picture of one colour.
    public init(width: Int, height: Int, color: (UInt8, UInt8, UInt8) = (0, 0, 0)) {
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        for i in 0..<width * height {
            pixels[3 * i] = color.0
            pixels[3 * i + 1] = color.1
            pixels[3 * i + 2] = color.2
        }
        self.init(width: width, height: height, pixels: pixels)
    }
}
