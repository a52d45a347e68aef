import Foundation

@testable import Vision

/// Parts of JPEG and PNG files, made by hand.
enum ImageBytes {
    /// 3 x 2 pixels, each another colour.
    static let small = Image(
        width: 3, height: 2,
        pixels: [250, 0, 0, 0, 250, 0, 0, 0, 250, 250, 250, 0, 0, 250, 250, 250, 0, 250])

    static func number(_ value: Int, _ count: Int, big: Bool = true) -> [UInt8] {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        return big ? bytes.reversed() : bytes
    }

    /// A JPEG with these segments (the marker's second byte, the body) before its own.
    static func jpeg(_ segments: [(UInt8, [UInt8])], before rest: Data) -> Data {
        var bytes = Data([0xFF, 0xD8])
        for (marker, body) in segments { bytes += [0xFF, marker] + number(body.count + 2, 2) + body }
        return bytes + rest.dropFirst(2)
    }

    /// A PNG with these chunks before its first IDAT, or else before its end.
    static func png(_ chunks: [[UInt8]], in image: Data, afterPixels: Bool = false) -> Data {
        let end = afterPixels ? image.count - 12 : 33
        return image.prefix(end) + chunks.joined() + image.dropFirst(end)
    }

    /// A gray PNG of 8 bits around a zlib stream of its rows.
    static func grayPNG(_ stream: [UInt8], width: Int, height: Int, interlaced: Bool = false) -> Data {
        let header = number(width, 4) + number(height, 4) + [8, 0, 0, 0, interlaced ? 1 : 0]
        let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        return Data(signature + chunk("IHDR", header) + chunk("IDAT", stream) + chunk("IEND", []))
    }

    static func chunk(_ kind: String, _ body: [UInt8]) -> [UInt8] { chunk(kind: Array(kind.utf8), body) }

    static func chunk(kind: [UInt8], _ body: [UInt8]) -> [UInt8] {
        let checked = kind + body
        var crc = UInt32.max
        for byte in checked {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return number(body.count, 4) + checked + number(Int(~crc), 4)
    }

    /// A zlib stream that holds `bytes` as they are.
    static func zlib(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var a = 1, b = 0
        for start in stride(from: 0, to: max(1, bytes.count), by: 65535) {
            let part = bytes[start..<min(start + 65535, bytes.count)]
            stream += [start + part.count == bytes.count ? 1 : 0] + number(part.count, 2, big: false)
            stream += number(~part.count, 2, big: false) + part
        }
        for byte in bytes {
            a = (a + Int(byte)) % 65521
            b = (b + a) % 65521
        }
        return stream + number(b, 2) + number(a, 2)
    }

    /// A zlib stream of a few bytes that holds `count` * 258 + 1 zeros; its end and its checksum are missing.
    static func zlibBomb(_ count: Int) -> [UInt8] {
        var bits: [Bool] = [true, true, false]  // the last block, fixed codes (01, low bit first)
        bits += [false, false, true, true, false, false, false, false]  // the literal 0
        // Length 258 (code 285, 11000101) at distance 1 (code 00000).
        for _ in 0..<count {
            bits += [true, true, false, false, false, true, false, true, false, false, false, false, false]
        }
        var stream: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: bits.count, by: 8) {
            stream.append((0..<8).reduce(0) { $0 | (start + $1 < bits.count && bits[start + $1] ? 1 << $1 : 0) })
        }
        return stream
    }

    /// A TIFF structure with a text and an orientation.
    static func tiff(
        _ orientation: Int, big: Bool = true, type: Int = 3, count: Int = 1, tag: Int = 0x0112, offset: Int = 8,
        entries: Int = 2
    ) -> [UInt8] {
        func n(_ value: Int, _ count: Int) -> [UInt8] { number(value, count, big: big) }
        let size = type == 4 || type == 9 ? 4 : 2
        let head: [UInt8] = big ? [0x4D, 0x4D] : [0x49, 0x49]
        let text = n(0x010F, 2) + n(2, 2) + n(4, 4) + n(0, 4)
        let entry = n(tag, 2) + n(type, 2) + n(count, 4) + n(orientation, size) + n(0, 4 - size)
        return head + n(42, 2) + n(offset, 4) + n(entries, 2) + text + entry
    }

    static func exif(_ orientation: Int, tag: Int = 0x0112) -> [UInt8] {
        Array("Exif\0\0".utf8) + tiff(orientation, tag: tag)
    }

    static let xmpHeader = Array("http://ns.adobe.com/xap/1.0/\0".utf8)

    static func xmp(element value: String) -> [UInt8] {
        packet("<rdf:Description><tiff:Orientation>\(value)</tiff:Orientation></rdf:Description>")
    }

    static func xmp(attribute value: String) -> [UInt8] {
        packet("<rdf:Description tiff:Make=\"x\" tiff:Orientation=\"\(value)\"/>")
    }

    static func packet(_ body: String) -> [UInt8] {
        Array(
            ("<?xpacket begin='\u{FEFF}' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
                + "<rdf:RDF>\(body)</rdf:RDF></x:xmpmeta><?xpacket end='w'?>").utf8)
    }

    /// The text of a raw profile, as ImageMagick writes it.
    static func profile(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
        var text = "\n\(name)\n" + String(format: "%8d", bytes.count) + "\n"
        for (index, byte) in bytes.enumerated() {
            text += String(format: "%02x", byte) + (index % 36 == 35 ? "\n" : "")
        }
        return Array((text + "\n").utf8)
    }

    /// A text of a PNG in each chunk that may hold it.
    static func texts(_ name: String, _ text: [UInt8]) -> [[UInt8]] {
        let name = Array(name.utf8) + [0]
        return [
            chunk("tEXt", name + text), chunk("zTXt", name + [0] + zlib(text)),
            chunk("iTXt", name + [0, 0] + Array("en\0Name\0".utf8) + text),
            chunk("iTXt", name + [1, 0, 0, 0] + zlib(text)),
        ]
    }
}
