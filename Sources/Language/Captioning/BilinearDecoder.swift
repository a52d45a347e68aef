import Tensors

/// A decoder whose scores are a sum over the image's regions and of what the words before say alone, so that every
/// word's map is complete: after low-rank bilinear attention (Kim et al. 2017, arXiv 1610.04325, eq. 7-11), with the
/// words so far as the question.
///
/// An LSTM reads the words and not the image. With its state h_t, a region's vector r_l = U F_l + b, and
/// q_t = 1 + Q h_t and m_t = 1 + M h_t, the score of word v before the softmax is
///
///     E_v . (L h_t + y_t) + b_v + words_v . sum over the L regions l of (alpha_tl q_t + m_t / L) * r_l
///
/// where y_t is the vector of the word before, E_v that of word v, and alpha_t a softmax over the regions of a bilinear
/// product of its own. The image enters nowhere else. The first two terms are the language's part; each region's part
/// is linear in its feature vector, given where the decoder looks (alpha) and what it asks (q, m).
public struct BilinearDecoder: CaptionDecoder {
    let words: Embedding
    let lstm: LSTM
    let outputH: Linear
    let outputBias: Variable
    let look: BilinearLook
    let term: RegionTerm

    public init(_ p: Parameters, _ configuration: DecoderConfiguration) {
        let (hidden, embedding) = (configuration.hidden, configuration.embedding)
        words = Embedding(p["words"], count: configuration.vocabulary, width: embedding)
        lstm = LSTM(p["lstm"], inputs: embedding, hidden: hidden)
        outputH = Linear(p["output.h"], inputs: hidden, outputs: embedding)
        outputBias = p(DecoderConfiguration.outputBias, shape: [configuration.vocabulary], initial: .zeros)
        look = BilinearLook(
            p["attention"], features: configuration.features, hidden: hidden, width: configuration.attention)
        term = RegionTerm(
            p[DecoderConfiguration.visualTerm], features: configuration.features,
            vocabulary: configuration.vocabulary, hidden: hidden, width: configuration.visual ?? hidden)
    }

    public var visual: (any WordRegions)? { term }

    /// The words' vectors `[T, N, E]` and the LSTM's states `[T, N, H]`. No image enters.
    private func read(_ indices: [[Int]], _ dropout: Dropout?) -> (embedded: Variable, states: Variable) {
        let (length, count) = (indices.first?.count ?? 0, indices.count)
        var embedded = words(timeFirst(indices)).reshaped([length, count, -1])
        if let dropout { embedded = dropout(embedded) }
        let zero = Variable(Tensor([count, lstm.hidden]))
        return (embedded, lstm(embedded, h: zero, c: zero).h)
    }

    /// The language's part of the scores, `[..., V]`.
    private func language(_ states: Variable, _ embedded: Variable, _ dropout: Dropout?) -> Variable {
        var x = outputH(dropout?(states) ?? states) + embedded
        if let dropout { x = dropout(x) }
        return linear(x, words.weight, outputBias)
    }

    private func keys(_ features: Variable, _ dropout: Dropout?) -> Variable {
        let keys = look.keys(of: features.regions)
        return dropout?(keys) ?? keys
    }

    /// The attention's scores before the softmax: states `[T, N, H]`, keys `[M, L, A] -> [T, N, L]`.
    private func attentionScores(_ states: Variable, _ keys: Variable) -> Variable {
        let (steps, rows) = (states.shape[0], states.shape[1])
        return look.scores(states: states.byImage(keys.shape[0], steps: steps), keys: keys).byStep(steps, rows: rows)
    }

    public func looks(features: Variable, words indices: [[Int]], dropout: Dropout?) -> DecoderLooks? {
        let states = read(indices, dropout).states
        let asking = dropout?(states) ?? states
        return DecoderLooks(scores: attentionScores(asking, keys(features, dropout))) { places, words in
            term.scores(of: words, regions: term.regions(of: features, dropout: dropout), states: asking, at: places)
        }
    }

    public func attention(features: Variable, words indices: [[Int]], dropout: Dropout?) -> Variable? {
        looks(features: features, words: indices, dropout: dropout)?.scores.softmax()
    }

    private func logits(
        regions: Variable, keys: Variable, _ indices: [[Int]], _ dropout: Dropout?
    ) -> Variable {
        let (embedded, states) = read(indices, dropout)
        let asking = dropout?(states) ?? states
        let attention = attentionScores(asking, keys).softmax()
        let seen = term.seen(regions: regions, attention: attention, states: asking)
        return language(states, embedded, dropout) + term.scores(dropout?(seen) ?? seen)
    }

    public func logits(features: Variable, words indices: [[Int]], dropout: Dropout?) -> Variable {
        logits(
            regions: term.regions(of: features), keys: keys(features, dropout), indices, dropout)
    }

    public func logits(from state: DecoderState, words indices: [[Int]]) -> Tensor {
        logits(regions: Variable(state.memory[0]), keys: Variable(state.memory[1]), indices, nil).value
    }

    public func visualScores(features: Variable, words indices: [[Int]]) -> (logits: Variable, visual: Variable)? {
        let (embedded, states) = read(indices, nil)
        let attention = attentionScores(states, keys(features.detached, nil)).softmax()
        let added = term.scores(
            term.seen(
                regions: term.regions(of: features), attention: attention.detached, states: states.detached))
        return (language(states, embedded, nil).detached + added.detached, added)
    }

    public func regionScores(features: Tensor, words indices: [Int]) -> RegionScores? {
        let features = Variable(features)
        let states = read([indices], nil).states
        let attention = attentionScores(states, keys(features, nil)).softmax()
        let regions = term.regions(of: features)
        return { steps, weights in
            term.regionScores(
                regions: regions, attention: attention, states: states, steps: steps, weights: Variable(weights)
            ).value
        }
    }

    public func begin(features: Tensor, rows: Int) -> DecoderState {
        let features = Variable(features)
        let zero = Tensor([features.shape[0] * rows, lstm.hidden])
        return DecoderState(
            h: zero, c: zero, memory: [term.regions(of: features).value, keys(features, nil).value])
    }

    public func step(_ state: DecoderState, words indices: [Int]) -> (logits: Tensor, state: DecoderState) {
        let embedded = words(indices).reshaped([1, indices.count, -1])
        let (h, c) = lstm(embedded, h: Variable(state.h), c: Variable(state.c))
        let attention = attentionScores(h, Variable(state.memory[1])).softmax()
        let seen = term.seen(regions: Variable(state.memory[0]), attention: attention, states: h)
        let scores = language(h, embedded, nil) + term.scores(seen)
        let next = DecoderState(
            h: h.value.reshaped(state.h.shape), c: c.value.reshaped(state.c.shape), memory: state.memory,
            attention: attention.value.reshaped([indices.count, -1]))
        return (scores.value.reshaped([indices.count, -1]), next)
    }
}

/// The regions' part of a word's score: words_v . sum over l of (alpha_tl q_t + m_t / L) * (U F_l + b), with
/// q_t = 1 + Q h_t and m_t = 1 + M h_t.
struct RegionTerm: WordRegions {
    let region: Linear
    let words: Embedding
    /// Q: what the decoder asks of where it looks.
    let question: Linear
    /// M: what it asks of the whole image.
    let whole: Linear

    init(_ p: Parameters, features: Int, vocabulary: Int, hidden: Int, width: Int) {
        region = Linear(p["regions"], inputs: features, outputs: width)
        // The term starts at 0, as ``VisualTerm`` does.
        words = Embedding(p["words"], count: vocabulary, width: width, deviation: 0)
        question = Linear(p["question"], inputs: hidden, outputs: width)
        whole = Linear(p["whole"], inputs: hidden, outputs: width)
    }

    func regions(of features: Variable, dropout: Dropout?) -> Variable {
        let x = region(features.regions)
        return dropout?(x) ?? x
    }

    /// 1 + Q h or 1 + M h: what is asked of the regions looked at, or of all; `[..., H] -> [..., W]`.
    private func asked(_ layer: Linear, _ states: Variable) -> Variable {
        let asked = layer(states)
        return asked + Variable(Tensor(asked.shape, repeating: 1))
    }

    /// The regions' sum: regions `[M, L, W]`, attention `[T, N, L]` and states `[T, N, H]`, where row n belongs to image
    /// n / (N / M), -> `[T, N, W]`.
    func seen(regions: Variable, attention: Variable, states: Variable) -> Variable {
        let (images, count) = (regions.shape[0], regions.shape[1])
        let (steps, rows) = (attention.shape[0], attention.shape[1])
        let looked = batchedProduct(attention.byImage(images, steps: steps), regions).byStep(steps, rows: rows)
        let even = Variable(Tensor([images, 1, count], repeating: 1 / Float(count)))
        let mean = batchedProduct(even, regions).reshaped([images, -1]).repeatedRows(rows / images)
        let width = regions.shape[2]
        let means = stackedRows([Variable](repeating: mean, count: steps)).reshaped([steps, rows, width])
        return asked(question, states) * looked + asked(whole, states) * means
    }

    /// Each region's score of words, words_v . (q_t * r_l), `[M * P, L]`.
    /// - Parameters:
    ///   - indices: `[M * P]`, P words of each image; regions `[M, L, W]`; states `[T, N, H]`.
    ///   - places: t * N + n of each word.
    func scores(of indices: [Int], regions: Variable, states: Variable, at places: [Int]) -> Variable {
        let (images, count, width) = (regions.shape[0], regions.shape[1], regions.shape[2])
        let own = embedding(states.reshaped([-1, states.shape[2]]), places)
        let vectors = words(indices) * asked(question, own)
        return batchedProduct(vectors.reshaped([images, -1, width]), regions, transposeB: true)
            .reshaped([indices.count, count])
    }

    /// `[..., W] -> [..., V]`
    func scores(_ seen: Variable) -> Variable { linear(seen, words.weight) }

    /// Each region's part of R weighted sums of the scores of one caption's words, `[R, L]`.
    /// - Parameters:
    ///   - regions: `[1, L, W]`; attention `[T, 1, L]`; states `[T, 1, H]`.
    ///   - steps: of the R sums; weights: of their words, `[R, V]`.
    func regionScores(
        regions: Variable, attention: Variable, states: Variable, steps: [Int], weights: Variable
    ) -> Variable {
        let (count, width) = (regions.shape[1], regions.shape[2])
        func chosen(_ x: Variable) -> Variable { embedding(x.reshaped([x.shape[0], -1]), steps) }
        let vectors = batchedProduct(
            weights.reshaped([1, steps.count, -1]), words.weight.reshaped([1, -1, width])
        ).reshaped([steps.count, width])
        let own = chosen(states)
        func parts(_ asked: Variable) -> Variable {
            batchedProduct((vectors * asked).reshaped([1, steps.count, width]), regions, transposeB: true)
                .reshaped([steps.count, count])
        }
        return parts(asked(question, own)) * chosen(attention)
            + parts(asked(whole, own)).scaled(by: 1 / Float(count))
    }
}

extension Variable {
    /// `[M, u, v, K] -> [M, L, K]`
    var regions: Variable { reshaped([shape[0], shape[1] * shape[2], shape[3]]) }

    /// Rows `[T, N, W]`, or `[T * N, W]`, of M images as `[M, T * N / M, W]`.
    func byImage(_ images: Int, steps: Int) -> Variable {
        reshaped([steps, images, -1, shape[shape.count - 1]]).permuted([1, 0, 2, 3])
            .reshaped([images, -1, shape[shape.count - 1]])
    }

    /// `[M, T * N / M, W]` as `[T, N, W]`.
    func byStep(_ steps: Int, rows: Int) -> Variable {
        reshaped([shape[0], steps, rows / shape[0], shape[2]]).permuted([1, 0, 2, 3])
            .reshaped([steps, rows, shape[2]])
    }
}
