import Tensors

/// "Show, ask, attend and answer" (Kazemi & Elqursh 2017, arXiv 1704.03162; Cyanogenoid's pytorch-vqa): the question's
/// vector is the LSTM's last cell state; two attentions over the regions, whose channels are normalised to length 1;
/// the answers' scores are two layers over both attended vectors and the question.
public struct TwoGlimpses: AttendingVQAHead {
    let words: Embedding
    let lstm: LSTM
    let image: Linear
    let question: Linear
    let glimpses: Linear
    let first: Linear
    let answers: Linear

    public init(_ p: Parameters, _ configuration: VQAHeadConfiguration) {
        let (hidden, attention) = (configuration.hidden, configuration.attention)
        let joint = configuration.joint ?? hidden
        words = Embedding(
            p["words"], count: configuration.vocabulary, width: configuration.embedding,
            deviation: Self.wordDeviation)
        lstm = LSTM(p["lstm"], inputs: configuration.embedding, hidden: hidden)
        image = Linear(p["attention"]["image"], inputs: configuration.features, outputs: attention, bias: false)
        question = Linear(p["attention"]["question"], inputs: hidden, outputs: attention)
        // A bias of the scores would be the same for all regions and have no effect.
        glimpses = Linear(p["attention"]["score"], inputs: attention, outputs: 2, bias: false)
        first = Linear(p["joint"], inputs: 2 * configuration.features + hidden, outputs: joint)
        answers = Linear(p["answers"], inputs: joint, outputs: configuration.answers)
    }

    public func embed(_ questions: [[Int]]) -> Variable { words(questions: questions) }

    /// The attention is the mean of both glimpses' weights.
    public func look(
        features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?
    ) -> AttendedAnswers {
        let batch = QuestionBatch(words: embedded, lengths: lengths)
        let times = batch.questions(perImageOf: features)
        let images = features.shape[0]
        let regions = features.shape[1] * features.shape[2]
        let seen = features.reshaped([images, regions, features.shape[3]]).l2Normalised()
        let q = batch.last(of: lstm(embedded.activated(.tanh)).c)
        func dropped(_ x: Variable) -> Variable { dropout?(x) ?? x }
        let keys = image(dropped(seen)).repeatedRows(times)
        let query = question(dropped(q)).repeatedRows(regions).reshaped(keys.shape)
        let weights = glimpses(dropped((keys + query).activated(.relu))).permuted([0, 2, 1]).softmax()
        let looked = batchedProduct(weights.reshaped([images, 2 * times, regions]), seen)
        let x = concatenateLast([looked.reshaped([batch.count, -1]), q])
        let logits = answers(dropped(first(dropped(x)).activated(.relu)))
        let mean = weights.rows(0..<batch.count).value
        return AttendedAnswers(
            logits: logits, attention: Self.meanOfGlimpses(mean).reshaped([images, times, regions]), scores: nil)
    }

    /// `[N, 2, L] -> [N, L]`
    private static func meanOfGlimpses(_ weights: Tensor) -> Tensor {
        let (rows, cells) = (weights.shape[0], weights.shape[2])
        let values = weights.array
        return Tensor(
            [rows, cells],
            (0..<rows).flatMap { n in
                (0..<cells).map { (values[2 * n * cells + $0] + values[(2 * n + 1) * cells + $0]) / 2 }
            })
    }
}
