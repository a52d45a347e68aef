import Tensors

/// Two LSTMs (Anderson et al. 2018, arXiv 1707.07998, section 3.2): the first reads the second's h, the image's mean and
/// the word, and its h attends to the regions; the second reads the attended vector and the first's h, and writes.
///
/// The state's h and c are those of both LSTMs, side by side.
struct UpDown: StepwiseDecoder {
    private let neck: NeckLayers?
    private let regions: Linear
    private let mean: Linear
    private let attention: RegionAttention
    private let table: Embedding
    private let looking: LSTM
    private let writing: LSTM
    private let scores: Linear
    private let hidden: Int
    private let activatesWords: Bool

    init(_ p: Parameters, _ configuration: DecoderConfiguration) {
        let options = configuration.looks ?? AttentionOptions(compare: .tanh)
        hidden = configuration.hidden
        activatesWords = options.activatesWords == true
        let hidden = configuration.hidden, embedding = configuration.embedding
        let depth = options.regions ?? hidden
        neck = NeckLayers(p["neck"], configuration.neck, features: configuration.features)
        regions = Linear(p["regions"], inputs: configuration.features, outputs: depth)
        mean = Linear(p["mean"], inputs: configuration.features, outputs: depth)
        attention = RegionAttention(
            p["attention"], options.compare, regions: depth, hidden: hidden, width: configuration.attention)
        table = Embedding(p["words"], count: configuration.vocabulary, width: embedding)
        looking = LSTM(p["looking"], inputs: hidden + depth + embedding, hidden: hidden)
        writing = LSTM(p["writing"], inputs: depth + hidden, hidden: hidden)
        scores = Linear(p["output"]["words"], inputs: hidden, outputs: configuration.vocabulary)
    }

    func start(_ features: Variable) -> (memory: [Variable], h: Variable, c: Variable) {
        let images = features.shape[0]
        let seen = regions(neck?(features) ?? features).activated(.relu)
        let annotations = seen.reshaped([images, -1, seen.shape[3]])
        // The mean is that of the encoder's own map, before a neck repeats or averages its cells.
        let whole = mean(globalAveragePool(features)).activated(.relu)
        let zero = Variable(Tensor([images, 2 * hidden]))
        let cells = [features.shape[1], features.shape[2]]
        return (
            [annotations, attention.keys(annotations), whole] + (neck?.sharesOfCells(cells).map { [$0] } ?? []),
            zero, zero
        )
    }

    func read(_ word: Variable, memory: [Variable], h: Variable, c: Variable) -> DecoderStep {
        let (first, second) = (0..<hidden, hidden..<2 * hidden)
        let whole = memory[2].repeatedRows(word.shape[0] / memory[2].shape[0])
        func step(_ layer: LSTM, _ x: Variable, _ part: Range<Int>) -> (h: Variable, c: Variable) {
            let (hNow, cNow) = layer(
                x.reshaped([1] + x.shape), h: h.slicedLast(part), c: c.slicedLast(part))
            return (hNow.reshaped([x.shape[0], hidden]), cNow.reshaped([x.shape[0], hidden]))
        }
        let looked = step(looking, concatenateLast([h.slicedLast(second), whole, word]), first)
        let (sum, weights) = attention(looked.h, keys: memory[1], regions: memory[0])
        let written = step(writing, concatenateLast([sum, looked.h]), second)
        return DecoderStep(
            output: written.h, h: concatenateLast([looked.h, written.h]), c: concatenateLast([looked.c, written.c]),
            attention: memory.count > 3 ? linear(weights.detached, memory[3]) : weights)
    }

    func words(_ indices: [Int]) -> Variable {
        let vectors = table(indices)
        return activatesWords ? vectors.activated(.relu) : vectors
    }

    func score(_ x: Variable) -> Variable { scores(x) }
}
