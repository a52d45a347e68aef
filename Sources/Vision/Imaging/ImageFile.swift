import Foundation
import Support
import Weights

extension Image {
    /// Reads a JPEG or PNG file. Its first bytes decide which of the two it is, not its name.
    ///
    /// - Parameters:
    ///   - limits: the largest image to read.
    ///   - shortSide: if only a small version is needed, a JPEG may be shrunk by 2, 4 or 8 while it is decoded, as long
    ///     as its shorter side keeps at least this many pixels. This is faster and gives slightly different values.
    ///     Nil, the default, decodes every pixel.
    /// - Throws: ``ImageError`` that names the file.
    public static func read(
        _ url: URL, limits: ImageLimits = .standard, atLeast shortSide: Int? = nil
    ) throws -> Image {
        try decode(readBytes(url, limits: limits), name: url.path, limits: limits, atLeast: shortSide)
    }

    /// The bytes of a plain file of reasonable size, for callers that also want to hash them.
    /// - Throws: ``ImageError``
    public static func readBytes(_ url: URL, limits: ImageLimits = .standard) throws -> Data {
        let name = url.path
        // Links are followed, so the target's attributes decide.
        let target = url.resolvingSymlinksInPath()
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(atPath: target.path)
        } catch CocoaError.fileReadNoPermission {
            throw ImageError(.unreadable, name, "there is no permission to read its folder")
        } catch {
            let known = FileManager.default.fileExists(atPath: target.deletingLastPathComponent().path)
            throw ImageError(.missing, name, known ? "there is no such file" : "there is no such file, nor its folder")
        }
        switch attributes[.type] as? FileAttributeType {
        case .typeRegular?: break
        case .typeDirectory?: throw ImageError(.unreadable, name, "it is a folder, not an image")
        default: throw ImageError(.unreadable, name, "it is not a plain file: save it as one first")
        }
        let size = (attributes[.size] as? NSNumber)?.intValue ?? 0
        guard size <= limits.bytes else {
            throw ImageError(.tooLarge, name, "\(size >> 20) MiB; at most \(limits.bytes >> 20) are read")
        }
        do {
            return try Data(contentsOf: target)
        } catch CocoaError.fileReadNoPermission {
            throw ImageError(.unreadable, name, "there is no permission to read it")
        } catch {
            throw ImageError(.unreadable, name, "it cannot be read: \(error.localizedDescription)")
        }
    }

    /// Decodes a JPEG or PNG in memory.
    /// - Parameter name: the name of the image in errors.
    /// - Throws: ``ImageError``
    public static func decode(
        _ bytes: Data, name: String, limits: ImageLimits = .standard, atLeast shortSide: Int? = nil
    ) throws -> Image {
        try DecodedImage(bytes, name: name, limits: limits, most: .max, atLeast: shortSide).image
    }

    /// This image as PNG.
    /// - Throws: ``ImageError`` of kind `unwritable`
    public func pngData() throws -> Data {
        try PNG.encode(pixels, width: width, height: height, channels: 3)
    }

    /// This image as JPEG.
    /// - Parameter quality: 1...100, as in libjpeg. From 90 on, colour keeps its full resolution.
    /// - Throws: ``ImageError`` of kind `unwritable`
    public func jpegData(quality: Int = 92) throws -> Data {
        try JPEG.encode(self, quality: quality)
    }

    /// Writes a JPEG if the name ends in .jpg or .jpeg, otherwise a PNG. A failure leaves no partial file.
    /// - Throws: ``ImageError`` of kind `unwritable`, or `AtomicFile`'s error
    public func write(to url: URL, quality: Int = 92) throws {
        let jpeg = ["jpg", "jpeg"].contains(url.pathExtension.lowercased())
        try AtomicFile.write(jpeg ? jpegData(quality: quality) : pngData(), to: url)
    }
}
