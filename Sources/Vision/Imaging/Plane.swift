import Tensors

/// One number for each pixel of an image, as in a map: `values[y * width + x]`.
public struct Plane: Equatable, Sendable {
    public let width: Int
    public let height: Int
    public var values: [Float]

    public init(width: Int, height: Int, values: [Float]) {
        precondition(
            width > 0 && height > 0 && values.count == width * height,
            "a plane of \(width)x\(height) needs \(width * height) values, not \(values.count)")
        self.width = width
        self.height = height
        self.values = values
    }

    /// Resizes the plane with the same filters as images, in 32-bit floats, without clipping. Enlarging
    /// with `bilinear` is plain bilinear interpolation with half-pixel centres (`align_corners=False`).
    /// - Parameter box: the part to resize, in this plane's pixels, fractional; nil for all of it.
    public func resized(
        width outWidth: Int, height outHeight: Int, filter: ResizeFilter, box: Rectangle? = nil
    ) -> Plane {
        precondition(outWidth > 0 && outHeight > 0, "\(outWidth)x\(outHeight) is not a valid size")
        let box = box ?? Rectangle(x0: 0, y0: 0, x1: Double(width), y1: Double(height))
        precondition(
            box.x0 >= 0 && box.y0 >= 0 && box.x1 <= Double(width) && box.y1 <= Double(height) && !box.isEmpty,
            "\(box) is not inside a plane of \(width)x\(height)")
        return resampled(
            columns: ResampleWeights(
                inputs: width, start: box.x0, step: box.width / Double(outWidth), outputs: outWidth, filter: filter),
            rows: ResampleWeights(
                inputs: height, start: box.y0, step: box.height / Double(outHeight), outputs: outHeight, filter: filter)
        )
    }

    /// Resamples along x first, then along y.
    func resampled(columns: ResampleWeights, rows: ResampleWeights) -> Plane {
        let used = rows.used, outWidth = columns.first.count, outHeight = rows.first.count
        let across = columns.floats, down = rows.floats
        let narrow = [Float](unsafeUninitializedCapacity: used.count * outWidth) { output, filled in
            values.withUnsafeBufferPointer { input in
                Parallel.ranges(used.count, grain: max(1, 65_536 / outWidth)) { part in
                    for y in part {
                        let row = (used.lowerBound + y) * width
                        for x in 0..<outWidth {
                            var sum: Float = 0
                            let first = row + columns.first[x]
                            for k in 0..<columns.count[x] { sum += input[first + k] * across[x * columns.taps + k] }
                            output[y * outWidth + x] = sum
                        }
                    }
                }
            }
            filled = used.count * outWidth
        }
        let resampled = [Float](unsafeUninitializedCapacity: outWidth * outHeight) { output, filled in
            narrow.withUnsafeBufferPointer { input in
                guard let source = input.baseAddress, let target = output.baseAddress else { return }
                Parallel.ranges(outHeight, grain: max(1, 65_536 / outWidth)) { part in
                    for y in part {
                        let row = target + y * outWidth
                        for k in 0..<rows.count[y] {
                            let weight = down[y * rows.taps + k]
                            let from = source + (rows.first[y] + k - used.lowerBound) * outWidth
                            if k == 0 {
                                for x in 0..<outWidth { row[x] = from[x] * weight }
                            } else {
                                for x in 0..<outWidth { row[x] += from[x] * weight }
                            }
                        }
                    }
                }
            }
            filled = outWidth * outHeight
        }
        return Plane(width: outWidth, height: outHeight, values: resampled)
    }
}
