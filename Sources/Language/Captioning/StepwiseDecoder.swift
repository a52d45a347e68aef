import Tensors

/// A decoder that is described by one step. Known captions are read step by step, too, on the tape where there is one.
protocol StepwiseDecoder: CaptionDecoder {
    /// What the steps read of images `[M, u, v, K]`, `[M, ...]` each, and h and c before the first word, `[M, ...]`.
    func start(_ features: Variable) -> (memory: [Variable], h: Variable, c: Variable)

    /// Reads a word's vector in each of N rows; row n belongs to image n / (N / M).
    /// - Parameters:
    ///   - word: `[N, E]`, as from ``words(_:)``.
    /// - Returns: what the words' scores are read off, `[N, D]`, and the state after the word.
    func read(_ word: Variable, memory: [Variable], h: Variable, c: Variable) -> DecoderStep

    /// The vectors of words, `[indices.count, E]`.
    func words(_ indices: [Int]) -> Variable

    /// Scores of every word, `[..., D] -> [..., V]`.
    func score(_ x: Variable) -> Variable
}

/// One step of a ``StepwiseDecoder``.
struct DecoderStep {
    /// `[N, D]`
    var output: Variable
    /// `[N, H]`
    var h: Variable
    var c: Variable
    /// `[N, L]`; nil for a decoder without attention.
    var attention: Variable?
}

extension StepwiseDecoder {
    public func logits(features: Variable, words: [[Int]], dropout: Dropout?) -> Variable {
        let (memory, h, c) = start(features)
        return logits(memory: memory, h: h, c: c, words, dropout)
    }

    public func logits(from state: DecoderState, words: [[Int]]) -> Tensor {
        logits(memory: state.memory.map { Variable($0) }, h: Variable(state.h), c: Variable(state.c), words, nil)
            .value
    }

    /// - Parameter dropout: before the scores, as the originals have it.
    private func logits(
        memory: [Variable], h: Variable, c: Variable, _ captions: [[Int]], _ dropout: Dropout?
    ) -> Variable {
        let length = captions.first?.count ?? 0
        let rows = captions.count / max(1, h.shape[0])
        var (h, c) = (h.repeatedRows(rows), c.repeatedRows(rows))
        var outputs: [Variable] = []
        for t in 0..<length {
            let step = read(words(captions.map { $0[t] }), memory: memory, h: h, c: c)
            (h, c) = (step.h, step.c)
            outputs.append(step.output)
        }
        let all = stackedRows(outputs)
        return score(dropout?(all) ?? all)
    }

    public func begin(features: Tensor, rows: Int) -> DecoderState {
        let (memory, h, c) = start(Variable(features))
        return DecoderState(
            h: h.repeatedRows(rows).value, c: c.repeatedRows(rows).value, memory: memory.map(\.value))
    }

    public func step(_ state: DecoderState, words indices: [Int]) -> (logits: Tensor, state: DecoderState) {
        let step = read(
            words(indices), memory: state.memory.map { Variable($0) }, h: Variable(state.h), c: Variable(state.c))
        let next = DecoderState(
            h: step.h.value, c: step.c.value, memory: state.memory, attention: step.attention?.value)
        return (score(step.output).value, next)
    }
}

/// Soft attention over an image's regions by a query in each row: the regions' weights are the softmax of a linear
/// layer over f(key + query) (Xu et al. 2015, eq. 4-6 with f = tanh).
struct RegionAttention {
    let keys: Linear
    let query: Linear
    let score: Linear
    let compare: AttentionOptions.Compare

    /// - Parameters:
    ///   - regions: channels of a region; hidden: width of the query's input; width: A.
    init(_ p: Parameters, _ compare: AttentionOptions.Compare, regions: Int, hidden: Int, width: Int) {
        self.compare = compare
        keys = Linear(p["keys"], inputs: regions, outputs: width)
        query = Linear(p["query"], inputs: hidden, outputs: width)
        // A bias of the score would be the same for all regions and have no effect.
        score = Linear(p["score"], inputs: width, outputs: 1, bias: false)
    }

    /// - Parameters:
    ///   - h: `[N, H]`; keys `[M, L, A]`; regions `[M, L, D]`.
    /// - Returns: the weighted sums of the regions `[N, D]`, and the weights `[N, L]`.
    func callAsFunction(_ h: Variable, keys: Variable, regions: Variable) -> (sum: Variable, weights: Variable) {
        let (rows, images, cells) = (h.shape[0], keys.shape[0], keys.shape[1])
        let times = rows / images
        func spread(_ x: Variable) -> Variable { x.repeatedRows(cells).reshaped([rows, cells, x.shape[1]]) }
        let keys = keys.repeatedRows(times)
        let compared =
            switch compare {
            case .relu: (keys + spread(query(h))).activated(.relu)
            case .tanh: (keys + spread(query(h))).activated(.tanh)
            case .separate: keys.activated(.tanh) + spread(query(h).activated(.tanh))
            }
        let weights = score(compared).reshaped([rows, cells]).softmax()
        let sum = batchedProduct(weights.reshaped([images, times, cells]), regions)
        return (sum.reshaped([rows, -1]), weights)
    }
}
