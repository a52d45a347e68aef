/// An LSTM that attends to the image before each step (Show, Attend and Tell, Xu et al. 2015): soft attention with its
/// gate beta; the context is an input of the gates.
public struct AttentionLSTM {
    /// The part of the gates that depends on the words.
    public let input: Linear
    let weightQuery: Variable, weightScore: Variable, weightGate: Variable, biasGate: Variable
    let weightContext: Variable, weightHidden: Variable
    let keys: Linear
    /// H, and D.
    public let hidden: Int, annotation: Int

    /// - Parameters:
    ///   - inputs: width of a word's embedding.
    ///   - annotation: D, the channels of one region's annotation.
    ///   - attention: A, the width of the space in which queries and keys are added.
    public init(_ p: Parameters, inputs: Int, hidden: Int, annotation: Int, attention: Int) {
        self.hidden = hidden
        self.annotation = annotation
        let bound = 1 / Float(hidden).squareRoot()
        input = Linear(p["input"], inputs: inputs, outputs: 4 * hidden, bound: bound)
        keys = Linear(p["keys"], inputs: annotation, outputs: attention)
        weightQuery = p("query.weight", shape: [attention, hidden], initial: .uniform(bound))
        weightScore = p("score.weight", shape: [attention], initial: .uniform(1 / Float(attention).squareRoot()))
        weightGate = p("gate.weight", shape: [hidden], initial: .uniform(bound))
        biasGate = p("gate.bias", shape: [1], initial: .zeros)
        weightContext = p("context.weight", shape: [4 * hidden, annotation], initial: .uniform(bound))
        weightHidden = p("hidden.weight", shape: [4 * hidden, hidden], initial: .uniform(bound))
    }

    /// The keys of an image's regions: annotations `[M, L, D] -> [M, L, A]`, computed once for each image.
    public func keys(of annotations: Variable) -> Variable { keys(annotations) }

    /// Runs all steps of a sequence of words.
    /// - Parameters:
    ///   - words: `[T, N, E]`; row n attends to image n / (N / M).
    ///   - annotations: `[M, L, D]`; keys `[M, L, A]`; h, c `[N, H]`.
    /// - Returns: h `[T, N, H]`, the gated context z `[T, N, D]`, the attention alpha `[T, N, L]`.
    public func callAsFunction(
        _ words: Variable, annotations: Variable, keys: Variable, h: Variable, c: Variable
    ) -> (h: Variable, context: Variable, attention: Variable) {
        let output = attentionLSTM(
            gates: input(words), annotations: annotations, keys: keys, h: h, c: c, weightQuery: weightQuery,
            weightScore: weightScore, weightGate: weightGate, biasGate: biasGate, weightContext: weightContext,
            weightHidden: weightHidden)
        let regions = annotations.shape[1]
        return (
            output.slicedLast(0..<hidden), output.slicedLast(hidden..<hidden + annotation),
            output.slicedLast(hidden + annotation..<hidden + annotation + regions)
        )
    }

    /// One step without a tape, for decoding: words `[N, E]`, h and c `[N, H]`.
    public func step(
        _ words: Tensor, annotations: Tensor, keys: Tensor, h: Tensor, c: Tensor
    ) -> (h: Tensor, c: Tensor, context: Tensor, attention: Tensor) {
        let gates = input(Variable(words)).value
        let (output, lastC, _) = attentionLSTMForward(
            gates: gates.reshaped([1] + gates.shape), annotations: annotations, keys: keys, h: h, c: c,
            weightQuery: weightQuery.value, weightScore: weightScore.value, weightGate: weightGate.value,
            biasGate: biasGate.value, weightContext: weightContext.value, weightHidden: weightHidden.value)
        let row = output.row(0), regions = annotations.shape[1]
        return (
            sliceLastForward(row, from: 0, width: hidden), lastC,
            sliceLastForward(row, from: hidden, width: annotation),
            sliceLastForward(row, from: hidden + annotation, width: regions)
        )
    }
}
