import Tensors

/// Show, Attend and Tell (Xu et al. 2015) with soft attention: before each word, the LSTM's state h gives each region
/// of the image a weight, and the LSTM reads the regions' weighted sum through a gate (eq. 1-9, 13-14).
///
/// Deep output (eq. 7): logits = E (L_h h_t + L_z z_t + E y_{t-1}) + b, where the output matrix is the word embedding
/// itself (Press & Wolf 2017). A model may add a ``VisualTerm`` to these scores.
public struct ShowAttendAndTell: CaptionDecoder {
    let annotate: Linear
    let initialH: Linear
    let initialC: Linear
    let words: Embedding
    let lstm: AttentionLSTM
    let outputH: Linear
    let outputContext: Linear
    let outputBias: Variable
    let term: VisualTerm?
    public var visual: (any WordRegions)? { term }

    public init(_ p: Parameters, _ configuration: DecoderConfiguration) {
        let hidden = configuration.hidden
        let embedding = configuration.embedding
        annotate = Linear(p["annotate"], inputs: configuration.features, outputs: hidden)
        initialH = Linear(p["initial_h"], inputs: hidden, outputs: hidden)
        initialC = Linear(p["initial_c"], inputs: hidden, outputs: hidden)
        words = Embedding(p["words"], count: configuration.vocabulary, width: embedding)
        lstm = AttentionLSTM(
            p["lstm"], inputs: embedding, hidden: hidden, annotation: hidden, attention: configuration.attention)
        outputH = Linear(p["output.h"], inputs: hidden, outputs: embedding)
        outputContext = Linear(p["output.context"], inputs: hidden, outputs: embedding, bias: false)
        outputBias = p(DecoderConfiguration.outputBias, shape: [configuration.vocabulary], initial: .zeros)
        term = configuration.visual.map {
            VisualTerm(
                p[DecoderConfiguration.visualTerm], features: configuration.features,
                vocabulary: configuration.vocabulary, hidden: hidden,
                width: $0)
        }
    }

    /// The LSTM's inputs: the regions' annotations `[M, L, D]` and keys `[M, L, A]`, and h and c `[M, H]` before the
    /// first word.
    private typealias Start = (annotations: Variable, keys: Variable, h: Variable, c: Variable)

    private func start(_ features: Variable, _ dropout: Dropout?) -> Start {
        let images = features.shape[0]
        let regions = features.shape[1] * features.shape[2]
        var annotations = annotate(features).activated(.relu)
        if let dropout { annotations = dropout(annotations) }
        let mean = globalAveragePool(annotations)
        let shaped = annotations.reshaped([images, regions, annotations.shape[3]])
        return (shaped, lstm.keys(of: shaped), initialH(mean).activated(.tanh), initialC(mean).activated(.tanh))
    }

    private func score(_ h: Variable, _ context: Variable, _ embedded: Variable, _ dropout: Dropout?) -> Variable {
        var x = outputH(dropout?(h) ?? h) + outputContext(context) + embedded
        if let dropout { x = dropout(x) }
        return linear(x, words.weight, outputBias)
    }

    /// Every step's h `[T, N, H]`, context z `[T, N, D]`, attention alpha `[T, N, L]`, and the words' vectors `[T, N,
    /// E]`.
    private func run(
        _ start: Start, _ indices: [[Int]], _ dropout: Dropout?
    ) -> (states: Variable, context: Variable, attention: Variable, embedded: Variable) {
        let (annotations, keys, h, c) = start
        let rows = indices.count / h.shape[0]
        let length = indices.first?.count ?? 0
        var embedded = words(timeFirst(indices)).reshaped([length, indices.count, -1])
        if let dropout { embedded = dropout(embedded) }
        let (states, context, attention) = lstm(
            embedded, annotations: annotations, keys: keys, h: h.repeatedRows(rows), c: c.repeatedRows(rows))
        return (states, context, attention, embedded)
    }

    public func attention(features: Variable, words indices: [[Int]], dropout: Dropout?) -> Variable? {
        run(start(features, dropout), indices, dropout).attention
    }

    public func visualScores(features: Variable, words indices: [[Int]]) -> (logits: Variable, visual: Variable)? {
        guard let visual = term else { return nil }
        let (states, context, attention, embedded) = run(start(features.detached, nil), indices, nil)
        let added = visual.scores(
            regions: visual.regions(of: features), attention: attention.detached, states: states.detached)
        return (score(states, context, embedded, nil).detached + added.detached, added)
    }

    public func logits(features: Variable, words indices: [[Int]], dropout: Dropout?) -> Variable {
        let (states, context, attention, embedded) = run(start(features, dropout), indices, dropout)
        let scores = score(states, context, embedded, dropout)
        guard let visual = term else { return scores }
        let regions = visual.regions(of: features, dropout: dropout)
        return scores + visual.scores(regions: regions, attention: attention, states: states)
    }

    public func logits(from state: DecoderState, words indices: [[Int]]) -> Tensor {
        let start = Start(Variable(state.memory[0]), Variable(state.memory[1]), Variable(state.h), Variable(state.c))
        let (states, context, attention, embedded) = run(start, indices, nil)
        let scores = score(states, context, embedded, nil)
        guard let visual = term else { return scores.value }
        return (scores + visual.scores(regions: Variable(state.memory[2]), attention: attention, states: states)).value
    }

    public func begin(features: Tensor, rows: Int) -> DecoderState {
        let (annotations, keys, h, c) = start(Variable(features), nil)
        return DecoderState(
            h: h.repeatedRows(rows).value, c: c.repeatedRows(rows).value,
            memory: [annotations.value, keys.value]
                + (term.map { [$0.regions(of: Variable(features)).value] } ?? []))
    }

    public func step(_ state: DecoderState, words indices: [Int]) -> (logits: Tensor, state: DecoderState) {
        let embedded = words(indices)
        let (h, c, context, attention) = lstm.step(
            embedded.value, annotations: state.memory[0], keys: state.memory[1], h: state.h, c: state.c)
        let next = DecoderState(h: h, c: c, memory: state.memory, attention: attention)
        var scores = score(Variable(h), Variable(context), embedded, nil)
        if let visual = term {
            func step(_ x: Tensor) -> Variable { Variable(x.reshaped([1] + x.shape)) }
            let added = visual.scores(
                regions: Variable(state.memory[2]), attention: step(attention), states: step(h))
            scores = scores + added.reshaped(scores.shape)
        }
        return (scores.value, next)
    }
}
