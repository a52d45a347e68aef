import Tensors

/// Stacked attention networks (Yang et al. 2016, arXiv 1511.02274): the question's vector attends to the image's
/// regions, the attended vector is added to it, and the sum attends a second time.
public struct StackedAttention: AttendingVQAHead {
    /// One attention step.
    struct Hop {
        let image: Linear
        let question: Linear
        let score: Linear
    }

    let words: Embedding
    let lstm: LSTM
    let image: ImageEmbedding
    let hops: [Hop]
    let answers: Linear

    public init(_ p: Parameters, _ configuration: VQAHeadConfiguration) {
        let hidden = configuration.hidden
        let attention = configuration.attention
        words = Embedding(
            p["words"], count: configuration.vocabulary, width: configuration.embedding,
            deviation: Self.wordDeviation)
        lstm = LSTM(p["lstm"], inputs: configuration.embedding, hidden: hidden)
        image = ImageEmbedding(p, configuration, outputs: hidden)
        hops = (0..<2).map { hop in
            let p = p["attention"]["\(hop)"]
            // A bias of the score (b_P in eq. 16) would be the same for all regions and have no effect.
            return Hop(
                image: Linear(p["image"], inputs: hidden, outputs: attention, bias: false),
                question: Linear(p["question"], inputs: hidden, outputs: attention),
                score: Linear(p["score"], inputs: attention, outputs: 1, bias: false))
        }
        answers = Linear(p["answers"], inputs: hidden, outputs: configuration.answers)
    }

    /// The answers' layer is linear in u = v_Q + the attended vectors (eq. 18): its value at v_Q is the question's part.
    public func questionScores(embedded: Variable, lengths: [Int]) -> Variable? {
        answers(QuestionBatch(words: embedded, lengths: lengths).last(of: lstm(embedded).h))
    }

    public func embed(_ questions: [[Int]]) -> Variable { words(questions: questions) }

    /// The attention is the last hop's.
    public func look(
        features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?
    ) -> AttendedAnswers {
        let batch = QuestionBatch(words: embedded, lengths: lengths)
        let times = batch.questions(perImageOf: features)
        let images = features.shape[0]
        let regions = features.shape[1] * features.shape[2]
        // v_I (eq. 7) [M, L, H] and v_Q (eq. 14) [N, H]
        let seen = image(features.reshaped([images, regions, features.shape[3]]))
        let annotations = dropout?(seen) ?? seen
        var u = batch.last(of: lstm(dropout?(embedded) ?? embedded).h)
        var (scores, weights) = (Variable(Tensor([0])), Variable(Tensor([0])))
        for hop in hops {
            // eq. 15, 19: h_A = tanh(W_I v_I + (W_Q u + b)), [N, L, A]
            let keys = hop.image(annotations).repeatedRows(times)
            let query = hop.question(u).repeatedRows(regions).reshaped(keys.shape)
            let compared = (keys + query).activated(.tanh)
            // eq. 16: p over the regions; eq. 17: their weighted sum; eq. 18: u plus this sum. An
            // image's questions are the rows of one product.
            scores = hop.score(dropout?(compared) ?? compared).reshaped([images, times, regions])
            weights = scores.softmax()
            u = batchedProduct(weights, annotations).reshaped(u.shape) + u
        }
        return AttendedAnswers(logits: answers(dropout?(u) ?? u), attention: weights.value, scores: scores)
    }
}
