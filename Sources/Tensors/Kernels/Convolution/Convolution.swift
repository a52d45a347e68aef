import Support

/// The kernel that runs a convolution forward.
public enum ConvolutionAlgorithm: String, Codable, Sendable, CaseIterable {
    /// One matrix product over all pixels.
    case product
    /// Winograd F(4x4, 3x3).
    case winograd
    case depthwise
    /// Windows copied into rows (im2col), then a matrix product.
    case direct

    /// - Parameters:
    ///   - weight: `[O, kh, kw, C / groups]`
    ///   - output: `[N, H', W', O]`
    public init(weight: Tensor, geometry: ConvolutionGeometry, output: [Int]) {
        if isDepthwise(weight, geometry) {
            self = .depthwise
        } else if WinogradWeights.suits(weight, geometry),
            WinogradWeights.pays(images: output[0], height: output[1], width: output[2])
        {
            self = .winograd
        } else {
            self = geometry.isPointwise ? .product : .direct
        }
    }
}

/// Weights in the layout of their kernel, made once when a model is loaded.
public struct PreparedConvolution: Sendable {
    let layout: Layout
    let backward = KeptWeights<BackwardWeights>()

    enum Layout: Sendable {
        /// `[kh, kw, C]`
        case depthwise(Tensor)
        /// Weights for Winograd's kernel or for im2col; the size of the map decides.
        case threeByThree(ThreeByThreeWeights)
        /// One matrix of `kh * kw * C / groups` x `O / groups` for each group.
        case packed([PackedMatrix])
    }

    /// - Parameter weight: `[O, kh, kw, C / groups]`
    public init(weight: Tensor, geometry: ConvolutionGeometry) {
        if isDepthwise(weight, geometry) {
            layout = .depthwise(depthwisePanels(weight))
        } else if WinogradWeights.suits(weight, geometry) {
            layout = .threeByThree(ThreeByThreeWeights(weight))
        } else {
            let outputs = weight.shape[0] / geometry.groups
            let length = weight.count / weight.shape[0]
            layout = .packed(
                (0..<geometry.groups).map {
                    PackedMatrix(transposing: weight, offset: $0 * outputs * length, depth: length, columns: outputs)
                })
        }
    }
}

/// The weights of a layer that ``WinogradWeights/suits(_:_:)``. Each layout is made when it is first used. Winograd's
/// weights are four times as large; for a small map, reading them takes longer than the multiplications.
final class ThreeByThreeWeights: Sendable {
    private let weight: Tensor
    private let made = Mutex<(winograd: WinogradWeights?, windows: PackedMatrix?)>((nil, nil))

    init(_ weight: Tensor) { self.weight = weight }

    // Made without the lock. Two threads may both make it; that is faster than letting one wait for the other.
    var winograd: WinogradWeights {
        if let found = made.withLock({ $0.winograd }) { return found }
        let result = WinogradWeights(weight)
        made.withLock { $0.winograd = result }
        return result
    }

    var windows: PackedMatrix {
        if let found = made.withLock({ $0.windows }) { return found }
        let outputs = weight.shape[0]
        let result = PackedMatrix(transposing: weight, depth: weight.count / outputs, columns: outputs)
        made.withLock { $0.windows = result }
        return result
    }
}

/// Weights in the layout of the kernel that computes the gradient of the input.
enum BackwardWeights: Sendable {
    case winograd(WinogradWeights)
    case packed([PackedMatrix])
}

/// y `[N, H', W', O]` of x `[N, H, W, C]`, weight `[O, kh, kw, C / groups]`, bias `[O]`. Bias and activation are
/// applied before a result is stored.
/// - Parameter shortcut: `[N, H', W', O]`, added before the activation; not supported for a depthwise weight.
func convolutionForward(
    _ x: Tensor, weight: Tensor, bias: Tensor?, shortcut: Tensor? = nil, geometry: ConvolutionGeometry,
    activation: Activation, prepared: PreparedConvolution?
) -> Tensor {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let outputs = weight.shape[0]
    precondition(
        weight.shape.count == 4 && weight.shape[1] == geometry.kernelHeight && weight.shape[2] == geometry.kernelWidth
            && weight.shape[3] * geometry.groups == c
            && outputs % geometry.groups == 0,
        "weight \(weight.shape) does not fit input \(x.shape) with \(geometry)")
    let size = geometry.outputSize(height: h, width: w)
    precondition(size.height > 0 && size.width > 0, "input \(x.shape) is smaller than the kernel of \(geometry)")
    let y = Tensor(uninitialized: [n, size.height, size.width, outputs])
    var epilogue = Epilogue(bias: bias?.pointer, activation: activation)
    if let shortcut {
        precondition(shortcut.shape == y.shape, "a shortcut of \(shortcut.shape) for \(y.shape)")
        epilogue = epilogue.adding(shortcut.pointer, to: y.pointer)
    }
    let prepared = prepared ?? PreparedConvolution(weight: weight, geometry: geometry)
    switch prepared.layout {
    case .depthwise(let panels):
        depthwiseForward(x, panels: panels, geometry: geometry, epilogue, y)
    case .threeByThree(let weights):
        if WinogradWeights.pays(images: n, height: size.height, width: size.width) {
            let pad = geometry.padding(height: h, width: w)
            winogradForward(
                x.pointer, images: n, height: h, width: w, weights: weights.winograd, top: pad.top, left: pad.left,
                y.pointer, outputHeight: size.height, outputWidth: size.width, epilogue)
        } else {
            im2colForward(x, matrices: [weights.windows], geometry: geometry, epilogue, y)
        }
    case .packed(let matrices):
        if geometry.isPointwise {
            parallelProduct(
                rows: n * h * w, depth: c, columns: outputs, x.pointer, lda: c, matrices[0].panels.pointer, y.pointer,
                ldc: outputs,
                epilogue)
        } else {
            im2colForward(x, matrices: matrices, geometry: geometry, epilogue, y)
        }
    }
    withExtendedLifetime((prepared, shortcut)) {}
    activateInPlace(y.pointer, count: y.count, activation)
    return y
}

/// ``convolutionForward`` and a 2x2 maximum pool in one kernel. Returns nil if Winograd's kernel does not run the
/// convolution, or if the map's height or width is odd.
/// - Returns: `[N, H' / 2, W' / 2, O]`
func pooledConvolutionForward(
    _ x: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, activation: Activation, prepared: PreparedConvolution
) -> Tensor? {
    let (n, h, w) = (x.shape[0], x.shape[1], x.shape[2])
    let size = geometry.outputSize(height: h, width: w)
    guard case .threeByThree(let weights) = prepared.layout, activation.bounds != nil,
        size.height % 2 == 0, size.width % 2 == 0,
        WinogradWeights.pays(images: n, height: size.height, width: size.width)
    else { return nil }
    let winograd = weights.winograd, pad = geometry.padding(height: h, width: w)
    precondition(x.shape[3] == winograd.inputs, "input \(x.shape) for \(winograd.inputs) channels")
    let y = Tensor(uninitialized: [n, size.height / 2, size.width / 2, winograd.outputs])
    winogradForward(
        x.pointer, images: n, height: h, width: w, weights: winograd, top: pad.top, left: pad.left, y.pointer,
        outputHeight: size.height, outputWidth: size.width, pooled: true,
        Epilogue(bias: bias?.pointer, activation: activation))
    withExtendedLifetime((x, bias)) {}
    return y
}

/// Gradients of x, weight and bias; g `[K, N, H', W', O]`. Those of weight and bias only with K = 1.
func convolutionBackward(
    _ g: Tensor, x: Tensor, weight: Tensor, geometry: ConvolutionGeometry, prepared: PreparedConvolution? = nil,
    seeds: Int, needed: [Bool]
) -> [Tensor?] {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let outputs = weight.shape[0]
    let size = geometry.outputSize(height: h, width: w)
    // The gradient of the input does not depend on the input, so K seeds of N images are treated as K N images.
    let folded = g.reshaped([seeds * n, size.height, size.width, outputs])
    let wantsWeight = needed[1]
    let wantsBias = needed.count > 2 && needed[2]
    precondition(seeds == 1 || !(wantsWeight || wantsBias), "parameter gradients are for one seed")
    let dx =
        needed[0]
        ? convolutionBackwardInput(
            folded, weight: weight, geometry: geometry, height: h, width: w, prepared?.backward
        ).reshaped([seeds] + x.shape) : nil
    var dw: Tensor?
    if wantsWeight {
        if geometry.isPointwise {
            let result = Tensor(weight.shape)
            transposedProduct(
                rows: n * h * w, m: outputs, n: c, g.pointer, lda: outputs, x.pointer, ldb: c, result.pointer, ldc: c)
            dw = result
        } else if isDepthwise(weight, geometry) {
            dw = depthwiseBackwardWeight(folded, x: x, geometry: geometry)
        } else {
            dw = im2colBackwardWeight(folded, x: x, weight: weight, geometry: geometry)
        }
    }
    return [dx, dw, wantsBias ? channelSums(g, channels: outputs) : nil]
}

/// g `[B, H', W', O] -> [B, H, W, C]`
private func convolutionBackwardInput(
    _ g: Tensor, weight: Tensor, geometry: ConvolutionGeometry, height h: Int, width w: Int,
    _ kept: KeptWeights<BackwardWeights>?
) -> Tensor {
    func layout(_ make: () -> BackwardWeights) -> BackwardWeights { kept?.layout(make) ?? make() }
    let (n, oh, ow, outputs) = (g.shape[0], g.shape[1], g.shape[2], g.shape[3])
    let pad = geometry.padding(height: h, width: w)
    if geometry.isPointwise {
        let c = weight.shape[3]
        let dx = Tensor(uninitialized: [n, h, w, c])
        let weights = layout {
            .packed([PackedMatrix(weight, depth: outputs, columns: c, rowStride: c, columnStride: 1)])
        }
        guard case .packed(let matrices) = weights else { preconditionFailure("weights of another kernel") }
        parallelProduct(
            rows: n * h * w, depth: outputs, columns: c, g.pointer, lda: outputs, matrices[0].panels.pointer,
            dx.pointer, ldc: c)
        withExtendedLifetime(matrices) {}
        return dx
    }
    if isDepthwise(weight, geometry) {
        return depthwiseBackwardInput(g, weight: weight, geometry: geometry, height: h, width: w)
    }
    if WinogradWeights.suits(weight, geometry) && pad.top <= 2 && pad.left <= 2 {
        // The gradient is a convolution of g with the kernel rotated by 180 degrees.
        let dx = Tensor(uninitialized: [n, h, w, weight.shape[3]])
        let turned = layout { .winograd(WinogradWeights(weight, backward: true)) }
        guard case .winograd(let weights) = turned else { preconditionFailure("weights of another kernel") }
        winogradForward(
            g.pointer, images: n, height: oh, width: ow, weights: weights, top: 2 - pad.top,
            left: 2 - pad.left, dx.pointer, outputHeight: h, outputWidth: w, .none)
        return dx
    }
    let windows = layout { .packed(im2colBackwardWeights(weight, geometry: geometry)) }
    guard case .packed(let matrices) = windows else { preconditionFailure("weights of another kernel") }
    return im2colBackwardInput(g, weight: weight, matrices: matrices, geometry: geometry, height: h, width: w)
}
