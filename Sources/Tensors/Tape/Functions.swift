/// The operations on variables. Each one runs its forward kernel. If one of its inputs is recorded on a tape, it also
/// records what the backward rule needs (see ``Operation``).

private func tape(_ inputs: Variable...) -> Tape? { inputs.lazy.compactMap(\.tape).first }

extension Variable {
    // MARK: Shape

    /// The same elements under another shape; one axis may be -1.
    public func reshaped(_ shape: [Int]) -> Variable {
        let y = value.reshaped(shape)
        return tape.map { $0.record(.reshape, [self], y) } ?? Variable(y)
    }

    /// Axes in the order `axes`.
    public func permuted(_ axes: [Int]) -> Variable {
        let y = value.permuted(axes)
        return tape.map { $0.record(.permute(axes: axes), [self], y) } ?? Variable(y)
    }

    /// `[..., W] -> [..., range.count]`
    public func slicedLast(_ range: Range<Int>) -> Variable {
        let y = sliceLastForward(value, from: range.lowerBound, width: range.count)
        return tape.map { $0.record(.sliceLast(from: range.lowerBound, of: shape[shape.count - 1]), [self], y) }
            ?? Variable(y)
    }

    /// `[M, ...] -> [range.count, ...]`, no copy.
    public func rows(_ range: Range<Int>) -> Variable {
        let y = value.rows(range)
        return tape.map { $0.record(.rows(from: range.lowerBound, of: shape[0]), [self], y) } ?? Variable(y)
    }

    /// `[M, ...] -> [M * times, ...]`; each row is repeated `times` times, the copies next to each other.
    public func repeatedRows(_ times: Int) -> Variable {
        if times == 1 { return self }
        let y = repeatRowsForward(value, times: times)
        return tape.map { $0.record(.repeatRows(times: times), [self], y) } ?? Variable(y)
    }

    // MARK: Arithmetic

    /// Element by element; both have the same shape.
    public static func + (a: Variable, b: Variable) -> Variable {
        let y = addForward(a.value, b.value)
        return Tensors.tape(a, b).map { $0.record(.add, [a, b], y) } ?? Variable(y)
    }

    /// Element by element; both have the same shape.
    public static func - (a: Variable, b: Variable) -> Variable {
        let y = addForward(a.value, scaleForward(b.value, by: -1))
        return Tensors.tape(a, b).map { $0.record(.subtract, [a, b], y) } ?? Variable(y)
    }

    /// Element by element.
    public static func * (a: Variable, b: Variable) -> Variable {
        precondition(a.shape == b.shape, "\(a.shape) times \(b.shape)")
        let y = multiplyForward(a.value, b.value)
        return Tensors.tape(a, b).map { $0.record(.multiply(a.value, b.value), [a, b], y) } ?? Variable(y)
    }

    /// Each element times `factor`.
    public func scaled(by factor: Float) -> Variable {
        let y = scaleForward(value, by: factor)
        return tape.map { $0.record(.scale(factor), [self], y) } ?? Variable(y)
    }

    /// The sum of all elements, shape `[]`.
    public func sum() -> Variable {
        let y = sumForward(value)
        return tape.map { $0.record(.sum(count: value.count), [self], y) } ?? Variable(y)
    }

    /// Elements at flat `positions`: `[P]`.
    public func picked(_ positions: [Int]) -> Variable {
        let y = pickForward(value, positions: positions)
        return tape.map { $0.record(.pick(positions: positions, count: value.count), [self], y) } ?? Variable(y)
    }

    // MARK: Activations

    /// The activation of each element.
    public func activated(_ kind: Activation) -> Variable {
        if kind == .none { return self }
        let y = activationForward(kind, value)
        return tape.map { $0.record(.activation(kind, y: y), [self], y) } ?? Variable(y)
    }

    /// Over the last axis.
    public func softmax() -> Variable {
        let y = softmaxForward(value)
        return tape.map { $0.record(.softmax(y: y), [self], y) } ?? Variable(y)
    }

    /// Over the last axis.
    public func logSoftmax() -> Variable {
        let y = logSoftmaxForward(value)
        return tape.map { $0.record(.logSoftmax(y: y), [self], y) } ?? Variable(y)
    }

    /// Over the last axis: x / sqrt(sum of x^2 + epsilon). The length is 1 for rows much longer than sqrt(epsilon).
    ///
    /// The derivative is at most 1 / sqrt(epsilon), so a row of zeros gives zeros and finite gradients.
    public func l2Normalised(epsilon: Float = 1e-6) -> Variable {
        let (y, factors) = l2NormaliseForward(value, epsilon: epsilon)
        return tape.map { $0.record(.l2Normalise(y: y, factors: factors), [self], y) } ?? Variable(y)
    }

    /// Inverted dropout: each element is zeroed with probability `rate`, the others divided by `1 - rate`.
    public func dropout(_ rate: Float, using generator: inout SeededGenerator) -> Variable {
        if rate <= 0 { return self }
        let mask = dropoutMask(shape, rate: rate, using: &generator)
        let y = multiplyForward(value, mask)
        return tape.map { $0.record(.dropout(mask: mask), [self], y) } ?? Variable(y)
    }
}

/// The larger of a and b, element by element; both have the same shape. Where they are equal, the gradient goes to a.
public func maximum(_ a: Variable, _ b: Variable) -> Variable {
    let (y, first) = maximumForward(a.value, b.value)
    return tape(a, b).map { $0.record(.maximum(first: first), [a, b], y) } ?? Variable(y)
}

/// A matrix product for each of B pairs: a `[B, m, k]` (`[B, k, m]` when transposed), b `[B, k, n]` (`[B, n, k]` when
/// transposed), result `[B, m, n]`.
public func batchedProduct(
    _ a: Variable, _ b: Variable, transposeA: Bool = false, transposeB: Bool = false
) -> Variable {
    let (y, saved) = batchedProductForward(a.value, b.value, transposeA: transposeA, transposeB: transposeB)
    return tape(a, b).map { $0.record(.batchedProduct(saved), [a, b], y) } ?? Variable(y)
}

/// `[..., a], [..., b], ... -> [..., a + b + ...]`
public func concatenateLast(_ parts: [Variable]) -> Variable {
    let y = concatenateLastForward(parts.map(\.value))
    let widths = parts.map { $0.shape[$0.shape.count - 1] }
    return parts.lazy.compactMap(\.tape).first.map { $0.record(.concatenateLast(widths: widths), parts, y) }
        ?? Variable(y)
}

/// y = x W^T + b; x `[..., I]`, weight `[O, I]`, bias `[O]`, y `[..., O]`.
/// - Parameter prepared: the weight in its layout for many rows, prepared once.
public func linear(
    _ x: Variable, _ weight: Variable, _ bias: Variable? = nil, prepared: PreparedLinear? = nil
) -> Variable {
    let y = linearForward(x.value, weight: weight.value, bias: bias?.value, prepared: prepared)
    let inputs = [x, weight] + (bias.map { [$0] } ?? [])
    return inputs.lazy.compactMap(\.tape).first.map {
        $0.record(.linear(x: x.value, weight: weight.value, hasBias: bias != nil, prepared), inputs, y)
    } ?? Variable(y)
}

/// x `[N, H, W, C]`, weight `[O, kh, kw, C / groups]`, bias `[O]`, y `[N, H', W', O]`.
///
/// Without a tape the activation is fused into the kernel. `prepared`, made once when the model is loaded, saves the
/// transformation of the weights.
public func convolution(
    _ x: Variable, _ weight: Variable, _ bias: Variable? = nil, _ geometry: ConvolutionGeometry,
    activation: Activation = .none, prepared: PreparedConvolution? = nil
) -> Variable {
    guard let tape = x.tape ?? weight.tape ?? bias?.tape else {
        return Variable(
            convolutionForward(
                x.value, weight: weight.value, bias: bias?.value, geometry: geometry, activation: activation,
                prepared: prepared))
    }
    let y = convolutionForward(
        x.value, weight: weight.value, bias: bias?.value, geometry: geometry, activation: .none, prepared: prepared)
    let operation = Operation.convolution(x: x.value, weight: weight.value, hasBias: bias != nil, geometry, prepared)
    return tape.record(operation, [x, weight] + (bias.map { [$0] } ?? []), y).activated(activation)
}

/// x `[N, H, W, C] -> [N, H', W', C]`
public func maximumPool(_ x: Variable, _ geometry: PoolGeometry) -> Variable {
    let (y, argument) = maximumPoolForward(x.value, geometry: geometry, wantsPositions: x.tape != nil)
    return x.tape.map { $0.record(.maximumPool(argument: argument, input: x.shape), [x], y) } ?? Variable(y)
}

/// x `[N, H, W, C] -> [N, H', W', C]`
public func averagePool(_ x: Variable, _ geometry: PoolGeometry) -> Variable {
    let y = averagePoolForward(x.value, geometry: geometry)
    return x.tape.map { $0.record(.averagePool(geometry, input: x.shape), [x], y) } ?? Variable(y)
}

/// x `[N, H, W, C] -> [N, C]`
public func globalAveragePool(_ x: Variable) -> Variable {
    let y = globalAveragePoolForward(x.value)
    return x.tape.map { $0.record(.globalAveragePool(input: x.shape), [x], y) } ?? Variable(y)
}

/// x `[N, H, W, C] -> [N, height, width, C]`: PyTorch's `AdaptiveAvgPool2d`. Returns x if it already has that size.
public func adaptiveAveragePool(_ x: Variable, height: Int, width: Int) -> Variable {
    precondition(height > 0 && width > 0 && x.value.count > 0, "\(x.shape) pooled to \(height)x\(width)")
    if x.shape[1] == height && x.shape[2] == width { return x }
    let y = adaptiveAveragePoolForward(x.value, height: height, width: width)
    return x.tape.map { $0.record(.adaptiveAveragePool(height: height, width: width, input: x.shape), [x], y) }
        ?? Variable(y)
}

/// Batch normalisation with the batch's own statistics (Ioffe & Szegedy 2015); x `[..., C]`, gamma and beta `[C]`.
/// - Returns: y, and the batch's mean and (biased) variance `[C]` for the running statistics.
public func batchNorm(
    _ x: Variable, gamma: Variable, beta: Variable, epsilon: Float
) -> (y: Variable, mean: Tensor, variance: Tensor) {
    let (y, mean, variance, saved) = batchNormForward(x.value, gamma: gamma.value, beta: beta.value, epsilon: epsilon)
    let output = tape(x, gamma, beta).map { $0.record(.batchNorm(saved), [x, gamma, beta], y) } ?? Variable(y)
    return (output, mean, variance)
}

/// y = activation(x * scale + shift) for each channel; x `[..., C]`, scale and shift `[C]`: batch normalisation in
/// inference. Without a tape the activation is fused into the kernel.
public func channelAffine(
    _ x: Variable, scale: Variable, shift: Variable, activation: Activation = .none
) -> Variable {
    guard let tape = tape(x, scale, shift) else {
        return Variable(channelAffineForward(x.value, scale: scale.value, shift: shift.value, activation: activation))
    }
    let y = channelAffineForward(x.value, scale: scale.value, shift: shift.value)
    return tape.record(.channelAffine(x: x.value, scale: scale.value), [x, scale, shift], y).activated(activation)
}

/// Rows of `table` `[V, E]`: `[indices.count, E]`.
public func embedding(_ table: Variable, _ indices: [Int]) -> Variable {
    let y = embeddingForward(table.value, indices: indices)
    return table.tape.map { $0.record(.embedding(indices: indices, rows: table.shape[0]), [table], y) } ?? Variable(y)
}

/// Weighted cross-entropy of `logits` `[R, V]` against `targets` (one index for each row): the sum over rows of
/// weight_r * ((1 - smoothing) * -log p(target_r) + smoothing * mean over v of -log p(v)), shape `[]`. Rows of weight 0
/// (padding) are skipped.
public func crossEntropy(_ logits: Variable, targets: [Int], weights: [Float], smoothing: Float = 0) -> Variable {
    let (loss, saved) = crossEntropyForward(logits.value, targets: targets, weights: weights, smoothing: smoothing)
    return logits.tape.map { $0.record(.crossEntropy(saved), [logits], loss) } ?? Variable(loss)
}

/// An LSTM over a whole sequence (gates in PyTorch's order i, f, g, o).
/// - Parameters:
///   - x: `[T, N, I]`
///   - h, c: the state before the first step, `[N, H]`
///   - weightInput: `[4H, I]`, weightHidden: `[4H, H]`, bias: `[4H]` (the sum of PyTorch's two biases)
/// - Returns: `[2, T, N, H]`: h of every step, then c of every step.
public func lstm(
    _ x: Variable, h: Variable, c: Variable, weightInput: Variable, weightHidden: Variable, bias: Variable
) -> Variable {
    let (states, saved) = lstmForward(
        x.value, h: h.value, c: c.value, weightInput: weightInput.value, weightHidden: weightHidden.value,
        bias: bias.value)
    return tape(x, h, c, weightInput, weightHidden, bias).map {
        $0.record(.lstm(saved), [x, h, c, weightInput, weightHidden, bias], states)
    } ?? Variable(states)
}

/// An LSTM over a whole sequence that attends to the image before each step (Show, Attend and Tell, Xu et al. 2015, eq.
/// 1-5, 8 and 13-14). ``attentionLSTMForward`` describes the inputs and the output.
public func attentionLSTM(
    gates: Variable, annotations: Variable, keys: Variable, h: Variable, c: Variable,
    weightQuery: Variable, weightScore: Variable, weightGate: Variable, biasGate: Variable,
    weightContext: Variable, weightHidden: Variable
) -> Variable {
    let inputs = [
        gates, annotations, keys, h, c, weightQuery, weightScore, weightGate, biasGate, weightContext, weightHidden,
    ]
    let (output, _, saved) = attentionLSTMForward(
        gates: gates.value, annotations: annotations.value, keys: keys.value, h: h.value, c: c.value,
        weightQuery: weightQuery.value, weightScore: weightScore.value, weightGate: weightGate.value,
        biasGate: biasGate.value, weightContext: weightContext.value, weightHidden: weightHidden.value)
    return inputs.lazy.compactMap(\.tape).first.map { $0.record(.attentionLSTM(saved), inputs, output) }
        ?? Variable(output)
}
