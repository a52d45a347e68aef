import Tensors

/// Show and Tell (Vinyals et al. 2015, eq. 10-12): the mean of the feature map over its regions is the LSTM's input
/// before the first word.
///
/// Models with `normalisesImage` normalise the image's embedding over the batch. The mean features of different images
/// are similar, and an LSTM otherwise learns very slowly to distinguish them.
///
/// The output layer is a linear layer from h, then the transposed word embedding (Press & Wolf 2017).
public struct ShowAndTell: CaptionDecoder {
    let image: Linear
    let imageNorm: BatchNorm?
    let words: Embedding
    let lstm: LSTM
    let output: Linear
    let outputBias: Variable
    let hidden: Int

    public init(_ p: Parameters, _ configuration: DecoderConfiguration) {
        hidden = configuration.hidden
        image = Linear(p["image"], inputs: configuration.features, outputs: configuration.embedding)
        imageNorm =
            configuration.normalisesImage == true ? BatchNorm(p["image_norm"], channels: configuration.embedding) : nil
        words = Embedding(p["words"], count: configuration.vocabulary, width: configuration.embedding)
        lstm = LSTM(p["lstm"], inputs: configuration.embedding, hidden: hidden)
        output = Linear(p["output"], inputs: hidden, outputs: configuration.embedding)
        outputBias = p(DecoderConfiguration.outputBias, shape: [configuration.vocabulary], initial: .zeros)
    }

    /// h and c `[M, H]` after the LSTM has read the images.
    private func start(_ features: Variable, _ dropout: Dropout?) -> (h: Variable, c: Variable) {
        var pooled = globalAveragePool(features)
        if let dropout { pooled = dropout(pooled) }
        var x = image(pooled)
        if let imageNorm { x = imageNorm(x) }
        let images = features.shape[0]
        let zero = Variable(Tensor([images, hidden]))
        let (h, c) = lstm(x.reshaped([1, images, x.shape[1]]), h: zero, c: zero)
        return (h.reshaped([images, hidden]), c.reshaped([images, hidden]))
    }

    private func score(_ h: Variable, _ dropout: Dropout?) -> Variable {
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
        let (states, _) = lstm(x, h: start.h.repeatedRows(rows), c: start.c.repeatedRows(rows))
        return score(states, dropout)
    }

    public func begin(features: Tensor, rows: Int) -> DecoderState {
        let (h, c) = start(Variable(features), nil)
        return DecoderState(h: h.repeatedRows(rows).value, c: c.repeatedRows(rows).value)
    }

    public func step(_ state: DecoderState, words indices: [Int]) -> (logits: Tensor, state: DecoderState) {
        let embedded = words(indices)
        let x = embedded.reshaped([1] + embedded.shape)
        let (h, c) = lstm(x, h: Variable(state.h), c: Variable(state.c))
        let next = DecoderState(h: h.value.row(0), c: c.value.row(0))
        return (score(h.reshaped([indices.count, hidden]), nil).value, next)
    }
}
