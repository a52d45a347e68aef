import Foundation
import Support
import Weights

extension Image {
    /// Whether a name ends as those of the files that are read here: .jpg, .jpeg or .png.
    public static func isNamed(_ name: String) -> Bool {
        ["jpg", "jpeg", "png"].contains((name as NSString).pathExtension.lowercased())
    }

    /// Whether bytes begin as a JPEG or PNG file does; eight of them tell.
    public static func isBegun(by bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { [.jpeg, .png].contains(ImageFormat($0)) }
    }

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
        // A pipe is refused below, not waited for.
        let descriptor = RawPath.withBytes(name) { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw unopened(url, errno) }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else {
            throw ImageError(.unreadable, name, "it cannot be read: \(systemMessage(errno))")
        }
        switch information.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw ImageError(.unreadable, name, "it is a folder, not an image")
        default: throw ImageError(.unreadable, name, "it is not a plain file: save it as one first")
        }
        let size = Int(information.st_size)
        guard size <= limits.bytes else {
            throw ImageError(.tooLarge, name, "\(size >> 20) MiB; at most \(limits.bytes >> 20) are read")
        }
        var bytes = Data(count: size), filled = 0
        while filled < size {
            let count = bytes.withUnsafeMutableBytes {
                Foundation.read(descriptor, $0.baseAddress?.advanced(by: filled), size - filled)
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw ImageError(.unreadable, name, "it cannot be read: \(systemMessage(errno))") }
            // The file has become shorter meanwhile.
            if count == 0 { return bytes.prefix(filled) }
            filled += count
        }
        return bytes
    }

    /// Why a file could not be opened.
    private static func unopened(_ url: URL, _ code: Int32) -> ImageError {
        func exists(_ path: String) -> Bool {
            var information = stat()
            return RawPath.withBytes(path) { stat($0, &information) } == 0
        }
        switch code {
        case ENOENT, ENOTDIR:
            let known = exists(url.deletingLastPathComponent().path)
            return ImageError(
                .missing, url.path, known ? "there is no such file" : "there is no such file, nor its folder")
        case EACCES:
            let what = exists(url.path) ? "it" : "its folder"
            return ImageError(.unreadable, url.path, "there is no permission to read \(what)")
        // A socket has no contents to open.
        case ENXIO: return ImageError(.unreadable, url.path, "it is not a plain file: save it as one first")
        default: return ImageError(.unreadable, url.path, "it cannot be read: \(systemMessage(code))")
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
    /// - Parameter text: pairs of a keyword and a text (``PNG/encode(_:width:height:channels:text:)``).
    /// - Throws: ``ImageError`` of kind `unwritable`
    public func pngData(text: [(keyword: String, text: String)] = []) throws -> Data {
        try PNG.encode(pixels, width: width, height: height, channels: 3, text: text)
    }

    /// This image as JPEG.
    /// - Parameter quality: 1...100, as in libjpeg. From 90 on, colour keeps its full resolution.
    /// - Throws: ``ImageError`` of kind `unwritable`
    public func jpegData(quality: Int = 92) throws -> Data {
        try JPEG.encode(self, quality: quality)
    }

    /// Writes a JPEG if the name ends in .jpg or .jpeg, otherwise a PNG. A failure leaves no partial file.
    /// - Parameters:
    ///   - quality: of a JPEG, 1...100.
    ///   - text: of a PNG, pairs of a keyword and a text. A JPEG takes none.
    /// - Throws: ``ImageError`` of kind `unwritable`, also for text in a JPEG, or `AtomicFile`'s error
    public func write(to url: URL, quality: Int = 92, text: [(keyword: String, text: String)] = []) throws {
        let jpeg = ["jpg", "jpeg"].contains(url.pathExtension.lowercased())
        guard !jpeg || text.isEmpty else {
            throw ImageError(.unwritable, url.path, "text is written into PNG files only, not into a JPEG")
        }
        let data = try Timings.measure(.png) { try jpeg ? jpegData(quality: quality) : pngData(text: text) }
        try AtomicFile.write(data, to: url)
    }
}
