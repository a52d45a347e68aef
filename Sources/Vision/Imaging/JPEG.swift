import CJPEG
import Foundation

/// JPEG through libjpeg.
enum JPEG {
    static func decode(
        _ bytes: UnsafeRawBufferPointer, name: String, limits: ImageLimits, atLeast shortSide: Int?
    ) throws -> Image {
        let data = bytes.bindMemory(to: UInt8.self).baseAddress
        var header = mmx_jpeg_header()
        try check(name) { mmx_jpeg_read_header(data, bytes.count, &header, $0) }
        let width = Int(header.width), height = Int(header.height)
        try limits.check(width: width, height: height, name: name)
        guard [1, 3, 4].contains(header.components) else {
            throw ImageError(.unsupported, name, "a JPEG of \(header.components) components; 1, 3 and 4 are read")
        }
        // Each block of pixels takes at least one bit, unless the coding is arithmetic.
        guard header.arithmetic != 0 || header.blocks <= UInt64(bytes.count) * 8 else {
            throw ImageError(
                .truncated, name,
                "truncated JPEG: \(bytes.count) bytes cannot hold the \(width)x\(height) pixels of its header"
            )
        }
        var denominator = 1
        while let side = shortSide, denominator < 8, min(width, height) / (denominator * 2) >= max(1, side) {
            denominator *= 2
        }
        let w = (width + denominator - 1) / denominator, h = (height + denominator - 1) / denominator
        let stored = try Image(
            width: w, height: h,
            filledBy: { pixels in
                try check(name) {
                    mmx_jpeg_decode(data, bytes.count, Int32(denominator), pixels, UInt32(w), UInt32(h), $0)
                }
            })
        return stored.upright(Orientation(jpeg: bytes))
    }

    static func encode(_ image: Image, quality: Int) throws -> Data {
        precondition((1...100).contains(quality), "JPEG quality \(quality) is not in 1...100")
        guard image.width <= 65_500, image.height <= 65_500 else {
            throw ImageError(
                .unwritable, "JPEG", "\(image.width)x\(image.height): a JPEG has at most 65500 pixels each way")
        }
        var output: UnsafeMutablePointer<UInt8>?
        var count = 0
        var message = [CChar](repeating: 0, count: Int(MMX_JPEG_MESSAGE))
        let code = mmx_jpeg_encode(
            image.pixels, UInt32(image.width), UInt32(image.height), Int32(quality), quality >= 90 ? 1 : 0,
            &output, &count, &message)
        guard Int(code) == MMX_JPEG_OK, let output else {
            throw ImageError(.unwritable, "JPEG", "libjpeg could not encode it: \(text(message))")
        }
        return Data(bytesNoCopy: output, count: count, deallocator: .free)
    }

    private static func check(_ name: String, _ call: (UnsafeMutablePointer<CChar>) -> Int32) throws {
        var message = [CChar](repeating: 0, count: Int(MMX_JPEG_MESSAGE))
        let code = call(&message)
        switch Int(code) {
        case MMX_JPEG_OK: return
        case MMX_JPEG_TRUNCATED:
            throw ImageError(
                .truncated, name, "truncated JPEG: the file ends before the image is complete (\(text(message)))")
        case MMX_JPEG_UNSUPPORTED:
            throw ImageError(.unsupported, name, "a kind of JPEG that is not read: \(text(message))")
        case MMX_JPEG_TOO_LARGE: throw ImageError(.tooLarge, name, "too large a JPEG: \(text(message))")
        default: throw ImageError(.corrupt, name, "damaged JPEG: \(text(message))")
        }
    }
}

/// A C string in a buffer.
func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
