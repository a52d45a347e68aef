import Tensors

/// Low-rank bilinear attention (Kim et al. 2017, arXiv 1610.04325, eq. 7-11) with answers' scores that are a sum over
/// the image's regions.
///
/// With the question's state h and a region's channels x_l, v_l = tanh(V x_l) and z_l = v_l * tanh(Q h), element by
/// element. The score of answer a is
///
///     P_a h + sum over l of alpha_l (W_a z_l) + mean over l of (G_a z_l)
///
/// where alpha is a softmax over the regions of a bilinear product of its own. The first term is the question's part
/// (``questionScores(embedded:lengths:)``); the rest is each region's part (``regionScores(features:embedded:lengths:)``),
/// and both add up to the score. W, G and P are linear; the paper has tanh and one layer behind the attended vector.
public struct BilinearAttention: AttendingVQAHead {
    let words: Embedding
    let lstm: LSTM
    let norm: BatchNorm?
    /// V and Q: what a region shows, and what the question asks of it.
    let image: Linear
    let question: Linear
    let looking: BilinearLook
    /// W, G and P.
    let attended: Linear
    let mean: Linear
    let prior: Linear

    public init(_ p: Parameters, _ configuration: VQAHeadConfiguration) {
        let (hidden, attention) = (configuration.hidden, configuration.attention)
        let (channels, joint, answers) = (configuration.features, configuration.joint ?? hidden, configuration.answers)
        words = Embedding(
            p["words"], count: configuration.vocabulary, width: configuration.embedding,
            deviation: Self.wordDeviation)
        lstm = LSTM(p["lstm"], inputs: configuration.embedding, hidden: hidden)
        norm = configuration.normalisesImage == true ? BatchNorm(p["image_norm"], channels: channels) : nil
        image = Linear(p["image"], inputs: channels, outputs: joint)
        question = Linear(p["question"], inputs: hidden, outputs: joint)
        looking = BilinearLook(p["attention"], features: channels, hidden: hidden, width: attention)
        attended = Linear(p["answers"]["attended"], inputs: joint, outputs: answers, bias: false)
        mean = Linear(p["answers"]["mean"], inputs: joint, outputs: answers, bias: false)
        prior = Linear(p["answers"]["question"], inputs: hidden, outputs: answers)
    }

    public func embed(_ questions: [[Int]]) -> Variable { words(questions: questions) }

    public func questionScores(embedded: Variable, lengths: [Int]) -> Variable? {
        prior(QuestionBatch(words: embedded, lengths: lengths).last(of: lstm(embedded).h))
    }

    /// What is computed of the regions and of the questions before both meet.
    private struct Parts {
        /// Questions of each image.
        let times: Int
        /// v `[M, L, J]`
        let seen: Variable
        /// h `[N, H]`
        let state: Variable
        /// tanh(Q h) `[N, J]`
        let asked: Variable
        /// The attention's scores before the softmax, `[M, N / M, L]`.
        let scores: Variable
    }

    private func parts(features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?) -> Parts {
        let batch = QuestionBatch(words: embedded, lengths: lengths)
        let times = batch.questions(perImageOf: features)
        let images = features.shape[0], regions = features.shape[1] * features.shape[2]
        var x = features.reshaped([images, regions, features.shape[3]])
        if let norm { x = norm(x) }
        var state = batch.last(of: lstm(dropout?(embedded) ?? embedded).h)
        if let dropout { state = dropout(state) }
        var (seen, keys) = (image(x).activated(.tanh), looking.keys(of: x))
        if let dropout { (seen, keys) = (dropout(seen), dropout(keys)) }
        let scores = looking.scores(states: state.reshaped([images, times, -1]), keys: keys)
        return Parts(
            times: times, seen: seen, state: state, asked: question(state).activated(.tanh), scores: scores)
    }

    public func look(
        features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?
    ) -> AttendedAnswers {
        let parts = parts(features: features, embedded: embedded, lengths: lengths, dropout: dropout)
        let (images, regions) = (parts.seen.shape[0], parts.seen.shape[1])
        // Everything behind z is linear, so regions are summed before W and G.
        func summed(_ weights: Variable) -> Variable {
            batchedProduct(weights, parts.seen).reshaped([images * weights.shape[1], -1])
        }
        let even = Variable(Tensor([images, 1, regions], repeating: 1 / Float(regions)))
        let attention = parts.scores.softmax()
        let attended = summed(attention) * parts.asked
        let mean = summed(even).repeatedRows(parts.times) * parts.asked
        let logits = self.attended(dropout?(attended) ?? attended) + self.mean(dropout?(mean) ?? mean)
        return AttendedAnswers(
            logits: logits + prior(parts.state), attention: attention.value, scores: parts.scores)
    }

    public func regionScores(features: Tensor, embedded: Tensor, lengths: [Int]) -> Tensor? {
        let parts = parts(
            features: Variable(features), embedded: Variable(embedded), lengths: lengths, dropout: nil)
        let regions = parts.seen.shape[1], count = lengths.count
        let z = parts.seen.repeatedRows(parts.times) * parts.asked.repeatedRows(regions).reshaped([count, regions, -1])
        let (own, even) = (attended(z).value, mean(z).value)
        let attention = parts.scores.softmax().value
        let answers = own.shape[2]
        for row in 0..<count * regions {
            let weight = attention.pointer[row]
            for a in 0..<answers {
                let i = row * answers + a
                own.pointer[i] = weight * own.pointer[i] + even.pointer[i] / Float(regions)
            }
        }
        return withExtendedLifetime((attention, even)) { own }
    }
}
