import Language
import Tensors

/// What dev questions tell of a model's answers: a temperature, and the accuracy by kind of question.
struct AnswerCalibration {
    /// A dev question: its words in the model's vocabulary, its answer, and its kind.
    struct Item {
        var words: [Int]
        var answer: String
        var kind: QuestionKind

        init(_ question: Question, vocabulary: Vocabulary) {
            let tokens = CaptionTokenizer().tokens(question.text)
            words = Array(vocabulary.encode(tokens).prefix(VQAModel.maximumWords))
            answer = question.answer
            kind = QuestionKind(tokens: tokens)
        }
    }

    /// nil where the model can give the true answer of no question.
    let temperature: FittedTemperature?
    /// Of the kinds that occur, in the order of ``QuestionKind/allCases``.
    let kinds: [KindAccuracy]

    /// - Parameters:
    ///   - answers: the answers of the model, in the order of its scores.
    ///   - items: of each image, its questions, at least one. A question whose answer the model cannot give counts as
    ///     wrong, and is left out of the temperature.
    ///   - features: the images' feature maps.
    init(_ head: any VQAHead, answers: [String], items: [[Item]], features: FeatureMaps) throws {
        let numbers = Dictionary(answers.enumerated().map { ($1, $0) }) { first, _ in first }
        var asked: [QuestionKind: Int] = [:]
        var right: [QuestionKind: Int] = [:]
        var isFirst = true
        temperature = try FittedTemperature.fit { batch in
            try features.eachBatch { maps, from in
                let (rows, weights) = VQATask.rows(Array(items[from..<from + maps.shape[0]]))
                let scores = head.logits(
                    features: Variable(maps), embedded: head.embed(rows.map(\.words)),
                    lengths: rows.map(\.words.count), dropout: nil
                ).value
                batch(scores, zip(rows, weights).map { $1 > 0 ? numbers[$0.answer] : nil })
                for (index, item) in rows.enumerated() where isFirst && weights[index] > 0 {
                    let own = scores.row(index).array
                    let best = own.indices.max { own[$0] < own[$1] } ?? 0
                    asked[item.kind, default: 0] += 1
                    right[item.kind, default: 0] += answers[best] == item.answer ? 1 : 0
                }
            }
            isFirst = false
        }
        kinds = QuestionKind.allCases.compactMap { kind in
            asked[kind].map { KindAccuracy(kind: kind, questions: $0, right: right[kind] ?? 0) }
        }
    }
}
