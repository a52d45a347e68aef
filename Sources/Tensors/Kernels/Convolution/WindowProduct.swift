import CKernels

/// Convolutions of few input channels, such as a network's first layer: the windows are multiplied in place.
///
/// A row of a window is `kw * C` contiguous numbers, and the next window's row begins `stride * C` further. So the
/// windows of one output row are `kh` matrices whose rows overlap. Copying them into separate rows (Im2col.swift) would
/// take as long as the product if there are few channels. Here only the rows of the image are copied, with zeros around
/// them.

/// True if ``windowsForward`` is faster than im2col: for short windows, and for output rows that fill a register block.
func suitsWindows(_ geometry: ConvolutionGeometry, length: Int, outputWidth: Int) -> Bool {
    geometry.groups == 1 && length <= 256 && outputWidth >= 12
}

/// - Parameter matrix: `[kh * kw * C, O]`
func windowsForward(
    _ x: Tensor, matrix: PackedMatrix, geometry: ConvolutionGeometry, _ epilogue: Epilogue, _ y: Tensor
) {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let (oh, ow, outputs) = (y.shape[1], y.shape[2], y.shape[3])
    let (kh, kw) = (geometry.kernelHeight, geometry.kernelWidth)
    let (sh, sw) = (geometry.strideHeight, geometry.strideWidth)
    let pad = geometry.padding(height: h, width: w)
    // The columns of the image that the windows of one output row cover.
    let width = (ow - 1) * sw + kw
    let before = min(width, pad.left), inside = min(width - before, w), line = width * c
    let offsets = (0..<kh).flatMap { ky in (0..<kw * c).map { ky * line + $0 } }
    // A quarter of a usual L2 cache of one megabyte, or two windows.
    let strip = max(2, ((1 << 16) / line - kh) / sh)
    // A job is one output row of one image.
    Parallel.ranges(n * oh, grain: (1 << 19) / (ow * matrix.depth * outputs) + 1, each: 8) { range in
        let rows = Tensor(uninitialized: [(min(strip, range.count) - 1) * sh + kh, line])
        var job = range.lowerBound
        while job < range.upperBound {
            let image = job / oh, row = job % oh
            let count = min(strip, range.upperBound - job, oh - row)
            for r in 0..<(count - 1) * sh + kh {
                let to = rows.pointer + r * line, iy = row * sh - pad.top + r
                if iy < 0 || iy >= h {
                    to.update(repeating: 0, count: line)
                } else {
                    to.update(repeating: 0, count: before * c)
                    (to + before * c).update(from: x.pointer + (image * h + iy) * w * c, count: inside * c)
                    (to + (before + inside) * c).update(repeating: 0, count: line - (before + inside) * c)
                }
            }
            offsets.withUnsafeBufferPointer { offsets in
                for i in 0..<count {
                    for column in stride(from: 0, to: outputs, by: kernels.panel) {
                        var product = mmx_product(
                            rows: ow, depth: offsets.count, a: rows.pointer + i * sh * line, row_stride: sw * c,
                            step: 0, offsets: offsets.baseAddress,
                            panel: matrix.panels.pointer + column * matrix.depth, width: panelWidth(outputs - column),
                            c: y.pointer + (job + i) * ow * outputs, c_stride: outputs, column: column,
                            columns: min(kernels.panel, outputs - column), epilogue: epilogue.c, kept: nil)
                        kernels.product(&product)
                    }
                }
            }
            job += count
        }
        withExtendedLifetime(rows) {}
    }
    withExtendedLifetime(matrix) {}
}
