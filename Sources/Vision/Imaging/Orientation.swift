import Foundation

/// EXIF's tag 0x0112: how the stored rows and columns are arranged in the upright image.
enum Orientation: Int {
    case upright = 1
    case mirrored, turned180, flipped, transposed, turned90, transversed, turned270

    /// True if rows become columns.
    var swapsSides: Bool { rawValue >= 5 }

    /// Reads the first APP1 "Exif" segment of a JPEG; `upright` if there is none or it is invalid.
    init(jpeg bytes: UnsafeRawBufferPointer) {
        self = .upright
        var position = 2
        while position + 4 <= bytes.count, bytes[position] == 0xFF {
            let marker = bytes[position + 1]
            if marker == 0xFF {
                position += 1
                continue
            }
            if marker == 0xDA || marker == 0xD9 { return }
            let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            guard length >= 2, position + 2 + length <= bytes.count else { return }
            let segment = UnsafeRawBufferPointer(rebasing: bytes[position + 4..<position + 2 + length])
            if marker == 0xE1, segment.count >= 6, segment.prefix(6).elementsEqual([0x45, 0x78, 0x69, 0x66, 0, 0]) {
                self = Self(tiff: UnsafeRawBufferPointer(rebasing: segment[6...]))
                return
            }
            position += 2 + length
        }
    }

    /// Reads the eXIf chunk of a PNG; `upright` if there is none or it is invalid.
    init(png bytes: UnsafeRawBufferPointer) {
        self = .upright
        var position = 8
        while position + 12 <= bytes.count {
            let length = Self.integer(bytes, position, 4, big: true)
            guard length <= bytes.count - position - 12 else { return }
            if bytes[position + 4..<position + 8].elementsEqual("eXIf".utf8) {
                self = Self(tiff: UnsafeRawBufferPointer(rebasing: bytes[position + 8..<position + 8 + length]))
                return
            }
            position += 12 + length
        }
    }

    /// Reads the TIFF structure of EXIF data: byte order, then a directory of 12-byte entries.
    init(tiff bytes: UnsafeRawBufferPointer) {
        self = .upright
        guard bytes.count >= 8 else { return }
        let big: Bool
        switch (bytes[0], bytes[1]) {
        case (0x49, 0x49): big = false
        case (0x4D, 0x4D): big = true
        default: return
        }
        guard Self.integer(bytes, 2, 2, big: big) == 42 else { return }
        let directory = Self.integer(bytes, 4, 4, big: big)
        guard directory >= 8, directory + 2 <= bytes.count else { return }
        for entry in 0..<Self.integer(bytes, directory, 2, big: big) {
            let at = directory + 2 + entry * 12
            guard at + 12 <= bytes.count else { return }
            guard Self.integer(bytes, at, 2, big: big) == 0x0112 else { continue }
            // One unsigned 16-bit value, stored in place.
            guard Self.integer(bytes, at + 2, 2, big: big) == 3, Self.integer(bytes, at + 4, 4, big: big) == 1 else {
                return
            }
            self = Orientation(rawValue: Self.integer(bytes, at + 8, 2, big: big)) ?? .upright
            return
        }
    }

    private static func integer(_ bytes: UnsafeRawBufferPointer, _ at: Int, _ count: Int, big: Bool) -> Int {
        (0..<count).reduce(0) { $0 << 8 | Int(bytes[at + (big ? $1 : count - 1 - $1)]) }
    }
}

extension Image {
    /// The image after the orientation is applied.
    func upright(_ orientation: Orientation) -> Image {
        let w = width, h = height
        // The source pixel of the result's (x, y) is origin + x * across + y * down.
        let (origin, across, down): (Int, Int, Int)
        switch orientation {
        case .upright: return self
        case .mirrored: (origin, across, down) = (w - 1, -1, w)
        case .turned180: (origin, across, down) = (w * h - 1, -1, -w)
        case .flipped: (origin, across, down) = (w * (h - 1), 1, -w)
        case .transposed: (origin, across, down) = (0, w, 1)
        case .turned90: (origin, across, down) = (w * (h - 1), -w, 1)
        case .transversed: (origin, across, down) = (w * h - 1, -w, -1)
        case .turned270: (origin, across, down) = (w - 1, w, -1)
        }
        let (width, height) = orientation.swapsSides ? (h, w) : (w, h)
        let tile = 64
        return Image(
            width: width, height: height,
            filledBy: { target in
                pixels.withUnsafeBufferPointer { pixels in
                    let source = pixels.baseAddress.unsafelyUnwrapped
                    // Works in tiles, so that columns of the source stay in the cache.
                    Image.rows(height, grain: tile) { rows in
                        for left in stride(from: 0, to: width, by: tile) {
                            for y in rows {
                                var from = source + (origin + left * across + y * down) * 3
                                var to = target + (y * width + left) * 3
                                for _ in left..<min(left + tile, width) {
                                    to[0] = from[0]
                                    to[1] = from[1]
                                    to[2] = from[2]
                                    to += 3
                                    from += across * 3
                                }
                            }
                        }
                    }
                }
            })
    }
}
