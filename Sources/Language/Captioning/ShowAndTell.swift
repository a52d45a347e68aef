import Tensors

/// Show and Tell (Vinyals et al. 2015, eq. 10-12): the mean of the feature map over its regions is the LSTM's input
/// before the first word.
///
/// Models with `normalisesImage` normalise the image's embedding over the batch. The mean features of different images
/// are similar, and an LSTM otherwise learns very slowly to distinguish them.
///
/// The output layer is a linear layer from h, then the transposed word embedding (Press & Wolf 2017); or, in captioners
/// from elsewhere, a layer of its own (`untied`). Those may also have several LSTM layers, a maxout cell, a ReLU after
/// the image's embedding, or VGG's fc7 in place of the mean (`neck`). The state's h and c are those of all layers, side
/// by side.
public struct ShowAndTell: CaptionDecoder {
    let neck: NeckLayers?
    let image: Linear
    let imageNorm: BatchNorm?
    let activatesImage: Bool
    let words: Embedding
    let layers: [any RecurrentLayer]
    /// From h to the words' embedding; nil where the scores have a layer of their own.
    let output: Linear?
    let scores: Linear?
    let outputBias: Variable
    let hidden: Int

    public init(_ p: Parameters, _ configuration: DecoderConfiguration) {
        hidden = configuration.hidden
        let (hidden, embedding) = (configuration.hidden, configuration.embedding)
        neck = NeckLayers(p["neck"], configuration.neck, features: configuration.features)
        image = Linear(p["image"], inputs: neck?.channels ?? configuration.features, outputs: embedding)
        imageNorm = configuration.normalisesImage == true ? BatchNorm(p["image_norm"], channels: embedding) : nil
        activatesImage = configuration.activatesImage == true
        words = Embedding(p["words"], count: configuration.vocabulary, width: embedding)
        layers = (0..<max(1, configuration.layers ?? 1)).map { layer -> any RecurrentLayer in
            let (p, inputs) = layer == 0 ? (p["lstm"], embedding) : (p["lstm_\(layer)"], hidden)
            return configuration.cell == .maxout
                ? MaxoutLSTM(p, inputs: inputs, hidden: hidden) : LSTM(p, inputs: inputs, hidden: hidden)
        }
        let isUntied = configuration.untied == true
        output = isUntied ? nil : Linear(p["output"], inputs: hidden, outputs: embedding)
        scores =
            isUntied ? Linear(p["output"]["words"], inputs: hidden, outputs: configuration.vocabulary) : nil
        outputBias =
            scores?.bias ?? p(DecoderConfiguration.outputBias, shape: [configuration.vocabulary], initial: .zeros)
    }

    /// All layers over a sequence: x `[T, N, E]`, h and c `[N, layers * H]`; h of the last layer `[T, N, H]`, and h and c
    /// after the last step, `[N, layers * H]`.
    private func run(_ x: Variable, h: Variable, c: Variable) -> (states: Variable, h: Variable, c: Variable) {
        var x = x
        var last: (h: [Variable], c: [Variable]) = ([], [])
        let end = x.shape[0] - 1
        for (index, layer) in layers.enumerated() {
            let part = index * hidden..<(index + 1) * hidden
            func own(_ state: Variable) -> Variable { layers.count == 1 ? state : state.slicedLast(part) }
            let (hAll, cAll) = layer(x, h: own(h), c: own(c))
            func final(_ states: Variable) -> Variable {
                states.rows(end..<end + 1).reshaped([states.shape[1], hidden])
            }
            last.h.append(final(hAll))
            last.c.append(final(cAll))
            x = hAll
        }
        if layers.count == 1 { return (x, last.h[0], last.c[0]) }
        return (x, concatenateLast(last.h), concatenateLast(last.c))
    }

    /// h and c `[M, layers * H]` after the LSTM has read the images.
    private func start(_ features: Variable, _ dropout: Dropout?) -> (h: Variable, c: Variable) {
        var pooled = globalAveragePool(neck?(features) ?? features)
        if let dropout { pooled = dropout(pooled) }
        var x = image(pooled)
        if let imageNorm { x = imageNorm(x) }
        if activatesImage { x = x.activated(.relu) }
        let images = features.shape[0]
        let zero = Variable(Tensor([images, layers.count * hidden]))
        let (_, h, c) = run(x.reshaped([1, images, x.shape[1]]), h: zero, c: zero)
        return (h, c)
    }

    private func score(_ h: Variable, _ dropout: Dropout?) -> Variable {
        if let scores { return scores(dropout?(h) ?? h) }
        guard let output else { preconditionFailure("a decoder has an output layer") }
        var x = output(dropout?(h) ?? h)
        if let dropout { x = dropout(x) }
        return linear(x, words.weight, outputBias)
    }

    public func logits(features: Variable, words indices: [[Int]], dropout: Dropout?) -> Variable {
        logits(from: start(features, dropout), indices, dropout)
    }

    public func logits(from state: DecoderState, words indices: [[Int]]) -> Tensor {
        logits(from: (Variable(state.h), Variable(state.c)), indices, nil).value
    }

    private func logits(from start: (h: Variable, c: Variable), _ indices: [[Int]], _ dropout: Dropout?) -> Variable {
        let rows = indices.count / start.h.shape[0]
        let length = indices.first?.count ?? 0
        var embedded = words(timeFirst(indices))
        if let dropout { embedded = dropout(embedded) }
        let x = embedded.reshaped([length, indices.count, embedded.shape[1]])
        let (states, _, _) = run(x, h: start.h.repeatedRows(rows), c: start.c.repeatedRows(rows))
        return score(states, dropout)
    }

    public func begin(features: Tensor, rows: Int) -> DecoderState {
        let (h, c) = start(Variable(features), nil)
        return DecoderState(h: h.repeatedRows(rows).value, c: c.repeatedRows(rows).value)
    }

    public func step(_ state: DecoderState, words indices: [Int]) -> (logits: Tensor, state: DecoderState) {
        let embedded = words(indices)
        let x = embedded.reshaped([1] + embedded.shape)
        let (states, h, c) = run(x, h: Variable(state.h), c: Variable(state.c))
        return (
            score(states.reshaped([indices.count, hidden]), nil).value, DecoderState(h: h.value, c: c.value)
        )
    }
}
