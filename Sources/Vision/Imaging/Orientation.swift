/// EXIF's tag 0x0112, `tiff:Orientation` in XMP: how the stored rows and columns are arranged in the upright image.
enum Orientation: Int {
    case upright = 1
    case mirrored, turned180, flipped, transposed, turned90, transversed, turned270

    /// True if rows become columns.
    var swapsSides: Bool { rawValue >= 5 }
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
