import Support

/// The reason why an image could not be read or written.
public struct ImageError: UserFacingError, Equatable, Sendable {
    public static let failureCode = FailureCode.image
    /// The kind of the problem.
    public enum Kind: String, Sendable {
        /// There is no such file.
        case missing
        /// The path is a folder or a special file, or there is no permission to read it.
        case unreadable
        /// Not an image, or an image in a format or variant that is not supported.
        case unsupported
        /// The file ends before the image is complete.
        case truncated
        /// The file's contents are invalid.
        case corrupt
        /// The image is larger than ``ImageLimits`` allow.
        case tooLarge
        /// The image could not be encoded.
        case unwritable
    }

    public let kind: Kind
    /// The file's path, or the caller's name for the bytes.
    public let name: String
    /// The problem, as a sentence for people.
    public let problem: String

    public init(_ kind: Kind, _ name: String, _ problem: String) {
        self.kind = kind
        self.name = name
        self.problem = problem
    }

    public var description: String { "\(name): \(problem)" }
}

/// The largest image that is read. The header is checked against it before memory of the image's size is allocated.
public struct ImageLimits: Equatable, Sendable {
    /// Width times height, as the file's header says (`--max-pixels`).
    public var pixels: Int
    /// Width, and also height.
    public var side: Int
    /// The file itself, in bytes.
    public var bytes: Int

    public init(pixels: Int = 200_000_000, side: Int = 30_000, bytes: Int = 1 << 29) {
        self.pixels = pixels
        self.side = side
        self.bytes = bytes
    }

    /// 200 megapixels, 30,000 pixels along a side, and files of 512 MiB.
    public static let standard = ImageLimits()

    func check(width: Int, height: Int, name: String) throws {
        guard width > 0, height > 0 else {
            throw ImageError(.corrupt, name, "its header says \(width)x\(height) pixels; an image has at least one")
        }
        guard width <= side, height <= side else {
            throw ImageError(
                .tooLarge, name, "\(width)x\(height) pixels; at most \(side) each way are read: make it smaller first")
        }
        guard width * height <= pixels else {
            // In megapixels where these differ.
            let isMega = width * height / 1_000_000 > pixels / 1_000_000 && pixels >= 1_000_000
            let unit = isMega ? 1_000_000 : 1
            throw ImageError(
                .tooLarge, name,
                "\(width)x\(height) is \(width * height / unit) \(isMega ? "megapixels" : "pixels"); at most "
                    + "\(pixels / unit) are read: make it smaller first, or allow more (--max-pixels)")
        }
    }
}
