import Tensors

/// Hierarchical question-image co-attention (Lu et al. 2016, arXiv 1606.00061), the parallel kind: at each of three
/// levels (words, phrases, the whole question) the image's regions attend to the question's words and the words to the
/// regions. The answer is predicted from the three levels, the finest first.
public struct CoAttention: AttendingVQAHead {
    let words: Embedding
    let word: Linear
    let image: ImageEmbedding
    let phrases: [Linear]
    let lstm: LSTM
    let attention: [ParallelCoAttention]
    let heads: [Linear]
    let answers: Linear

    public init(_ p: Parameters, _ configuration: VQAHeadConfiguration) {
        let hidden = configuration.hidden
        words = Embedding(
            p["words"], count: configuration.vocabulary, width: configuration.embedding,
            deviation: Self.wordDeviation)
        // Words and regions are added to each other, so both get H channels. Without a bias, padding stays 0.
        word = Linear(p["word"], inputs: configuration.embedding, outputs: hidden, bias: false)
        image = ImageEmbedding(p, configuration, outputs: hidden)
        phrases = (1...3).map { Linear(p["phrase"]["\($0)"], inputs: $0 * hidden, outputs: hidden) }
        lstm = LSTM(p["lstm"], inputs: hidden, hidden: hidden)
        let levels = ["word", "phrase", "question"]
        attention = levels.map {
            ParallelCoAttention(p["attention"][$0], width: hidden, attention: configuration.attention)
        }
        heads = levels.indices.map {
            Linear(p["head"][levels[$0]], inputs: $0 == 0 ? hidden : 2 * hidden, outputs: hidden)
        }
        answers = Linear(p["answers"], inputs: hidden, outputs: configuration.answers)
    }

    public func embed(_ questions: [[Int]]) -> Variable { words(questions: questions) }

    /// The attention is the coarsest level's.
    public func look(
        features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?
    ) -> AttendedAnswers {
        let batch = QuestionBatch(words: embedded, lengths: lengths)
        let images = features.shape[0]
        let regions = features.shape[1] * features.shape[2]
        let seen = image(features.reshaped([images, regions, features.shape[3]]))
        let annotations = dropout?(seen) ?? seen
        let levels = self.levels(embedded, batch, dropout)
        var (looked, scores) = (Tensor([0]), Variable(Tensor([0])))
        func attended(_ level: Int) -> Variable {
            let (q, v, regions) = attention[level](question: levels[level], image: annotations, batch)
            (looked, scores) = regions
            return q + v
        }
        // eq. 7: h_w = tanh(W_w (q + v)), and on the coarser levels h = tanh(W [(q + v), h of the finer level])
        func head(_ level: Int, _ x: Variable) -> Variable { heads[level](dropout?(x) ?? x).activated(.tanh) }
        var held = head(0, attended(0))
        for level in 1..<levels.count { held = head(level, concatenateLast([attended(level), held])) }
        return AttendedAnswers(logits: answers(dropout?(held) ?? held), attention: looked, scores: scores)
    }

    /// The question's words, phrases and whole, each `[T, N, H]` with zeros after the questions' ends (section 3.2).
    private func levels(_ embedded: Variable, _ batch: QuestionBatch, _ dropout: Dropout?) -> [Variable] {
        let word = self.word(batch.shifted(embedded, by: 0)).activated(.tanh)
        let words = dropout?(word) ?? word
        // eq. 1: n-grams that begin at each word, zeros after the end; eq. 2: the largest of the three. tanh is
        // monotonic, so it is applied once, after the maximum.
        let following = [words] + (1...2).map { batch.shifted(words, by: $0) }
        var phrase = phrases[0](words)
        for size in 2...3 {
            phrase = maximum(phrase, phrases[size - 1](concatenateLast(Array(following.prefix(size)))))
        }
        let phrases = batch.shifted(phrase.activated(.tanh), by: 0)
        let whole = batch.shifted(lstm(dropout?(phrases) ?? phrases).h, by: 0)
        return [words, phrases, whole]
    }
}

/// Parallel co-attention of one level (Lu et al. 2016, section 3.3, eq. 3-5).
struct ParallelCoAttention {
    let affinity: Linear
    let image: Linear
    let question: Linear
    let imageScore: Linear
    let questionScore: Linear

    init(_ p: Parameters, width: Int, attention: Int) {
        affinity = Linear(p["affinity"], inputs: width, outputs: width, bias: false)
        image = Linear(p["image"], inputs: width, outputs: attention, bias: false)
        question = Linear(p["question"], inputs: width, outputs: attention, bias: false)
        imageScore = Linear(p["image_score"], inputs: attention, outputs: 1, bias: false)
        questionScore = Linear(p["question_score"], inputs: attention, outputs: 1, bias: false)
    }

    /// question `[T, N, H]`, zeros after the questions' ends; image `[M, L, H]`; returns the attended q and v,
    /// `[N, H]`, and the regions' weights with the scores before their softmax, `[M, N / M, L]`.
    ///
    /// In products of questions and regions, the N / M questions of an image are rows of one product.
    func callAsFunction(question: Variable, image: Variable, _ batch: QuestionBatch) -> (
        q: Variable, v: Variable, regions: (weights: Tensor, scores: Variable)
    ) {
        let images = image.shape[0]
        let regions = image.shape[1]
        let width = image.shape[2]
        let times = batch.questions(perImageOf: image)
        let count = batch.count
        let steps = batch.steps
        let words = batch.questionFirst(question)
        // eq. 3: C = tanh(Q^T W_b V), [N, T, L]; the rows of padding are 0, so that padding has no effect on the
        // regions.
        let c = batchedProduct(
            affinity(words).reshaped([images, times * steps, width]), image, transposeB: true
        ).activated(.tanh)
        let imageKeys = self.image(image)
        let questionKeys = self.question(words)
        let keys = imageKeys.shape[2]
        // eq. 4: H_v = tanh(W_v V + (W_q Q) C), [N, L, k]; H_q = tanh(W_q Q + (W_v V) C^T), [N, T, k]
        let toImage = batchedProduct(c.reshaped([count, steps, regions]), questionKeys, transposeA: true)
        let hv = (imageKeys.repeatedRows(times) + toImage).activated(.tanh)
        let toWords = batchedProduct(c, imageKeys).reshaped([count, steps, keys])
        let hq = (questionKeys + toWords).activated(.tanh)
        // eq. 4, 5: the attention and the weighted sums
        let scores = imageScore(hv).reshaped([images, times, regions])
        let av = scores.softmax()
        let aq = (questionScore(hq).reshaped([count, steps]) + batch.padding).softmax()
        let v = batchedProduct(av, image).reshaped([count, width])
        let q = batchedProduct(aq.reshaped([count, 1, steps]), words).reshaped([count, width])
        return (q, v, (av.value, scores))
    }
}
