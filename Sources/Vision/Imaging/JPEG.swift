import CJPEG
import Foundation

/// JPEG through libjpeg.
enum JPEG {
    static func decode(
        _ bytes: UnsafeRawBufferPointer, name: String, limits: ImageLimits, most: Int, atLeast shortSide: Int?
    ) throws -> DecodedImage {
        let data = bytes.bindMemory(to: UInt8.self).baseAddress
        var header = mmx_jpeg_header()
        try check(name) { mmx_jpeg_read_header(data, bytes.count, &header, $0) }
        let width = Int(header.width), height = Int(header.height)
        try limits.check(width: width, height: height, name: name)
        guard [1, 3, 4].contains(header.components) else {
            throw ImageError(.unsupported, name, "a JPEG of \(header.components) components; 1, 3 and 4 are read")
        }
        try checkSize(of: header, bytes: bytes.count, name: name)
        var denominator = DecodedImage.reduction(width: width, height: height, most: most)
        while let side = shortSide, denominator < 8, min(width, height) / (denominator * 2) >= max(1, side) {
            denominator *= 2
        }
        let w = (width + denominator - 1) / denominator, h = (height + denominator - 1) / denominator
        var end: Int32 = 0
        let stored = try Image(
            width: w, height: h,
            filledBy: { pixels in
                try check(name) {
                    mmx_jpeg_decode(data, bytes.count, Int32(denominator), pixels, UInt32(w), UInt32(h), &end, $0)
                }
            })
        var warnings: [String] = []
        switch Int(end) {
        case MMX_JPEG_WHOLE: break
        case MMX_JPEG_CUT:
            warnings.append(
                "\(name): the file ends early: the last \(header.block_rows) of its \(height) rows of pixels are not "
                    + "complete")
        default: warnings.append("\(name): the file ends early: its end marker is missing; every pixel is there")
        }
        return DecodedImage(
            stored, Orientation(jpeg: bytes), fileWidth: width, fileHeight: height, warnings: warnings)
    }

    /// Refuses a file that is far too short for the pixels of its header, before memory for them is allocated.
    private static func checkSize(of header: mmx_jpeg_header, bytes: Int, name: String) throws {
        let size = "\(header.width)x\(header.height)"
        guard header.arithmetic == 0 else {
            // Arithmetic coding has no useful bound: a block of one colour can take a hundred-thousandth of a bit. But
            // no photograph is so: it has several bits for each block. Small images may be of one colour, as they cost
            // little.
            let pixels = Int(header.width) * Int(header.height)
            guard pixels <= freePixels || header.blocks <= UInt64(bytes) * 8 else {
                throw ImageError(
                    .unsupported, name,
                    "\(bytes) bytes are too few for a photograph of \(size) pixels: an "
                        + "arithmetic-coded JPEG of more than \(freePixels / 1_000_000) megapixels is read if it has "
                        + "a bit for each block of 8x8")
            }
            return
        }
        // In a Huffman-coded sequential file each block has two codes at least, for its mean and for the rest, and a
        // code has at least a bit. In a progressive one, a code may end the rest of 32,767 blocks.
        let bits: UInt64 = header.progressive != 0 ? 1 : 2
        guard header.blocks * bits <= UInt64(bytes) * 8 else {
            throw ImageError(
                .truncated, name, "truncated JPEG: \(bytes) bytes cannot hold the \(size) pixels of its header")
        }
    }

    /// An arithmetic-coded image of no more pixels may be coded in any number of bytes.
    private static let freePixels = 4_000_000

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
