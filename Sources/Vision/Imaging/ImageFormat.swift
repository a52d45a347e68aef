import Foundation

/// The format of a file, from its first bytes: names and extensions may be wrong.
enum ImageFormat: Equatable {
    case jpeg
    case png
    /// A recognised format that is not supported; a description with an article.
    case other(String)
    /// Not recognised.
    case unknown

    init(_ bytes: UnsafeRawBufferPointer) {
        func starts(_ magic: [UInt8], at position: Int = 0) -> Bool {
            bytes.count >= position + magic.count && magic.indices.allSatisfy { bytes[position + $0] == magic[$0] }
        }
        func starts(_ text: String, at position: Int = 0) -> Bool { starts(Array(text.utf8), at: position) }

        if starts([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if starts([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if starts("GIF8") {
            self = .other("a GIF image")
        } else if starts("RIFF"), starts("WEBP", at: 8) {
            self = .other("a WebP image")
        } else if starts("ftyp", at: 4) {
            self = .other(Self.isoMedia(starts))
        } else if starts("II*\0") || starts("MM\0*") {
            self = .other("a TIFF image or a camera's raw file")
        } else if starts([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20]) || starts([0xFF, 0x4F, 0xFF, 0x51]) {
            self = .other("a JPEG 2000 image")
        } else if starts([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20]) || starts([0xFF, 0x0A]) {
            self = .other("a JPEG XL image")
        } else if starts("BM"), starts([0, 0, 0, 0], at: 6) {
            self = .other("a BMP image")
        } else if starts("8BPS") {
            self = .other("a Photoshop document")
        } else if starts("%PDF") {
            self = .other("a PDF document")
        } else if starts("PK\u{3}\u{4}") {
            self = .other("a ZIP archive")
        } else if starts([0x1F, 0x8B]) {
            self = .other("a gzip archive")
        } else if bytes.count > 2, bytes[0] == 0x50, (0x31...0x37).contains(bytes[1]), bytes[2] <= 0x20 {
            self = .other("a PNM image")
        } else if let text = Self.text(bytes) {
            self = .other(text)
        } else {
            self = .unknown
        }
    }

    private static func isoMedia(_ starts: (String, Int) -> Bool) -> String {
        if starts("avif", 8) || starts("avis", 8) { return "an AVIF image" }
        for brand in ["heic", "heix", "heim", "heis", "hevc", "mif1", "msf1"] where starts(brand, 8) {
            return "a HEIC image"
        }
        return "a video"
    }

    /// The kind of text, if the first bytes are text.
    private static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        let head = bytes.prefix(512)
        guard !head.isEmpty, head.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || [0x09, 0x0A, 0x0C, 0x0D].contains($0) })
        else { return nil }
        // The first 512 bytes may end inside a UTF-8 character, which has up to four bytes.
        let trims = bytes.count > head.count ? 0...3 : 0...0
        guard trims.contains(where: { String(validating: head.dropLast($0), as: UTF8.self) != nil }) else { return nil }
        let start = String(decoding: head, as: UTF8.self).lowercased()
        if start.contains("<svg") { return "an SVG drawing" }
        if start.contains("<html") || start.contains("<!doctype html") { return "a web page (HTML)" }
        return "a text file"
    }
}
