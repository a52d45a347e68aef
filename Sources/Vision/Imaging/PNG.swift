import CPNG
import Foundation

/// PNG through libpng.
public enum PNG {
    static func decode(
        _ bytes: UnsafeRawBufferPointer, name: String, limits: ImageLimits, most: Int
    ) throws -> DecodedImage {
        func integer(_ at: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + $1]) } }

        // Signature, then the header chunk: length, "IHDR", width, height, depth, colour type, three more, checksum.
        guard bytes.count >= 33 else { throw ImageError(.truncated, name, "truncated PNG: only \(bytes.count) bytes") }
        guard integer(8) == 13, bytes[12..<16].elementsEqual("IHDR".utf8) else {
            throw ImageError(.corrupt, name, "damaged PNG: it does not begin with its header")
        }
        let width = integer(16), height = integer(20), depth = Int(bytes[24])
        try limits.check(width: width, height: height, name: name)
        let samples: Int
        switch bytes[25] {
        case 0, 3: samples = 1
        case 2: samples = 3
        case 4: samples = 2
        case 6: samples = 4
        default: throw ImageError(.corrupt, name, "damaged PNG: no colour type \(bytes[25])")
        }
        guard [1, 2, 4, 8, 16].contains(depth) else {
            throw ImageError(.corrupt, name, "damaged PNG: samples of \(depth) bits")
        }
        // Deflate expands one byte to at most 1032.
        guard (width * samples * depth + 7) / 8 * height <= bytes.count * 1032 else {
            throw ImageError(
                .truncated, name,
                "truncated PNG: \(bytes.count) bytes cannot hold the \(width)x\(height) pixels of its header"
            )
        }
        let side = DecodedImage.reduction(width: width, height: height, most: most)
        let stored = try Image(
            width: (width + side - 1) / side, height: (height + side - 1) / side,
            filledBy: { pixels in
                var message = [CChar](repeating: 0, count: Int(MMX_PNG_MESSAGE))
                let data = bytes.bindMemory(to: UInt8.self).baseAddress
                let code = mmx_png_decode(
                    data, bytes.count, UInt32(side), pixels, UInt32(width), UInt32(height), &message)
                switch Int(code) {
                case MMX_PNG_OK: return
                case MMX_PNG_TRUNCATED:
                    throw ImageError(.truncated, name, "truncated PNG: the file ends before the image is complete")
                default: throw ImageError(.corrupt, name, "damaged PNG: \(text(message))")
                }
            })
        return DecodedImage(stored, Orientation(png: bytes), fileWidth: width, fileHeight: height, warnings: [])
    }

    /// Encodes 8-bit samples, row-major, channels last.
    /// - Parameters:
    ///   - samples: `[height, width, channels]`; channels are 1 (gray), 3 (RGB) or 4 (RGB and alpha, not premultiplied)
    ///   - text: pairs of a keyword and a text, written in their order before the pixels: as tEXt where Latin-1 has all
    ///     of the text's characters, else as iTXt (PNG specification, section 11.3.3).
    /// - Throws: ``ImageError`` of kind `unwritable`, also for a keyword that PNG does not allow or a text with a NUL
    public static func encode(
        _ samples: [UInt8], width: Int, height: Int, channels: Int, text pairs: [(keyword: String, text: String)] = []
    ) throws -> Data {
        precondition([1, 3, 4].contains(channels), "a PNG of \(channels) channels")
        precondition(width > 0 && height > 0 && samples.count == width * height * channels)
        var output: UnsafeMutablePointer<UInt8>?
        var count = 0
        var message = [CChar](repeating: 0, count: Int(MMX_PNG_MESSAGE))
        let texts = try pairs.flatMap(packed)
        let code = mmx_png_encode(
            samples, UInt32(width), UInt32(height), Int32(channels), texts, Int32(pairs.count), &output, &count,
            &message)
        guard Int(code) == MMX_PNG_OK, let output else {
            throw ImageError(.unwritable, "PNG", "libpng could not encode it: \(text(message))")
        }
        return Data(bytesNoCopy: output, count: count, deallocator: .free)
    }

    /// A text as CPNG takes it: 1 for UTF-8 or 0 for Latin-1, the keyword, a NUL, the text, a NUL.
    private static func packed(_ pair: (keyword: String, text: String)) throws -> [UInt8] {
        func latin(_ text: String) -> [UInt8]? {
            let isLatin = text.unicodeScalars.allSatisfy {
                $0 == "\n" || (0x20...0x7E).contains($0.value) || (0xA0...0xFF).contains($0.value)
            }
            return isLatin ? text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } : nil
        }
        guard let keyword = latin(pair.keyword), (1...79).contains(keyword.count), !pair.keyword.contains("\n"),
            !pair.keyword.contains("\u{A0}"), !pair.keyword.contains("  "), keyword.first != 32, keyword.last != 32
        else {
            throw ImageError(
                .unwritable, "PNG",
                "'\(pair.keyword.prefix(100))' is no keyword of a PNG's text: 1 to 79 printable Latin-1 characters, and "
                    + "single spaces between words")
        }
        guard !pair.text.utf8.contains(0), pair.text.utf8.count < 1 << 30 else {
            throw ImageError(.unwritable, "PNG", "the text of '\(pair.keyword)' has a NUL character, or 1 GiB")
        }
        if let text = latin(pair.text) { return [0] + keyword + [0] + text + [0] }
        return [1] + keyword + [0] + Array(pair.text.utf8) + [0]
    }
}
