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
