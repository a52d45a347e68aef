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
    /// - Throws: ``ImageError`` of kind `unwritable`
    public static func encode(_ samples: [UInt8], width: Int, height: Int, channels: Int) throws -> Data {
        precondition([1, 3, 4].contains(channels), "a PNG of \(channels) channels")
        precondition(width > 0 && height > 0 && samples.count == width * height * channels)
        var output: UnsafeMutablePointer<UInt8>?
        var count = 0
        var message = [CChar](repeating: 0, count: Int(MMX_PNG_MESSAGE))
        let code = mmx_png_encode(
            samples, UInt32(width), UInt32(height), Int32(channels), &output, &count, &message)
        guard Int(code) == MMX_PNG_OK, let output else {
            throw ImageError(.unwritable, "PNG", "libpng could not encode it: \(text(message))")
        }
        return Data(bytesNoCopy: output, count: count, deallocator: .free)
    }
}
