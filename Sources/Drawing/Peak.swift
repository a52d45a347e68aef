import Vision

extension Plane {
    /// The index of the largest value in ``values``. Of several, it is the first in row order. It is nil if no value is
    /// positive.
    public var peak: Int? {
        values.withUnsafeBytes { bytes in
            // The largest value by SIMD lanes first, then its index.
            let width = MemoryLayout<SIMD16<Float>>.size
            var lanes = SIMD16<Float>.zero
            let whole = bytes.count / width * width
            for offset in stride(from: 0, to: whole, by: width) {
                let next = bytes.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
                lanes.replace(with: next, where: next .> lanes)
            }
            var best = lanes.max()
            for value in values[(whole / MemoryLayout<Float>.size)...] where value > best { best = value }
            return best > 0 ? values.firstIndex(of: best) : nil
        }
    }
}

/// The maximum of a map.
public enum Peak {
    /// The pixel of the maximum. If the pixels to its right or below it have the same value (an enlarged map is flat at
    /// its edges), it is the middle of them.
    /// - Parameters:
    ///   - map: `[height, width]`, row-major. Values that are not finite do not count.
    ///   - width: pixels in a row.
    /// - Returns: nil for a map that has one value everywhere or no finite value.
    public static func find(_ map: [Float], width: Int) -> (x: Int, y: Int)? {
        var best = -Float.infinity
        var lowest = Float.infinity
        var at = 0
        for (i, value) in map.enumerated() where value.isFinite {
            if value > best { (best, at) = (value, i) }
            lowest = min(lowest, value)
        }
        guard width > 0, best > lowest else { return nil }
        let x = at % width
        let y = at / width
        let height = map.count / width
        var right = x
        var down = y
        while right + 1 < width && map[y * width + right + 1] == best { right += 1 }
        while down + 1 < height && map[(down + 1) * width + x] == best { down += 1 }
        return ((x + right) / 2, (y + down) / 2)
    }
}
