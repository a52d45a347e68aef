import Support

/// Why a picture could not be read or written.
public struct ImageError: UserFacingError, Equatable, Sendable {
    public static let failureCode = FailureCode.image
    public enum Kind: String, Sendable {
        /// There is no such file.
        case missing
        /// The file is there but is a folder, is not a plain file, or may not be read.
        case unreadable
        /// Not a picture, or a picture in a format or a variant that is not read here.
        case unsupported
        /// It ends before the picture does.
        case truncated
        /// It contradicts itself.
        case corrupt
        /// More pixels than ``ImageLimits`` allow.
        case tooLarge
        /// The picture could not be encoded.
        case unwritable
    }

    public let kind: Kind
    /// The file's path, or the name that the caller gave the bytes.
    public let name: String
    public let problem: String

    public init(_ kind: Kind, _ name: String, _ problem: String) {
        self.kind = kind
        self.name = name
        self.problem = problem
    }

    public var description: String { "\(name): \(problem)" }
}

/// What a picture may claim in its header before anything of its size is allocated.
public struct ImageLimits: Equatable, Sendable {
    /// Width times height.
    public var pixels: Int
    /// Width, and height.
    public var side: Int
    /// The file itself, in bytes.
    public var bytes: Int

    public init(pixels: Int = 100_000_000, side: Int = 30_000, bytes: Int = 1 << 29) {
        self.pixels = pixels
        self.side = side
        self.bytes = bytes
    }

    public static let standard = ImageLimits()

    func check(width: Int, height: Int, name: String) throws {
        guard width > 0, height > 0 else {
            throw ImageError(.corrupt, name, "its header says \(width)x\(height) pixels: a picture has at least one")
        }
        guard width <= side, height <= side else {
            throw ImageError(
                .tooLarge, name, "\(width)x\(height) pixels; at most \(side) each way are read: make it smaller first")
        }
        guard width * height <= pixels else {
            throw ImageError(
                .tooLarge, name,
                "\(width)x\(height) pixels are \(width * height / 1_000_000) megapixels; at most "
                    + "\(pixels / 1_000_000) are read: make it smaller first")
        }
    }
}
