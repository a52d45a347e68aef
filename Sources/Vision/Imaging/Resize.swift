import Tensors

extension Image {
    /// This image, or the part of it inside `box`, at another size; antialiased, except with `nearest`.
    ///
    /// Equal, bit for bit, to Pillow's `Image.resize(..., box=...)` on RGB: along x first, rounded to 8 bits, then
    /// along y, in fixed point. Pillow 13 resamples along y first where that is less work; there the results differ by
    /// up to 2.
    /// - Parameter box: in this image's pixels, fractional, inside the image; nil for all of it. Pixels just outside
    ///   the box count where the filter reaches them.
    public func resized(
        width outWidth: Int, height outHeight: Int, filter: ResizeFilter, box: Rectangle? = nil
    ) -> Image {
        precondition(outWidth > 0 && outHeight > 0, "\(outWidth)x\(outHeight) is not a valid size")
        let box = box ?? Rectangle(x0: 0, y0: 0, x1: Double(width), y1: Double(height))
        precondition(
            box.x0 >= 0 && box.y0 >= 0 && box.x1 <= Double(width) && box.y1 <= Double(height) && box.width > 0
                && box.height > 0, "\(box) is not inside an image of \(width)x\(height)")
        // Pillow stores the box in 32-bit floats.
        let (x0, x1, y0, y1) = (Float(box.x0), Float(box.x1), Float(box.y0), Float(box.y1))
        let columns = ResampleWeights(
            inputs: width, start: Double(x0), step: Double(x1 - x0) / Double(outWidth), outputs: outWidth,
            filter: filter)
        let rows = ResampleWeights(
            inputs: height, start: Double(y0), step: Double(y1 - y0) / Double(outHeight), outputs: outHeight,
            filter: filter)
        let sameColumns = outWidth == width && x0 == 0 && x1 == Float(width)
        let sameRows = outHeight == height && y0 == 0 && y1 == Float(height)
        if sameColumns { return sameRows ? self : resampledRows(rows, from: 0) }
        if sameRows { return resampledColumns(columns, rows: 0..<height) }
        // Only the rows that the second pass reads.
        let used = rows.used
        return resampledColumns(columns, rows: used).resampledRows(rows, from: used.lowerBound)
    }

    /// Resamples each row of `rows` along x.
    private func resampledColumns(_ weights: ResampleWeights, rows: Range<Int>) -> Image {
        let outWidth = weights.first.count
        let fixed = weights.fixed
        return Image(
            width: outWidth, height: rows.count,
            filledBy: { output in
                pixels.withUnsafeBufferPointer { input in
                    fixed.withUnsafeBufferPointer { fixed in
                        weights.first.withUnsafeBufferPointer { first in
                            weights.count.withUnsafeBufferPointer { count in
                                Image.rows(rows.count, grain: 64) { part in
                                    Self.resampleColumns(
                                        input, width: width,
                                        rows: rows.lowerBound + part.lowerBound..<rows.lowerBound + part.upperBound,
                                        to: output + part.lowerBound * outWidth * 3, fixed, taps: weights.taps, first,
                                        count)
                                }
                            }
                        }
                    }
                }
            })
    }

    private static func resampleColumns(
        _ input: UnsafeBufferPointer<UInt8>, width: Int, rows: Range<Int>, to output: UnsafeMutablePointer<UInt8>,
        _ fixed: UnsafeBufferPointer<Int32>, taps: Int, _ first: UnsafeBufferPointer<Int>,
        _ count: UnsafeBufferPointer<Int>
    ) {
        let stride = width * 3
        // The image's last pixel is also read as four bytes, so its row needs one more byte.
        var last = [UInt8](repeating: 0, count: stride + 1)
        guard let base = input.baseAddress, let weights = fixed.baseAddress else { return }
        let endsHere = rows.upperBound * stride == input.count
        if endsHere { for i in 0..<stride { last[i] = base[input.count - stride + i] } }
        last.withUnsafeBufferPointer { last in
            guard let last = last.baseAddress else { return }
            let half = SIMD4<Int32>(repeating: 1 << Int32(ResampleWeights.bits - 1))
            // Four rows at once, so that their sums do not wait for each other. A sum's lanes are red, green, blue and
            // an unused byte.
            for group in Swift.stride(from: 0, to: rows.count, by: 4) {
                func row(_ k: Int) -> UnsafeRawPointer {
                    let r = min(group + k, rows.count - 1)
                    return UnsafeRawPointer(
                        endsHere && r == rows.count - 1 ? last : base + (rows.lowerBound + r) * stride)
                }
                let (a, b, c, d) = (row(0), row(1), row(2), row(3))
                let live = min(4, rows.count - group)
                let target = output + group * first.count * 3
                for x in first.indices {
                    let weight = weights + x * taps
                    var offset = first[x] * 3
                    var sums = (half, half, half, half)
                    func pixel(_ row: UnsafeRawPointer) -> SIMD4<Int32> {
                        SIMD4(truncatingIfNeeded: row.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt8>.self))
                    }
                    for k in 0..<count[x] {
                        let weight = SIMD4<Int32>(repeating: weight[k])
                        sums.0 &+= pixel(a) &* weight
                        sums.1 &+= pixel(b) &* weight
                        sums.2 &+= pixel(c) &* weight
                        sums.3 &+= pixel(d) &* weight
                        offset += 3
                    }
                    let result = clipped(
                        SIMD16(
                            lowHalf: SIMD8(lowHalf: sums.0, highHalf: sums.1),
                            highHalf: SIMD8(lowHalf: sums.2, highHalf: sums.3)))
                    for r in 0..<live {
                        let to = target + (r * first.count + x) * 3
                        to[0] = result[4 * r]
                        to[1] = result[4 * r + 1]
                        to[2] = result[4 * r + 2]
                    }
                }
            }
        }
    }

    /// Resamples each column along y. Row 0 of this image is row `origin` in the numbering of `weights`.
    private func resampledRows(_ weights: ResampleWeights, from origin: Int) -> Image {
        let stride = width * 3
        let fixed = weights.fixed
        return Image(
            width: width, height: weights.first.count,
            filledBy: { output in
                pixels.withUnsafeBufferPointer { input in
                    guard let base = input.baseAddress else { return }
                    Image.rows(weights.first.count, grain: 16) { part in
                        for y in part {
                            let from = UnsafeRawPointer(base + (weights.first[y] - origin) * stride)
                            let count = weights.count[y]
                            fixed.withUnsafeBufferPointer { fixed in
                                guard let weight = fixed.baseAddress.map({ $0 + y * weights.taps }) else { return }
                                Self.resampleRow(from, stride: stride, weight, count: count, to: output + y * stride)
                            }
                        }
                    }
                }
            })
    }

    private static func resampleRow(
        _ input: UnsafeRawPointer, stride: Int, _ weight: UnsafePointer<Int32>, count: Int,
        to output: UnsafeMutablePointer<UInt8>
    ) {
        let half = Int32(1 << (ResampleWeights.bits - 1))
        var x = 0
        while x + 16 <= stride {
            var sum = SIMD16<Int32>(repeating: half)
            for k in 0..<count {
                let samples = input.loadUnaligned(fromByteOffset: k * stride + x, as: SIMD16<UInt8>.self)
                sum &+= SIMD16<Int32>(truncatingIfNeeded: samples) &* weight[k]
            }
            UnsafeMutableRawPointer(output + x).storeBytes(of: clipped(sum), as: SIMD16<UInt8>.self)
            x += 16
        }
        while x < stride {
            var sum = half
            for k in 0..<count {
                sum &+= Int32(input.load(fromByteOffset: k * stride + x, as: UInt8.self)) &* weight[k]
            }
            output[x] = UInt8(clamping: sum >> Int32(ResampleWeights.bits))
            x += 1
        }
    }

    @inline(__always) private static func clipped(_ sum: SIMD16<Int32>) -> SIMD16<UInt8> {
        let value = sum &>> SIMD16(repeating: Int32(ResampleWeights.bits))
        return SIMD16<UInt8>(
            truncatingIfNeeded: value.clamped(
                lowerBound: SIMD16(repeating: 0), upperBound: SIMD16(repeating: 255)))
    }
}
