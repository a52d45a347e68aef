import CKernels

/// 3x3 convolutions of stride 1 as Winograd F(4x4, 3x3) (Lavin & Gray 2016, section 4.3): a tile of 4x4 outputs needs
/// 36 multiplications for each pair of channels instead of 144. Y = A^T [ (G g G^T) . (B^T d B) ] A; the sums over
/// channels are 36 matrix products.

struct WinogradWeights: Sendable {
    let inputs: Int, outputs: Int
    /// `[36]` packed matrices of inputs x outputs.
    let panels: Tensor

    var planeSize: Int { packedSize(depth: inputs, columns: outputs) }

    /// True if the transforms cost less than the multiplications that they save.
    static func suits(_ weight: Tensor, _ geometry: ConvolutionGeometry) -> Bool {
        geometry.kernelHeight == 3 && geometry.kernelWidth == 3 && geometry.strideHeight == 1
            && geometry.strideWidth == 1
            && geometry.groups == 1 && weight.shape[0] >= 16 && weight.shape[3] >= 16
    }

    /// True for outputs of more than 8 tiles. For fewer, reading 36 matrices instead of 9 takes longer than it saves.
    static func pays(images: Int, height: Int, width: Int) -> Bool {
        images * ((height + 3) / 4) * ((width + 3) / 4) > 8
    }

    /// G g G^T of weight `[O, 3, 3, C]`.
    /// - Parameter backward: for the gradient of the input: the kernel is rotated by 180 degrees, inputs and outputs
    ///   are exchanged.
    init(_ weight: Tensor, backward: Bool = false) {
        let o = weight.shape[0]
        let c = weight.shape[3]
        let inputs = backward ? o : c
        let outputs = backward ? c : o
        let inputStride = backward ? 9 * c : 1
        let outputStride = backward ? 1 : 9 * c
        let plane = packedSize(depth: inputs, columns: outputs)
        let result = Tensor(uninitialized: [36, plane])
        let most = kernels.panel
        Parallel.ranges((outputs + most - 1) / most, grain: max(1, 256 / max(1, inputs))) { range in
            for panel in range {
                let first = panel * most, width = panelWidth(outputs - first)
                var weights = mmx_winograd_weights(
                    weights: weight.pointer + first * outputStride, output_stride: outputStride,
                    input_stride: inputStride, position_stride: c, is_turned: backward ? 1 : 0, inputs: inputs,
                    outputs: min(most, outputs - first), panel: result.pointer + first * inputs, plane: plane,
                    width: width, stored: width)
                kernels.winograd_weights(&weights)
            }
        }
        withExtendedLifetime(weight) {}
        self.inputs = inputs
        self.outputs = outputs
        panels = result
    }
}

/// Row strides of the scratch memory: whole vectors of 16, and no multiples of 1 KiB, which would map all rows to the
/// same few sets of the L1 cache.
private func paddedRow(_ n: Int) -> Int { (n + 15) / 16 * 16 + (n % 256 == 0 ? 16 : 0) }

/// x `[N, H, W, C]` (C = weights.inputs), y `[N, H', W', O]`; `top` and `left` zeros before the input, and as many
/// after it as y needs.
/// - Parameter pooled: y is `[N, H' / 2, W' / 2, O]`, the maximum of each 2x2 results; H' and W' are even.
func winogradForward(
    _ x: UnsafePointer<Float>, images: Int, height: Int, width: Int, weights: WinogradWeights, top: Int, left: Int,
    _ y: UnsafeMutablePointer<Float>, outputHeight: Int, outputWidth: Int, pooled: Bool = false,
    _ epilogue: Epilogue
) {
    let tiles = mmx_tiles(
        height: height, width: width, channels: weights.inputs, output_height: outputHeight,
        output_width: outputWidth, outputs: weights.outputs, top: top, left: left, down: (outputHeight + 3) / 4,
        across: (outputWidth + 3) / 4, is_pooled: pooled ? 1 : 0)
    let count = images * tiles.down * tiles.across
    let (inputRow, outputRow) = (paddedRow(weights.inputs), paddedRow(weights.outputs))
    if count == 0 { return }
    let panels = weights.panels.pointer
    let panelSize = weights.planeSize
    let threads = Parallel.threads
    func products(
        _ planes: Range<Int>, _ rows: Int, _ v: UnsafePointer<Float>, _ vPlane: Int, _ m: UnsafeMutablePointer<Float>,
        _ mPlane: Int
    ) {
        for plane in planes {
            packedProduct(
                rows: rows, depth: weights.inputs, columns: weights.outputs, v + plane * vPlane, lda: inputRow,
                panels + plane * panelSize, m + plane * mPlane, ldc: outputRow)
        }
    }
    /// Tiles `own` of x to planes, or of planes to y.
    func scatter(_ own: Range<Int>, _ v: UnsafeMutablePointer<Float>, _ plane: Int) {
        withUnsafePointer(to: tiles) { tiles in
            for tile in own { kernels.winograd_scatter(tiles, x, tile, v + (tile - own.lowerBound) * inputRow, plane) }
        }
    }
    func gather(_ own: Range<Int>, _ m: UnsafePointer<Float>, _ plane: Int) {
        withUnsafePointer(to: tiles) { tiles in
            withUnsafePointer(to: epilogue.c) { epilogue in
                for tile in own {
                    kernels.winograd_gather(tiles, m + (tile - own.lowerBound) * outputRow, plane, tile, y, epilogue)
                }
            }
        }
    }
    let target = 48
    if count < target * threads {
        // Few tiles: the weights are larger than the tiles, so each thread computes some of the 36 products.
        let vPlane = count * inputRow + 16
        let mPlane = count * outputRow + 16
        let v = Tensor(uninitialized: [36 * vPlane])
        let m = Tensor(uninitialized: [36 * mPlane])
        Parallel.ranges(count) { scatter($0, v.pointer + $0.lowerBound * inputRow, vPlane) }
        Parallel.ranges(36) { products($0, count, v.pointer, vPlane, m.pointer, mPlane) }
        Parallel.ranges(count) { gather($0, m.pointer + $0.lowerBound * outputRow, mPlane) }
        withExtendedLifetime((v, m, weights)) {}
        return
    }
    Parallel.ranges(count) { range in
        let blocks = max(1, (range.count + target / 2) / target)
        let largest = (range.count + blocks - 1) / blocks
        // The results of one product overwrite the inputs of the one before it. This halves the memory, which then
        // stays in the cache.
        let plane = largest * max(inputRow, outputRow) + 16
        let scratch = Tensor(uninitialized: [37 * plane])
        let m = scratch.pointer, v = m + plane
        for block in 0..<blocks {
            let first = range.lowerBound + range.count * block / blocks
            let own = first..<range.lowerBound + range.count * (block + 1) / blocks
            scatter(own, v, plane)
            products(0..<36, own.count, v, plane, m, plane)
            gather(own, m, plane)
        }
        withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime(weights) {}
}
