import Vision

extension Plane {
    /// Index of the largest value, of equals the first in row order; nil when no value is positive.
    public var peak: Int? {
        values.withUnsafeBytes { bytes in
            // The largest in each of 16 columns first, which is quick, then where it is.
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
