/// One recorded operation, with the values that its backward rule needs. This file holds all backward rules.
///
/// Gradients have a leading seed axis. A rule gets `[K] + output shape` and returns `[K] + input shape` for each input,
/// in the order in which the inputs were recorded. Saved values have no seed axis. Parameter gradients are only
/// computed with K = 1 (training); rules that do not support more seeds have a precondition.
enum Operation {
    case leaf
    // Shape
    case reshape
    case permute(axes: [Int])
    case sliceLast(from: Int, of: Int)
    case rows(from: Int, of: Int)
    case concatenateLast(widths: [Int])
    /// input: x `[M, ...]`; output `[M * times, ...]`, each row repeated `times` times
    case repeatRows(times: Int)
    // Arithmetic
    case add
    case subtract
    case multiply(Tensor, Tensor)
    /// first: 1 where the first input is the larger one or both are equal, else 0
    case maximum(first: Tensor)
    case scale(Float)
    case sum(count: Int)
    case pick(positions: [Int], count: Int)
    // Layers
    case linear(x: Tensor, weight: Tensor, hasBias: Bool, PreparedLinear?)
    case batchedProduct(BatchedProductSaved)
    case convolution(x: Tensor, weight: Tensor, hasBias: Bool, ConvolutionGeometry, PreparedConvolution?)
    case activation(Activation, y: Tensor)
    case maximumPool(argument: [Int32], input: [Int])
    case averagePool(PoolGeometry, input: [Int])
    case globalAveragePool(input: [Int])
    case adaptiveAveragePool(height: Int, width: Int, input: [Int])
    case batchNorm(BatchNormSaved)
    case channelAffine(x: Tensor, scale: Tensor)
    case dropout(mask: Tensor)
    case embedding(indices: [Int], rows: Int)
    case softmax(y: Tensor)
    case l2Normalise(y: Tensor, factors: Tensor)
    case logSoftmax(y: Tensor)
    case crossEntropy(CrossEntropySaved)
    case lstm(LSTMSaved)
    case attentionLSTM(AttentionLSTMSaved)

    func backward(_ g: Tensor, seeds: Int, needed: [Bool], relu: ReLURule) -> [Tensor?] {
        switch self {
        case .leaf: return []
        case .reshape: return [g]
        case .permute(let axes):
            var inverse = [Int](repeating: 0, count: axes.count)
            for (i, axis) in axes.enumerated() { inverse[axis] = i }
            return [g.permuted([0] + inverse.map { $0 + 1 })]
        case .sliceLast(let from, let of): return [sliceLastBackward(g, from: from, of: of)]
        case .rows(let from, let of): return [rowsBackward(g, from: from, of: of)]
        case .concatenateLast(let widths):
            var from = 0
            return widths.indices.map { i in
                defer { from += widths[i] }
                return needed[i] ? sliceLastForward(g, from: from, width: widths[i]) : nil
            }
        case .repeatRows(let times): return [repeatRowsBackward(g, times: times)]
        case .add: return [g, g]
        case .subtract: return [g, needed[1] ? scaleForward(g, by: -1) : nil]
        case .multiply(let a, let b):
            return [needed[0] ? multiplyForward(g, b) : nil, needed[1] ? multiplyForward(g, a) : nil]
        case .maximum(let first): return maximumBackward(g, first: first, needed: needed)
        case .scale(let factor): return [scaleForward(g, by: factor)]
        case .sum(let count): return [sumBackward(g, count: count)]
        case .pick(let positions, let count): return [pickBackward(g, positions: positions, count: count)]
        case .linear(let x, let weight, let hasBias, let prepared):
            let parts = linearBackward(g, x: x, weight: weight, prepared: prepared, seeds: seeds, needed: needed)
            return hasBias ? parts : Array(parts.prefix(2))
        case .batchedProduct(let saved): return batchedProductBackward(g, saved: saved, seeds: seeds, needed: needed)
        case .convolution(let x, let weight, let hasBias, let geometry, let prepared):
            let parts = convolutionBackward(
                g, x: x, weight: weight, geometry: geometry, prepared: prepared, seeds: seeds, needed: needed)
            return hasBias ? parts : Array(parts.prefix(2))
        case .activation(let kind, let y): return [activationBackward(kind, g, y: y, rule: relu)]
        case .maximumPool(let argument, let input):
            return [maximumPoolBackward(g, argument: argument, input: input, seeds: seeds)]
        case .averagePool(let geometry, let input):
            return [averagePoolBackward(g, geometry: geometry, input: input, seeds: seeds)]
        case .globalAveragePool(let input): return [globalAveragePoolBackward(g, input: input, seeds: seeds)]
        case .adaptiveAveragePool(let height, let width, let input):
            return [adaptiveAveragePoolBackward(g, height: height, width: width, input: input, seeds: seeds)]
        case .batchNorm(let saved): return batchNormBackward(g, saved: saved, seeds: seeds)
        case .channelAffine(let x, let scale):
            return channelAffineBackward(g, x: x, scale: scale, seeds: seeds, needed: needed)
        case .dropout(let mask): return [multiplyForward(g, mask)]
        case .embedding(let indices, let rows):
            return [embeddingBackward(g, indices: indices, rows: rows, seeds: seeds)]
        case .softmax(let y): return [softmaxBackward(g, y: y)]
        case .l2Normalise(let y, let factors): return [l2NormaliseBackward(g, y: y, factors: factors)]
        case .logSoftmax(let y): return [logSoftmaxBackward(g, y: y)]
        case .crossEntropy(let saved): return [crossEntropyBackward(g, saved: saved, seeds: seeds)]
        case .lstm(let saved): return lstmBackward(g, saved: saved, seeds: seeds, needed: needed)
        case .attentionLSTM(let saved): return attentionLSTMBackward(g, saved: saved, seeds: seeds, needed: needed)
        }
    }
}

extension Operation {
    /// The operation with the choices of the same operation for another input: which side of a ReLU's or a ReLU6's
    /// corners each value is on, and which value is the largest. All else is differentiable and stays its own.
    func withCorners(of other: Operation) -> Operation {
        switch (self, other) {
        case (.activation(.relu, _), .activation(.relu, _)), (.activation(.relu6, _), .activation(.relu6, _)),
            (.maximum, .maximum), (.maximumPool, .maximumPool):
            other
        default: self
        }
    }
}
