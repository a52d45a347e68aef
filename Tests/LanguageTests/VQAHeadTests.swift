import Tensors
import XCTest

@testable import Language

/// The VQA heads: against PyTorch, against finite differences of the answers' log-probability, and against other ways
/// of computing the same.
final class VQAHeadTests: XCTestCase {
    private let kinds = VQAHeadConfiguration.Kind.allCases.filter(\.isTrainable)

    // MARK: PyTorch

    /// Logits to 2e-6 of the largest (float32 against float64), gradients of the features, of the words and of every
    /// parameter to 1e-5 of the largest (sums of up to 100 products in float32).
    func testVQAHead_logitsAndGradients_matchPyTorchFixture() throws {
        for kind in kinds { try compare(kind, .none) }
    }

    /// As in inference, with the statistics of training, which are not trained.
    func testImageNormalisation_withRunningStatistics_matchesPyTorchFixture() throws {
        for kind in kinds where kind != .questionOnly { try compare(kind, .running) }
    }

    /// As in training, with the batch's own statistics. The tolerance is larger: with two images, the means of a
    /// channel become 1 and -1, and the gradient is nearly 0.
    func testImageNormalisation_withTheBatchStatistics_matchesPyTorchFixture() throws {
        for kind in kinds where kind != .questionOnly { try compare(kind, .batch, logits: 1e-5, gradients: 3e-4) }
    }

    private func compare(
        _ kind: VQAHeadConfiguration.Kind, _ norm: VQAHeadFixture.Norm, logits tolerance: Float = 2e-6,
        gradients gradientTolerance: Float = 1e-5
    ) throws {
        let name = kind.rawValue + norm.rawValue
        let (configuration, fixture) = try VQAHeadFixture.load(kind, norm)
        let store = ParameterStore(strict: fixture.parameters.mapValues(\.tensor), origin: "answerers.json")
        let tape = Tape()
        let answerer = configuration.makeHead(
            store.scope(on: tape) { norm != .running || !Self.isNorm($0) })
        try store.checkComplete()
        let features = tape.leaf(fixture.features.tensor)
        let embedded = answerer.embed(fixture.questions)
        let logits = answerer.logits(
            features: features, embedded: embedded, lengths: fixture.questions.map(\.count), dropout: nil)
        XCTAssertEqual(logits.shape, fixture.y.shape)
        XCTAssertLessThan(relativeError(logits.value.array, fixture.y.tensor.array), tolerance, name)
        let leaves = store.leaves.merging(["features": features, "embedded": embedded]) { $1 }
        XCTAssertEqual(
            leaves.keys.sorted(),
            fixture.gradients.keys.filter { norm != .running || !Self.isNorm($0) }.sorted(), name)
        let names = leaves.keys.sorted()
        let gradients = tape.gradients(
            of: logits, seed: fixture.g.tensor.reshaped([1] + fixture.g.shape),
            withRespectTo: names.compactMap { leaves[$0] })
        for (leaf, gradient) in zip(names, gradients) {
            let expected = try XCTUnwrap(fixture.gradients[leaf]).tensor
            XCTAssertEqual(gradient.shape, [1] + expected.shape, "\(name): \(leaf)")
            if kind == .questionOnly, leaf == "features" {
                XCTAssertEqual(gradient.array, expected.array)
            } else {
                XCTAssertLessThan(
                    relativeError(gradient.array, expected.array), gradientTolerance, "\(name): \(leaf)")
            }
        }
    }

    private static func isNorm(_ name: String) -> Bool { name.hasPrefix("image_norm") }

    // MARK: Finite differences

    /// The slope of `value` along `direction` (made a unit vector), by central differences with h = 0.02 and 0.01
    /// combined (Richardson): an error of order h^4, and rounding of about 1e-6 / h. The slope along the gradient
    /// itself must be its length to 2e-3; along random directions it must be right to 2e-3 of that length.
    private func check(
        _ gradient: Tensor, at point: Tensor, _ message: String, line: UInt = #line, _ value: (Tensor) -> Double
    ) {
        let length = dot(gradient, gradient).squareRoot()
        XCTAssertGreaterThan(length, 5e-3, "\(message) has no gradient to speak of", line: line)
        let directions = [gradient, randomTensor(point.shape, seed: 90), randomTensor(point.shape, seed: 91)]
        for (trial, direction) in directions.enumerated() {
            let norm = dot(direction, direction).squareRoot()
            func slope(_ h: Double) -> Double {
                func at(_ h: Double) -> Double { value(moved(point, along: direction, by: Float(h / norm))) }
                return (at(h) - at(-h)) / (2 * h)
            }
            let numeric = (4 * slope(0.01) - slope(0.02)) / 3
            XCTAssertEqual(
                numeric, dot(gradient, direction) / norm, accuracy: 2e-3 * length + 2e-4,
                "\(message), direction \(trial)", line: line)
        }
    }

    func testVQAHeadGradient_ofEveryInput_equalsFiniteDifferences() throws {
        for (kind, isNormalised) in kinds.flatMap({ [($0, false), ($0, true)] }) {
            let one = try VQAHeadCase(kind, isNormalised: isNormalised)
            let words = one.embedded
            let tape = Tape()
            // The normalisation uses its running statistics, as in inference.
            let answerer = one.configuration.makeHead(
                one.store.scope(on: tape) { !Self.isNorm($0) })
            let features = tape.leaf(one.features)
            let embedded = tape.leaf(words)
            let sum = answerer.logits(features: features, embedded: embedded, lengths: one.lengths, dropout: nil)
                .logSoftmax().picked(one.positions).sum()
            XCTAssertEqual(Double(sum.value.scalar), one.logProbability(one.features, words, one.store), accuracy: 1e-4)
            let names = one.store.order.filter { $0 != "words.weight" && !Self.isNorm($0) }
            let leaves = names.compactMap { one.store.leaves[$0] }
            XCTAssertEqual(leaves.count, names.count)
            let gradients = tape.gradients(of: sum, withRespectTo: [features, embedded] + leaves)
            if kind == .questionOnly {
                XCTAssertFalse(gradients[0].array.contains { $0 != 0 })
            } else {
                check(gradients[0].row(0), at: one.features, "\(kind): features") {
                    one.logProbability($0, words, one.store)
                }
            }
            check(gradients[1].row(0), at: words, "\(kind): embedded") {
                one.logProbability(one.features, $0, one.store)
            }
            for (name, gradient) in zip(names, gradients.dropFirst(2)) {
                let point = try XCTUnwrap(one.store.values[name])
                check(gradient.row(0), at: point, "\(kind): \(name)") { value in
                    let state = one.store.values.merging([name: value]) { $1 }
                    return one.logProbability(one.features, words, ParameterStore(strict: state, origin: "test"))
                }
            }
        }
    }

    /// Several answers explained at once: a backward pass with K seeds equals K separate passes.
    func testVQAHeadGradient_ofSeveralSeeds_equalsSeparatePasses() throws {
        for kind in kinds {
            let one = try VQAHeadCase(kind)
            let tape = Tape()
            let features = tape.leaf(one.features)
            let embedded = tape.leaf(one.embedded)
            let logits = one.answerer.logits(features: features, embedded: embedded, lengths: one.lengths, dropout: nil)
            let seeds = randomTensor([3] + logits.shape, seed: 7)
            let together = tape.gradients(of: logits, seed: seeds, withRespectTo: [features, embedded])
            for k in 0..<3 {
                let alone = tape.gradients(
                    of: logits, seed: seeds.rows(k..<k + 1), withRespectTo: [features, embedded])
                for i in (kind == .questionOnly ? 1 : 0)..<2 {
                    XCTAssertLessThan(
                        relativeError(together[i].row(k).array, alone[i].row(0).array), 1e-5,
                        "\(kind), seed \(k), \(i)")
                }
            }
        }
    }

    // MARK: Other ways of computing the same

    /// Where the image's embedding is zero, the question's part is all of the score: tanh(0) = 0 for every region.
    func testQuestionScores_ofAnImageThatSaysNothing_areTheLogits() throws {
        var checked = 0
        for kind in kinds {
            let one = try VQAHeadCase(kind, pictures: 2, times: 3)
            XCTAssertGreaterThan(Set(one.lengths).count, 3)
            let state = one.store.values.map { name, value in
                (name, name.hasPrefix("image.") ? Tensor(value.shape) : value)
            }
            let head = one.configuration.makeHead(
                ParameterStore(strict: Dictionary(uniqueKeysWithValues: state), origin: "test").scope())
            let embedded = Variable(one.embedded)
            guard let scores = head.questionScores(embedded: embedded, lengths: one.lengths) else { continue }
            let logits = head.logits(
                features: Variable(one.features), embedded: embedded, lengths: one.lengths, dropout: nil)
            XCTAssertEqual(scores.shape, logits.shape)
            XCTAssertLessThan(relativeError(scores.value.array, logits.value.array), 1e-6, kind.rawValue)
            checked += 1
        }
        // Stacked and bilinear attention, and the head that reads no image.
        XCTAssertEqual(checked, 3)
    }

    /// Three questions about each of two images in one batch, as each would be alone without padding; the images'
    /// gradients add up over their questions.
    func testVQAHead_ofManyQuestions_equalsOneByOne() throws {
        for kind in kinds {
            let one = try VQAHeadCase(kind, pictures: 2, times: 3)
            XCTAssertGreaterThan(Set(one.lengths).count, 3)
            let answerer = one.answerer
            func run(
                _ features: Tensor, _ questions: [[Int]], _ positions: [Int]
            ) -> (logits: Tensor, features: Tensor, embedded: Tensor) {
                let tape = Tape()
                let leaf = tape.leaf(features)
                let embedded = tape.leaf(answerer.embed(questions).value)
                let logits = answerer.logits(
                    features: leaf, embedded: embedded, lengths: questions.map(\.count), dropout: nil)
                let sum = logits.logSoftmax().picked(positions).sum()
                let gradients = tape.gradients(of: sum, withRespectTo: [leaf, embedded])
                return (logits.value, gradients[0].row(0), gradients[1].row(0))
            }
            let together = run(one.features, one.questions, one.positions)
            for picture in 0..<2 {
                var gradient = [Float](repeating: 0, count: 3 * 4 * 9)
                for n in picture * 3..<picture * 3 + 3 {
                    let position = one.positions[n] - n * one.configuration.answers
                    let alone = run(one.features.rows(picture..<picture + 1), [one.questions[n]], [position])
                    XCTAssertLessThan(
                        relativeError(alone.logits.array, together.logits.row(n).array), 5e-6, "\(kind), question \(n)")
                    for t in one.questions[n].indices {
                        let expected = alone.embedded.row(t).row(0).array
                        let largest = alone.embedded.array.map(abs).max() ?? 0
                        for (a, e) in zip(together.embedded.row(t).row(n).array, expected) {
                            XCTAssertEqual(a, e, accuracy: 1e-5 * largest, "\(kind), question \(n), word \(t)")
                        }
                    }
                    gradient = zip(gradient, alone.features.array).map { $0 + $1 }
                }
                if kind != .questionOnly {
                    let expected = together.features.row(picture).array
                    XCTAssertLessThan(relativeError(gradient, expected), 1e-5, kind.rawValue)
                }
            }
        }
    }

    /// Padding after a question's end, of any length and content, changes no logit and gets no gradient.
    func testVQAHead_withPadding_givesTheSameScores() throws {
        for kind in kinds {
            let one = try VQAHeadCase(kind)
            let words = one.embedded
            let (steps, count, width) = (words.shape[0], words.shape[1], words.shape[2])
            let noise = randomTensor([steps + 3, count, width], seed: 8)
            for t in 0..<steps {
                for n in 0..<count where t < one.lengths[n] {
                    let from = (t * count + n) * width
                    (noise.pointer + from).update(from: words.pointer + from, count: width)
                }
            }
            let tape = Tape()
            let padded = tape.leaf(noise)
            let features = Variable(one.features)
            func logits(_ embedded: Variable) -> Variable {
                one.answerer.logits(features: features, embedded: embedded, lengths: one.lengths, dropout: nil)
            }
            let a = logits(Variable(words))
            let b = logits(padded)
            XCTAssertLessThan(relativeError(b.value.array, a.value.array), 2e-6, kind.rawValue)
            let seed = randomTensor([1] + b.shape, seed: 3)
            let gradient = tape.gradients(of: b, seed: seed, withRespectTo: [padded])[0].row(0)
            for t in 0..<steps + 3 {
                for n in 0..<count {
                    let row = gradient.row(t).row(n).array
                    XCTAssertEqual(row.contains { abs($0) > 1e-20 }, t < one.lengths[n], "\(kind): word \(t) of \(n)")
                }
            }
        }
    }

    /// A question without words is read as one word of zeros.
    func testVQAHead_ofNoWords_readsOneWordOfZeros() throws {
        for kind in kinds {
            let one = try VQAHeadCase(kind, pictures: 1, times: 2)
            let answerer = one.answerer
            let features = Variable(one.features)
            let empty = answerer.embed([[], []])
            XCTAssertEqual(empty.shape, [1, 2, 6])
            let a = answerer.logits(features: features, embedded: empty, lengths: [0, 0], dropout: nil).value
            let embedded = answerer.embed([[], [1, 2]])
            let b = answerer.logits(features: features, embedded: embedded, lengths: [0, 2], dropout: nil).value
            XCTAssertLessThan(relativeError(b.row(0).array, a.row(0).array), 2e-6, kind.rawValue)
            XCTAssertGreaterThan(relativeError(b.row(1).array, a.row(1).array), 1e-3, kind.rawValue)
        }
    }

    /// Every head but the question-only one depends on the image.
    func testVQAHead_ofAnotherImage_givesOtherScores() throws {
        for kind in kinds {
            let one = try VQAHeadCase(kind)
            func logits(_ features: Tensor) -> [Float] {
                one.answerer.logits(
                    features: Variable(features), embedded: Variable(one.embedded), lengths: one.lengths, dropout: nil
                ).value.array
            }
            let error = relativeError(logits(randomTensor(one.features.shape, seed: 51)), logits(one.features))
            if kind == .questionOnly {
                XCTAssertEqual(error, 0)
            } else {
                XCTAssertGreaterThan(error, 1e-3, kind.rawValue)
            }
        }
    }

    /// Dropout depends on its seed, and is on only in training.
    func testDropout_withASeed_repeatsItself() throws {
        for kind in kinds {
            let one = try VQAHeadCase(kind)
            func logits(_ seed: UInt64?) -> [Float] {
                one.answerer.logits(
                    features: Variable(one.features), embedded: Variable(one.embedded), lengths: one.lengths,
                    dropout: seed.map { Dropout(rate: 0.5, seed: $0) }
                ).value.array
            }
            XCTAssertEqual(logits(3), logits(3))
            XCTAssertNotEqual(logits(3), logits(4))
            XCTAssertNotEqual(logits(3), logits(nil))
        }
    }

    func testVQAHeadConfiguration_writtenAndRead_isTheSame() throws {
        let text = #"""
            {"kind": "co-attention", "features": 9, "vocabulary": 5, "answers": 4, "embedding": 3, "hidden": 2,
             "attention": 6}
            """#
        let read = try JSONDecoder().decode(VQAHeadConfiguration.self, from: Data(text.utf8))
        let expected = VQAHeadConfiguration(
            kind: .coAttention, features: 9, vocabulary: 5, answers: 4, embedding: 3, hidden: 2, attention: 6)
        XCTAssertEqual(read, expected)
        let written = try JSONEncoder().encode(expected)
        XCTAssertEqual(try JSONDecoder().decode(VQAHeadConfiguration.self, from: written), expected)
    }
}
