import Tensors

/// Captioners from elsewhere that look at the regions before each word, in the variants of ``AttentionOptions``: Show,
/// Attend and Tell with the scores read off h alone (sgrvinod's tutorial), att2in (Rennie et al. 2017, arXiv
/// 1612.00563), DeepRNN's.
///
/// One step: (sum, alpha) = attention(h_{t-1}); z = gate(h_{t-1}) * sum; h_t, c_t = cell([word, z], h_{t-1}, c_{t-1});
/// the scores are a linear layer of h_t, or of tanh of a layer of [h_t, z, word].
struct SoftAttention: StepwiseDecoder {
    private let options: AttentionOptions
    private let neck: NeckLayers?
    private let regions: Linear?
    private let attention: RegionAttention
    private let gate: Linear?
    private let initial: [(first: Linear, second: Linear?)]
    private let table: Embedding
    private let cell: LSTM?
    private let maxout: MaxoutLSTM?
    private let candidates: Linear?
    private let output: Linear?
    private let scores: Linear
    private let hidden: Int

    init(_ p: Parameters, _ configuration: DecoderConfiguration) {
        let options = configuration.looks ?? AttentionOptions(compare: .tanh)
        self.options = options
        hidden = configuration.hidden
        let hidden = configuration.hidden, embedding = configuration.embedding
        neck = NeckLayers(p["neck"], configuration.neck, features: configuration.features)
        let channels = neck?.channels ?? configuration.features
        regions = options.regions.map { Linear(p["regions"], inputs: channels, outputs: $0) }
        let depth = options.regions ?? channels
        attention = RegionAttention(
            p["attention"], options.compare, regions: depth, hidden: hidden, width: configuration.attention)
        gate = options.gate.map { Linear(p["gate"], inputs: hidden, outputs: $0 == .scalar ? 1 : depth) }
        initial =
            options.start == .zeros
            ? []
            : ["initial_h", "initial_c"].map { name in
                let first = options.start == .linear
                return (
                    Linear(p[name], inputs: depth, outputs: hidden),
                    first ? nil : Linear(p[name]["second"], inputs: hidden, outputs: hidden)
                )
            }
        table = Embedding(p["words"], count: configuration.vocabulary, width: embedding)
        let isInput = options.context == .input
        let inputs = embedding + (isInput ? depth : 0)
        if configuration.cell == .maxout {
            maxout = MaxoutLSTM(p["lstm"], inputs: inputs, hidden: hidden)
            cell = nil
        } else {
            cell = LSTM(p["lstm"], inputs: inputs, hidden: hidden)
            maxout = nil
        }
        candidates = isInput ? nil : Linear(p["context"], inputs: depth, outputs: 2 * hidden)
        output = options.output.map { Linear(p["output"]["hidden"], inputs: hidden + depth + embedding, outputs: $0) }
        scores = Linear(
            p["output"]["words"], inputs: options.output ?? hidden, outputs: configuration.vocabulary)
    }

    func start(_ features: Variable) -> (memory: [Variable], h: Variable, c: Variable) {
        let map = neck?(features) ?? features
        let images = map.shape[0]
        let seen = regions.map { $0(map).activated(.relu) } ?? map
        let annotations = seen.reshaped([images, -1, seen.shape[3]])
        let cells = [features.shape[1], features.shape[2]]
        let memory =
            [annotations, attention.keys(annotations)] + (neck?.sharesOfCells(cells).map { [$0] } ?? [])
        if initial.isEmpty {
            let zero = Variable(Tensor([images, hidden]))
            return (memory, zero, zero)
        }
        let mean = globalAveragePool(seen)
        let states = initial.map { first, second in second.map { $0(first(mean).activated(.tanh)) } ?? first(mean) }
        return (memory, states[0], states[1])
    }

    func read(_ word: Variable, memory: [Variable], h: Variable, c: Variable) -> DecoderStep {
        let (sum, weights) = attention(h, keys: memory[1], regions: memory[0])
        var seen = sum
        if let gate {
            let open = gate(h).activated(.sigmoid)
            seen = sum * (options.gate == .scalar ? linear(open, ones(sum.shape[1])) : open)
        }
        let next: (h: Variable, c: Variable)
        let input = options.context == .input ? concatenateLast([word, seen]) : word
        if let maxout {
            next = maxout.step(input, h: h, c: c, candidates: candidates?(seen))
        } else if let cell {
            let one = cell(input.reshaped([1] + input.shape), h: h, c: c)
            next = (one.h.reshaped(h.shape), one.c.reshaped(c.shape))
        } else {
            preconditionFailure("a decoder has a cell")
        }
        let x = output.map { $0(concatenateLast([next.h, seen, word])).activated(.tanh) } ?? next.h
        return DecoderStep(
            output: x, h: next.h, c: next.c,
            attention: memory.count > 2 ? linear(weights.detached, memory[2]) : weights)
    }

    /// A column of ones, which repeats one number for each of `count` channels.
    private func ones(_ count: Int) -> Variable { Variable(Tensor([count, 1], repeating: 1)) }

    func words(_ indices: [Int]) -> Variable {
        let vectors = table(indices)
        return options.activatesWords == true ? vectors.activated(.relu) : vectors
    }

    func score(_ x: Variable) -> Variable { scores(x) }
}
