import Foundation

/// An image out of a file, with what its reader has to say of it.
///
/// A photograph of very many pixels is made smaller while it is decoded, because models look at a few hundred pixels
/// each way: its time and memory are those of a photograph of half or a quarter of its sides. Where coordinates of the
/// file's pixels matter, `Image.read` gives all of them.
public struct DecodedImage: Sendable {
    /// Upright.
    public let image: Image
    /// The file's pixels, upright.
    public let fileWidth: Int
    /// The file's pixels, upright.
    public let fileHeight: Int
    /// Sentences that name the file: that it ends early, or that it was made smaller.
    public private(set) var warnings: [String]

    /// Whether the image has fewer pixels than the file.
    public var isReduced: Bool { image.width != fileWidth || image.height != fileHeight }

    /// An image of more pixels is made smaller: some more than the 50 megapixels (8192 x 6144) of ordinary cameras and
    /// telephones.
    public static let mostPixels = 52_000_000

    /// Decodes a JPEG or PNG in memory.
    ///
    /// - Parameters:
    ///   - name: the name of the image in errors and warnings.
    ///   - limits: the largest image to read.
    ///   - most: an image of more pixels is decoded at 1/2, 1/4 or 1/8 of its sides, the largest that does not have
    ///     more (or at 1/8): a JPEG by its transform's low frequencies, a PNG by the means of squares.
    ///   - shortSide: see ``Image/read(_:limits:atLeast:)``.
    /// - Throws: ``ImageError``
    public init(
        _ bytes: Data, name: String, limits: ImageLimits = .standard, most: Int = mostPixels,
        atLeast shortSide: Int? = nil
    ) throws {
        guard !bytes.isEmpty else { throw ImageError(.truncated, name, "the file is empty (0 bytes)") }
        let misnamed =
            Image.isNamed(name)
            ? ", in spite of its name" : ""
        self = try bytes.withUnsafeBytes { bytes in
            switch ImageFormat(bytes) {
            case .jpeg: return try JPEG.decode(bytes, name: name, limits: limits, most: most, atLeast: shortSide)
            case .png: return try PNG.decode(bytes, name: name, limits: limits, most: most)
            case .other(let what):
                throw ImageError(.unsupported, name, "it is \(what)\(misnamed); only JPEG and PNG are read")
            case .unknown:
                throw ImageError(
                    .unsupported, name,
                    "it starts neither like a JPEG nor like a PNG\(misnamed); only these two are read")
            }
        }
        if Self.reduction(width: fileWidth, height: fileHeight, most: most) > 1 {
            warnings.append(
                "\(name): it is read at \(image.width)x\(image.height) of its \(fileWidth)x\(fileHeight) pixels, as it "
                    + "has more than \(most)")
        }
    }

    /// Reads a JPEG or PNG file.
    /// - Throws: ``ImageError`` that names the file.
    public init(contentsOf url: URL, limits: ImageLimits = .standard) throws {
        try self.init(Image.readBytes(url, limits: limits), name: url.path, limits: limits)
    }

    /// Turns what a decoder made.
    /// - Parameters:
    ///   - fileWidth: in pixels, as stored.
    ///   - fileHeight: in pixels, as stored.
    init(_ stored: Image, _ orientation: Orientation, fileWidth: Int, fileHeight: Int, warnings: [String]) {
        image = stored.upright(orientation)
        self.fileWidth = orientation.swapsSides ? fileHeight : fileWidth
        self.fileHeight = orientation.swapsSides ? fileWidth : fileHeight
        self.warnings = warnings
    }

    /// By how much a side is divided: 1, 2, 4 or 8.
    static func reduction(width: Int, height: Int, most: Int) -> Int {
        [1, 2, 4].first { (width + $0 - 1) / $0 * ((height + $0 - 1) / $0) <= most } ?? 8
    }
}
