/// A 1x1 convolution in the form that ``packedProduct`` takes.
struct PointwiseLayer {
    let matrix: PackedMatrix
    let bias: Tensor?
    let activation: Activation
    var epilogue: Epilogue { Epilogue(bias: bias?.pointer, activation: activation) }
}

/// A depthwise convolution in the form that ``DepthwisePass`` takes.
struct DepthwiseLayer {
    /// `[kh, kw, C]`
    let panels: Tensor
    let bias: Tensor?
    let geometry: ConvolutionGeometry
    let activation: Activation
    var epilogue: Epilogue { Epilogue(bias: bias?.pointer, activation: activation) }
}

/// project(depthwise(expand(x))), plus x if `addsInput`. It runs in strips of rows: the intermediate maps, six times as
/// large as the input, are read again while they are in the cache, and are never in memory as a whole. The results are
/// bit for bit those of the three layers run separately.
/// - Parameters:
///   - x: `[N, H, W, C]`
///   - expand: C to C' channels; nil if the depthwise layer reads x.
///   - project: C' to O channels.
/// - Returns: `[N, H', W', O]`
func invertedResidualForward(
    _ x: Tensor, expand: PointwiseLayer?, depthwise: DepthwiseLayer, project: PointwiseLayer, addsInput: Bool
) -> Tensor {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let geometry = depthwise.geometry
    let size = geometry.outputSize(height: h, width: w), pad = geometry.padding(height: h, width: w)
    let (oh, ow) = (size.height, size.width), stride = geometry.strideHeight
    let inner = depthwise.panels.shape[2], outputs = project.matrix.columns
    let y = Tensor(uninitialized: [n, oh, ow, outputs])
    // Half a megabyte of expanded rows.
    let strip = max(1, min(oh, (1 << 17) / max(1, w * inner * stride)))
    func inputs(of rows: Range<Int>) -> Range<Int> {
        let first = max(0, rows.lowerBound * stride - pad.top)
        return first..<min(h, (rows.upperBound - 1) * stride - pad.top + geometry.kernelHeight)
    }
    // A job is one output row of one image.
    Parallel.ranges(n * oh) { range in
        let between = Tensor(
            uninitialized: [expand == nil ? 0 : (strip - 1) * stride + geometry.kernelHeight, w, inner])
        let deep = Tensor(uninitialized: [strip, ow, inner])
        // The rows that are expanded now, and their image.
        var present = 0..<0, presentImage = -1
        var job = range.lowerBound
        while job < range.upperBound {
            let image = job / oh, row = job % oh
            let count = min(strip, range.upperBound - job, oh - row)
            var source = x.pointer + image * h * w * c
            if let expand {
                let wanted = inputs(of: row..<row + count)
                // The last rows of the previous strip are the first rows of this one.
                let kept = presentImage == image ? max(0, present.upperBound - wanted.lowerBound) : 0
                if kept > 0 {
                    between.pointer.update(
                        from: between.pointer + (wanted.lowerBound - present.lowerBound) * w * inner,
                        count: kept * w * inner)
                }
                packedProduct(
                    rows: (wanted.count - kept) * w, depth: c, columns: inner,
                    source + (wanted.lowerBound + kept) * w * c, lda: c, expand.matrix.panels.pointer,
                    between.pointer + kept * w * inner, ldc: inner, expand.epilogue)
                source = between.pointer - wanted.lowerBound * w * inner
                (present, presentImage) = (wanted, image)
            }
            let pass = DepthwisePass(
                source, height: h, width: w, panels: depthwise.panels, geometry, depthwise.epilogue)
            pass(rows: row..<row + count, deep.pointer)
            let result = y.pointer + job * ow * outputs
            let epilogue =
                addsInput
                ? project.epilogue.adding(x.pointer + job * ow * outputs, to: result) : project.epilogue
            matrixProduct(
                rows: count * ow, depth: inner, columns: outputs, deep.pointer, lda: inner,
                project.matrix.panels.pointer, result, ldc: outputs, epilogue)
            job += count
        }
        withExtendedLifetime((between, deep)) {}
    }
    withExtendedLifetime((x, expand, depthwise, project)) {}
    return y
}
