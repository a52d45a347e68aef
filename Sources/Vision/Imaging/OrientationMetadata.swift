import CPNG
import Foundation

/// Where a JPEG or PNG says how it is to be turned.
///
/// Where several places disagree, the order is that of Pillow's `ImageOps.exif_transpose`: EXIF, if it has the tag,
/// even with a value that means nothing; else XMP. Metadata that are damaged or too long say nothing; they are never an
/// error, because the pixels do not depend on them.
extension Orientation {
    /// The bytes of an XMP packet, and of a text after it is unpacked, that are looked at.
    private static let longestText = 1 << 20
    private static let exifHeader = Array("Exif\0\0".utf8)
    private static let xmpName = Array("tiff:Orientation".utf8)
    private static let xmpHeader = Array("http://ns.adobe.com/xap/1.0/\0".utf8)

    /// Reads the APP1 segments of a JPEG before its first scan: EXIF, and XMP in one segment (not extended XMP).
    init(jpeg bytes: UnsafeRawBufferPointer) {
        var exif: Slice<UnsafeRawBufferPointer>?
        var xmp: Slice<UnsafeRawBufferPointer>?
        var position = 2
        while position + 4 <= bytes.count {
            // As libjpeg does: bytes that begin no marker are skipped, and so are padding (FF) and stuffed zeros.
            guard bytes[position] == 0xFF, bytes[position + 1] != 0xFF, bytes[position + 1] != 0 else {
                position += 1
                continue
            }
            let marker = bytes[position + 1]
            if marker == 0xDA || marker == 0xD9 { break }
            if (0xD0...0xD8).contains(marker) || marker == 0x01 {  // markers without a segment
                position += 2
                continue
            }
            let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            guard length >= 2, position + 2 + length <= bytes.count else { break }
            let segment = bytes[position + 4..<position + 2 + length]
            if marker == 0xE1 {
                // A second EXIF segment continues the first, whose directory comes first.
                if exif == nil, segment.starts(with: Self.exifHeader), segment.count > Self.exifHeader.count {
                    exif = segment
                } else if segment.starts(with: Self.xmpHeader) {
                    xmp = segment.dropFirst(Self.xmpHeader.count)
                }
            }
            position += 2 + length
        }
        self = (exif.flatMap { Self(exif: $0) } ?? xmp.flatMap { Self(xmp: $0) }) ?? .upright
    }

    /// Reads the chunks of a PNG: EXIF in eXIf, XMP in a text `XML:com.adobe.xmp`, and both in the texts that
    /// ImageMagick and exiftool write ("Raw profile type exif"). Texts may be compressed, in any of the three chunks.
    init(png bytes: UnsafeRawBufferPointer) {
        var exif: Slice<UnsafeRawBufferPointer>?
        // The last text of each name; only these are unpacked, so that many cost no more than a few.
        var texts: [String: Slice<UnsafeRawBufferPointer>] = [:]
        var position = 8
        while position + 12 <= bytes.count {
            func integer(_ at: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + $1]) } }
            let length = integer(position), kind = integer(position + 4)
            guard length <= bytes.count - position - 12 else { break }
            // The chunk's kind stands before its body, for whoever unpacks it.
            let chunk = bytes[position + 4..<position + 8 + length]
            switch kind {
            case 0x6558_4966: exif = chunk.dropFirst(4)  // eXIf
            case 0x7445_5874, 0x7A54_5874, 0x6954_5874:  // tEXt, zTXt, iTXt
                for name in PNGText.names where chunk.dropFirst(4).starts(with: name.utf8) {
                    if length > name.utf8.count, chunk[chunk.startIndex + 4 + name.utf8.count] == 0 {
                        texts[name] = chunk
                    }
                }
            default: break
            }
            position += 12 + length
        }
        func text(_ name: String) -> [UInt8]? {
            texts[name].flatMap { PNGText.body($0, name, atMost: Self.longestText) }
        }
        func profile(_ name: String) -> [UInt8]? { text(name).flatMap(PNGText.profile) }

        let app1 = profile(PNGText.app1)
        let isXMP = app1?.starts(with: Self.xmpHeader) ?? false
        var orientation: Orientation?
        if let exif {
            orientation = Self(exif: exif)
        } else if let profile = profile(PNGText.exif) ?? (isXMP ? nil : app1) {
            orientation = profile.withUnsafeBytes { Self(exif: $0[...]) }
        }
        if orientation == nil,
            let packet = text(PNGText.xmp) ?? profile(PNGText.xmpProfile)
                ?? (isXMP ? app1.map { Array($0.dropFirst(Self.xmpHeader.count)) } : nil)
        {
            orientation = packet.withUnsafeBytes { Self(xmp: $0[...]) }
        }
        self = orientation ?? .upright
    }

    /// Reads EXIF data, with its header "Exif\0\0" or without. Nil where they are damaged or do not have the tag; a
    /// value that is not in 1...8 is `upright`.
    init?(exif data: Slice<UnsafeRawBufferPointer>) {
        var data = data
        // Some writers put the header twice.
        for _ in 0..<2 where data.starts(with: Self.exifHeader) { data = data.dropFirst(Self.exifHeader.count) }
        let bytes = UnsafeRawBufferPointer(rebasing: data)
        // A TIFF structure: byte order, 42, the place of a directory of 12-byte entries.
        guard bytes.count >= 8 else { return nil }
        let big: Bool
        switch (bytes[0], bytes[1]) {
        case (0x49, 0x49): big = false
        case (0x4D, 0x4D): big = true
        default: return nil
        }
        func integer(_ at: Int, _ count: Int) -> Int {
            (0..<count).reduce(0) { $0 << 8 | Int(bytes[at + (big ? $1 : count - 1 - $1)]) }
        }
        guard integer(2, 2) == 42 else { return nil }
        let directory = integer(4, 4)
        guard directory >= 8, directory + 2 <= bytes.count else { return nil }
        for entry in 0..<integer(directory, 2) {
            let at = directory + 2 + entry * 12
            guard at + 12 <= bytes.count else { return nil }
            guard integer(at, 2) == 0x0112 else { continue }
            // One integer, stored in place: SHORT or LONG, with a sign or without.
            let sizes = [3: 2, 4: 4, 8: 2, 9: 4]
            guard let size = sizes[integer(at + 2, 2)], integer(at + 4, 4) == 1 else {
                self = .upright
                return
            }
            self = Orientation(rawValue: integer(at + 8, size)) ?? .upright
            return
        }
        return nil
    }

    /// Searches an XMP packet for `tiff:Orientation`, as an attribute (`tiff:Orientation="6"`) or an element
    /// (`<tiff:Orientation>6</tiff:Orientation>`); the first counts. Nil where there is none; a value that is not in
    /// 1...8 is `upright`. The packet is not parsed as XML, so nesting costs nothing.
    init?(xmp packet: Slice<UnsafeRawBufferPointer>) {
        let bytes = UnsafeRawBufferPointer(rebasing: packet.prefix(Self.longestText))
        var position = 0
        func skipSpace() {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        }
        func next() -> UInt8? {
            defer { position += 1 }
            return position < bytes.count ? bytes[position] : nil
        }
        while let end = Self.end(of: Self.xmpName, in: bytes, from: position) {
            position = end
            skipSpace()
            switch next() {
            case UInt8(ascii: "="):
                skipSpace()
                guard let quote = next(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { continue }
            case UInt8(ascii: ">"): skipSpace()
            default: continue
            }
            guard let digit = next(), (0x30...0x39).contains(digit) else { continue }
            // A second digit makes a number that means nothing.
            let isSingle = position >= bytes.count || !(0x30...0x39).contains(bytes[position])
            self = (isSingle ? Orientation(rawValue: Int(digit) - 0x30) : nil) ?? .upright
            return
        }
        return nil
    }

    /// The place after the next occurrence of `text`.
    private static func end(of text: [UInt8], in bytes: UnsafeRawBufferPointer, from position: Int) -> Int? {
        var start = position
        while start + text.count <= bytes.count {
            if bytes[start] == text[0], bytes[start..<start + text.count].elementsEqual(text) {
                return start + text.count
            }
            start += 1
        }
        return nil
    }
}

/// The texts of a PNG that may say how it is to be turned.
enum PNGText {
    static let exif = "Raw profile type exif"
    static let app1 = "Raw profile type APP1"
    static let xmpProfile = "Raw profile type xmp"
    static let xmp = "XML:com.adobe.xmp"
    static let names = [exif, app1, xmpProfile, xmp]

    /// A text without its name, unpacked, at most `limit` bytes of it; nil where it is damaged.
    /// - Parameter chunk: the chunk's kind (tEXt, zTXt or iTXt), then its body, which begins with the name and a zero.
    static func body(_ chunk: Slice<UnsafeRawBufferPointer>, _ name: String, atMost limit: Int) -> [UInt8]? {
        var rest = chunk.dropFirst(4 + name.utf8.count + 1)
        var isCompressed = false
        switch chunk.first {
        case UInt8(ascii: "z"):
            guard rest.popFirst() == 0 else { return nil }  // deflate, the only method there is
            isCompressed = true
        case UInt8(ascii: "i"):
            guard let flag = rest.popFirst(), let method = rest.popFirst() else { return nil }
            isCompressed = flag != 0
            guard !isCompressed || method == 0 else { return nil }
            // The language, and the name in that language.
            for _ in 0..<2 {
                guard let zero = rest.firstIndex(of: 0) else { return nil }
                rest = rest[(zero + 1)...]
            }
        default: break
        }
        guard isCompressed else { return Array(rest.prefix(limit)) }
        let input = UnsafeRawBufferPointer(rebasing: rest)
        let text = [UInt8](unsafeUninitializedCapacity: limit) { output, filled in
            filled = mmx_png_inflate(
                input.bindMemory(to: UInt8.self).baseAddress, input.count, output.baseAddress, output.count)
        }
        return text.isEmpty ? nil : text
    }

    /// The bytes of a raw profile: a line break, the profile's name, its length, and hexadecimal digits in lines. The
    /// length is not used: what counts are the digits that are there.
    static func profile(_ text: [UInt8]) -> [UInt8]? {
        var rest = text[...]
        if rest.first == 0x0A { rest.removeFirst() }
        // The lines of the name and of the length.
        for _ in 0..<2 {
            guard let end = rest.firstIndex(of: 0x0A) else { return nil }
            rest = rest[(end + 1)...]
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rest.count / 2)
        var high: UInt8?
        for character in rest {
            let digit: UInt8
            switch character {
            case 0x30...0x39: digit = character - 0x30
            case 0x41...0x46: digit = character - 0x41 + 10
            case 0x61...0x66: digit = character - 0x61 + 10
            case 0x09, 0x0A, 0x0D, 0x20: continue
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }
}
