import Tensors

/// The "merge" captioner of many Keras tutorials (Tanti et al. 2017, arXiv 1703.09137): an LSTM reads the words alone;
/// the image's vector, after a layer with ReLU, is added to its h or stands beside it; a layer with ReLU and a linear
/// one give the words' scores.
struct MergeDecoder: StepwiseDecoder {
    private let neck: NeckLayers?
    private let image: Linear
    private let table: Embedding
    private let lstm: any RecurrentLayer
    private let merged: Linear
    private let scores: Linear
    private let hidden: Int
    private let concatenates: Bool

    /// `configuration.attention` is the width of the layer between the sum and the scores.
    init(_ p: Parameters, _ configuration: DecoderConfiguration) {
        hidden = configuration.hidden
        concatenates = configuration.concatenates == true
        let hidden = configuration.hidden
        neck = NeckLayers(p["neck"], configuration.neck, features: configuration.features)
        let width = configuration.imageWidth ?? hidden
        image = Linear(p["image"], inputs: neck?.channels ?? configuration.features, outputs: width)
        table = Embedding(p["words"], count: configuration.vocabulary, width: configuration.embedding)
        lstm =
            configuration.clipsGates == true
            ? ClippedLSTM(p["lstm"], inputs: configuration.embedding, hidden: hidden)
            : LSTM(p["lstm"], inputs: configuration.embedding, hidden: hidden)
        merged = Linear(
            p["merged"], inputs: concatenates ? width + hidden : hidden, outputs: configuration.attention)
        scores = Linear(p["output"]["words"], inputs: configuration.attention, outputs: configuration.vocabulary)
    }

    func start(_ features: Variable) -> (memory: [Variable], h: Variable, c: Variable) {
        let seen = image(globalAveragePool(neck?(features) ?? features)).activated(.relu)
        let zero = Variable(Tensor([features.shape[0], hidden]))
        return ([seen], zero, zero)
    }

    func read(_ word: Variable, memory: [Variable], h: Variable, c: Variable) -> DecoderStep {
        let (hNow, cNow) = lstm(word.reshaped([1] + word.shape), h: h, c: c)
        let next = (h: hNow.reshaped(h.shape), c: cNow.reshaped(c.shape))
        let seen = memory[0].repeatedRows(word.shape[0] / memory[0].shape[0])
        let both = concatenates ? concatenateLast([seen, next.h]) : seen + next.h
        return DecoderStep(output: merged(both).activated(.relu), h: next.h, c: next.c)
    }

    func words(_ indices: [Int]) -> Variable { table(indices) }
    func score(_ x: Variable) -> Variable { scores(x) }
}
