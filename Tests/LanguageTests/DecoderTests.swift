import Tensors
import XCTest

@testable import Language

/// The trainable caption decoders: against PyTorch, against finite differences of a caption's log-probability, and against
/// other ways of computing the same.
final class DecoderTests: XCTestCase {
    private let kinds = DecoderVariant.all

    // MARK: PyTorch

    /// Logits to 2e-6 of the largest (float32 against float64), gradients of the features and of every parameter to
    /// 1e-5.
    func testDecoder_logitsAndGradients_matchPyTorchFixture() throws {
        for kind in kinds {
            let (configuration, fixture) = try DecoderFixture.load(kind)
            let store = ParameterStore(strict: fixture.parameters.mapValues(\.tensor), origin: "decoders.json")
            let tape = Tape()
            let decoder = configuration.makeDecoder(store.scope(on: tape))
            try store.checkComplete()
            let features = tape.leaf(fixture.features.tensor)
            let logits = decoder.logits(features: features, words: fixture.words, dropout: nil)
            XCTAssertEqual(logits.shape, fixture.y.shape)
            XCTAssertLessThan(relativeError(logits.value.array, fixture.y.tensor.array), 2e-6, "\(kind)")
            let leaves = store.leaves.merging(["features": features]) { $1 }
            XCTAssertEqual(leaves.keys.sorted(), fixture.gradients.keys.sorted())
            let names = leaves.keys.sorted()
            let gradients = tape.gradients(
                of: logits, seed: fixture.g.tensor.reshaped([1] + fixture.g.shape),
                withRespectTo: names.compactMap { leaves[$0] })
            for (name, gradient) in zip(names, gradients) {
                let expected = try XCTUnwrap(fixture.gradients[name]).tensor
                XCTAssertEqual(gradient.shape, [1] + expected.shape, "\(kind): \(name)")
                XCTAssertLessThan(relativeError(gradient.array, expected.array), 1e-5, "\(kind): \(name)")
            }
        }
    }

    // MARK: Finite differences

    private struct Case {
        let configuration: DecoderConfiguration
        let store: ParameterStore
        let features: Tensor
        /// Word indices with `<start>` and `<end>`.
        let captions: [[Int]]

        var inputs: [[Int]] { captions.map { Array($0.dropLast()) } }

        /// Positions in `[T, N, V]` of the captions' words.
        var positions: [Int] {
            let count = captions.count
            let vocabulary = configuration.vocabulary
            return (1..<captions[0].count).flatMap { t in
                captions.indices.map { n in ((t - 1) * count + n) * vocabulary + captions[n][t] }
            }
        }

        /// The captions' log-probability, summed in double.
        func logProbability(_ features: Tensor, _ store: ParameterStore) -> Double {
            let decoder = configuration.makeDecoder(store.scope())
            let logs = decoder.logits(features: Variable(features), words: inputs, dropout: nil).logSoftmax().value
                .array
            return positions.reduce(0) { $0 + Double(logs[$1]) }
        }
    }

    private func makeCase(
        _ variant: DecoderVariant, pictures: Int = 2, rows: Int = 2, normalisesImage: Bool? = nil
    ) throws -> Case {
        let configuration = DecoderConfiguration(
            kind: variant.kind, features: 9, vocabulary: 13, embedding: 6, hidden: 8, attention: 5,
            normalisesImage: normalisesImage, visual: variant.visual)
        // Weights of order 1, so that no gradient is lost in rounding: attention over like regions hardly depends on
        // its query.
        let shapes = ParameterStore(seed: 1)
        _ = configuration.makeDecoder(shapes.scope())
        var state: [String: Tensor] = [:]
        for (i, name) in shapes.order.enumerated() {
            let shape = try XCTUnwrap(shapes.values[name]).shape
            state[name] = randomTensor(shape, seed: UInt64(i) + 60)
            if name.hasSuffix("running_var") {
                state[name] = Tensor(shape, (0..<shape[0]).map { 0.5 + 0.25 * Float($0) })
            }
        }
        let store = ParameterStore(strict: state, origin: "test")
        _ = configuration.makeDecoder(store.scope())
        var random = SeededGenerator(seed: 5)
        let captions = (0..<pictures * rows).map { _ in [1] + (0..<5).map { _ in 4 + Int(random.next() % 9) } + [2] }
        return Case(
            configuration: configuration, store: store, features: randomTensor([pictures, 3, 4, 9], seed: 50),
            captions: captions)
    }

    /// The slope of `value` along `direction` (made a unit vector), by central differences with h = 0.02 and 0.01
    /// combined (Richardson): an error of order h^4, and rounding of about 1e-6 / h. The slope along the gradient
    /// itself must be its length to 2e-3, a wrong rule changes it by far more; along random directions it must be right
    /// to 2e-3 of that length.
    private func check(
        _ gradient: Tensor, at point: Tensor, _ message: String, line: UInt = #line, _ value: (Tensor) -> Double
    ) {
        let length = dot(gradient, gradient).squareRoot()
        XCTAssertGreaterThan(length, 1e-2, "\(message) has no gradient to speak of", line: line)
        for (trial, direction) in [gradient, randomTensor(point.shape, seed: 90), randomTensor(point.shape, seed: 91)]
            .enumerated()
        {
            let norm = dot(direction, direction).squareRoot()
            func slope(_ h: Double) -> Double {
                let factor = Float(h / norm)
                return
                    (value(moved(point, along: direction, by: factor))
                    - value(moved(point, along: direction, by: -factor))) / (2 * h)
            }
            let numeric = (4 * slope(0.01) - slope(0.02)) / 3
            XCTAssertEqual(
                numeric, dot(gradient, direction) / norm, accuracy: 2e-3 * length + 2e-4,
                "\(message), direction \(trial)", line: line)
        }
    }

    func testDecoderGradient_ofFeatureMapAndParameters_equalsFiniteDifferences() throws {
        for kind in kinds {
            let one = try makeCase(kind)
            let tape = Tape()
            let decoder = one.configuration.makeDecoder(one.store.scope(on: tape))
            let features = tape.leaf(one.features)
            let sum = decoder.logits(features: features, words: one.inputs, dropout: nil).logSoftmax().picked(
                one.positions
            ).sum()
            XCTAssertEqual(Double(sum.value.scalar), one.logProbability(one.features, one.store), accuracy: 1e-4)
            let names = one.store.order
            XCTAssertEqual(Set(names), Set(one.store.leaves.keys))
            let leaves = names.compactMap { one.store.leaves[$0] }
            let gradients = tape.gradients(of: sum, withRespectTo: [features] + leaves)
            check(gradients[0].row(0), at: one.features, "\(kind): features") { one.logProbability($0, one.store) }
            for (name, gradient) in zip(names, gradients.dropFirst()) {
                let point = try XCTUnwrap(one.store.values[name])
                check(gradient.row(0), at: point, "\(kind): \(name)") { value in
                    let state = one.store.values.merging([name: value]) { $1 }
                    return one.logProbability(one.features, ParameterStore(strict: state, origin: "test"))
                }
            }
        }
    }

    /// Of an image of one cell the attention is 1: with the gate's weights at 0 and its bias at 1, the visual term
    /// adds sigmoid(1) words_v . (U F + b) to the scores, whatever the words before.
    func testVisualTerm_inTheScores_equalsItsFormula() throws {
        let one = try makeCase(DecoderVariant(kind: .showAttendAndTell, visual: 3))
        var state = one.store.values
        state["visual.gate.weight"] = Tensor([1, 8])
        state["visual.gate.bias"] = Tensor([1], [1])
        let features = randomTensor([2, 1, 1, 9], seed: 52)
        func decoder(_ configuration: DecoderConfiguration) -> any CaptionDecoder {
            configuration.makeDecoder(ParameterStore(strict: state, origin: "test").scope())
        }
        func logits(_ decoder: any CaptionDecoder) -> [Float] {
            decoder.logits(features: Variable(features), words: one.inputs, dropout: nil).value.array
        }
        let with = decoder(one.configuration)
        let term = try XCTUnwrap(with.visual)
        var configuration = one.configuration
        configuration.visual = nil
        let added = zip(logits(with), logits(decoder(configuration))).map { $0 - $1 }
        // [2 images, 1 region, V], each image with two captions of six steps.
        let regions = term.regions(of: Variable(features))
        XCTAssertEqual(regions.shape, [2, 1, 3])
        let own = linear(regions, term.words.weight).scaled(by: 1 / (1 + exp(-1))).repeatedRows(2).value.array
        let expected = [[Float]](repeating: own, count: one.inputs[0].count).flatMap { $0 }
        XCTAssertLessThan(relativeError(added, expected), 1e-5)
    }

    /// Reading on from what was kept of the images gives the very scores that reading the images gives, with one caption
    /// or more of each.
    func testDecoder_readingFromTheStateBeforeTheFirstWord_givesTheSameLogits() throws {
        for kind in kinds {
            for rows in 1...2 {
                let one = try makeCase(kind, pictures: 2, rows: rows)
                let decoder = one.configuration.makeDecoder(one.store.scope())
                let whole = decoder.logits(features: Variable(one.features), words: one.inputs, dropout: nil).value
                let state = decoder.begin(features: one.features, rows: 1)
                let continued = decoder.logits(from: state, words: one.inputs)
                XCTAssertEqual(continued.shape, whole.shape)
                XCTAssertEqual(continued.array, whole.array, "\(kind), \(rows) captions of each image")
            }
        }
    }

    /// A new visual term adds nothing: its words' vectors are zero.
    func testVisualTerm_whenNew_addsNothing() throws {
        let configuration = DecoderConfiguration(
            kind: .showAttendAndTell, features: 9, vocabulary: 13, embedding: 6, hidden: 8, attention: 5, visual: 3)
        let decoder = configuration.makeDecoder(ParameterStore(seed: 4).scope())
        let term = try XCTUnwrap(decoder.visual)
        let regions = term.regions(of: Variable(randomTensor([1, 2, 2, 9], seed: 5)))
        XCTAssertGreaterThan(regions.value.array.map(abs).max() ?? 0, 0.1)
        XCTAssertEqual(linear(regions, term.words.weight).value.array.map(abs).max(), 0)
    }

    /// The regions' parts of a word's score, of a difference of two words and of a sum over all words, added up, and the
    /// scores of the words alone, which no image changes, are the scores.
    func testBilinearDecoder_regionsParts_addUpToTheScores() throws {
        let one = try makeCase(DecoderVariant(kind: .bilinearAttention), pictures: 1, rows: 1)
        let decoder = one.configuration.makeDecoder(one.store.scope())
        let words = one.inputs[0], steps = [1, 4, 2], vocabulary = one.configuration.vocabulary
        let weights = Tensor([3, vocabulary])
        weights.pointer[7] = 1
        (weights.pointer[vocabulary + 5], weights.pointer[vocabulary + 8]) = (1, -1)
        for v in 0..<vocabulary { weights.pointer[2 * vocabulary + v] = Float(v) / 10 }
        func language(_ features: Tensor) throws -> Tensor {
            let both = try XCTUnwrap(decoder.visualScores(features: Variable(features), words: [words]))
            return (both.logits - both.visual).value
        }
        let alone = try language(one.features)
        // One more image, of other numbers and of another size.
        XCTAssertLessThan(
            relativeError(try language(randomTensor([1, 2, 2, 9], seed: 53)).array, alone.array), 1e-6)
        let logits = decoder.logits(features: Variable(one.features), words: [words], dropout: nil).value
        let parts = try XCTUnwrap(decoder.regionScores(features: one.features, words: words))(steps, weights)
        XCTAssertEqual(parts.shape, [3, 12])
        for (row, step) in steps.enumerated() {
            let expected = (0..<vocabulary).reduce(Float(0)) { sum, v in
                sum + weights[row, v] * (logits[step, 0, v] - alone[step, 0, v])
            }
            XCTAssertEqual(parts.row(row).array.reduce(0, +), expected, accuracy: 2e-5)
            XCTAssertGreaterThan(abs(expected), 0.1)
        }
    }

    /// Two regions and one word, by hand. The attention's product is w tanh(k F_l) tanh(q h) with w = 2, k = 1, q = 0 and
    /// a bias of 20, so that tanh(...) is 1: scores 2 tanh(F_l) for F = (0, 1). U = 3, b = 1: r = (1, 4). With Q = M = 0,
    /// region l's part of the score of a word with vector v is (alpha_l + 1/2) r_l v.
    func testBilinearDecoder_ofTwoRegions_equalsTheFormulaByHand() throws {
        let configuration = DecoderConfiguration(
            kind: .bilinearAttention, features: 1, vocabulary: 5, embedding: 1, hidden: 1, attention: 1, visual: 1)
        let shapes = ParameterStore(seed: 1)
        _ = configuration.makeDecoder(shapes.scope())
        var state = shapes.values.mapValues { Tensor($0.shape) }
        state["attention.image.weight"] = Tensor([1, 1], [1])
        state["attention.question.bias"] = Tensor([1], [20])
        state["attention.score.weight"] = Tensor([1, 1], [2])
        state["visual.regions.weight"] = Tensor([1, 1], [3])
        state["visual.regions.bias"] = Tensor([1], [1])
        state["visual.words.weight"] = Tensor([5, 1], [0, 0, 0, 1, -2])
        let decoder = configuration.makeDecoder(ParameterStore(strict: state, origin: "test").scope())
        let features = Tensor([1, 1, 2, 1], [0, 1])
        let alpha = 1 / (1 + exp(-2 * tanh(Float(1))))
        let weights = Tensor([1, 5], [0, 0, 0, 0, 1])
        let parts = try XCTUnwrap(decoder.regionScores(features: features, words: [1]))([0], weights).array
        XCTAssertEqual(parts[0], ((1 - alpha) + 0.5) * 1 * -2, accuracy: 1e-5)
        XCTAssertEqual(parts[1], (alpha + 0.5) * 4 * -2, accuracy: 1e-5)
        let logits = decoder.logits(features: Variable(features), words: [[1]], dropout: nil).value.array
        XCTAssertEqual(logits[4], parts[0] + parts[1], accuracy: 1e-5)
        XCTAssertEqual(logits[3], -logits[4] / 2, accuracy: 1e-5)
    }

    /// Show and Tell's normalised image: in use, the same function with image weights w * gamma / sqrt(var + epsilon)
    /// and a bias to match.
    func testImageNormalisation_inInference_equalsALinearLayer() throws {
        let one = try makeCase(DecoderVariant(kind: .showAndTell), normalisesImage: true)
        let tape = Tape()
        let features = tape.leaf(one.features)
        let decoder = one.configuration.makeDecoder(one.store.scope())
        let logits = decoder.logits(features: features, words: one.inputs, dropout: nil)
        let sum = logits.logSoftmax().picked(one.positions).sum()
        check(tape.gradients(of: sum, withRespectTo: [features])[0].row(0), at: one.features, "features") {
            one.logProbability($0, one.store)
        }
        var state = one.store.values.filter { !$0.key.hasPrefix("image") }
        let values = one.store.values.mapValues(\.array)
        let weight = values["image.weight"] ?? []
        let bias = values["image.bias"] ?? []
        let norm = try ["weight", "bias", "running_mean", "running_var"].map {
            try XCTUnwrap(values["image_norm.\($0)"])
        }
        let scale = zip(norm[0], norm[3]).map { $0 / ($1 + 1e-5).squareRoot() }
        state["image.weight"] = Tensor([6, 9], weight.indices.map { weight[$0] * scale[$0 / 9] })
        state["image.bias"] = Tensor([6], bias.indices.map { (bias[$0] - norm[2][$0]) * scale[$0] + norm[1][$0] })
        let plain = DecoderConfiguration(
            kind: .showAndTell, features: 9, vocabulary: 13, embedding: 6, hidden: 8, attention: 5)
        let store = ParameterStore(strict: state, origin: "folded")
        let same = plain.makeDecoder(store.scope()).logits(
            features: Variable(one.features), words: one.inputs, dropout: nil)
        try store.checkComplete()
        XCTAssertLessThan(relativeError(logits.value.array, same.value.array), 1e-5)
    }

    // MARK: Other ways of computing the same

    func testDecoder_stepByStep_equalsTeacherForcing() throws {
        for kind in kinds {
            let one = try makeCase(kind, pictures: 2, rows: 3)
            let decoder = one.configuration.makeDecoder(one.store.scope())
            let logits = decoder.logits(features: Variable(one.features), words: one.inputs, dropout: nil).value
            var state = decoder.begin(features: one.features, rows: 3)
            for t in one.inputs[0].indices {
                let (row, next) = decoder.step(state, words: one.inputs.map { $0[t] })
                XCTAssertLessThan(relativeError(row.array, logits.row(t).array), 5e-6, "\(kind), step \(t)")
                if let attention = next.attention {
                    XCTAssertEqual(attention.shape, [6, 12])
                    for n in 0..<6 { XCTAssertEqual(attention.row(n).array.reduce(0, +), 1, accuracy: 1e-5) }
                }
                state = next
            }
            XCTAssertEqual(state.attention != nil, kind.kind.attends)
        }
    }

    /// In a search, a row continues from another one of the same image.
    func testDecoderState_withSelectedRows_continuesFromThem() throws {
        for kind in kinds {
            let one = try makeCase(kind, pictures: 2, rows: 2)
            let decoder = one.configuration.makeDecoder(one.store.scope())
            func steps(_ captions: [[Int]]) -> (Tensor, DecoderState) {
                var state = decoder.begin(features: one.features, rows: 2)
                var last = Tensor([0])
                for t in captions[0].indices { (last, state) = decoder.step(state, words: captions.map { $0[t] }) }
                return (last, state)
            }
            let pasts = one.inputs.map { Array($0.prefix(3)) }
            let rows = [1, 1, 3, 2]
            let words = [5, 6, 7, 8]
            let selected = decoder.step(steps(pasts).1.selecting(rows), words: words).logits
            let expected = steps(zip(rows, words).map { pasts[$0] + [$1] }).0
            XCTAssertLessThan(relativeError(selected.array, expected.array), 2e-6, "\(kind)")
        }
    }

    /// Three captions of each of two images in one batch, as each would be alone; the images' gradients add up over
    /// their captions.
    func testDecoder_ofSeveralCaptionsOfAnImage_equalsOneByOne() throws {
        for kind in kinds {
            let one = try makeCase(kind, pictures: 2, rows: 3)
            let decoder = one.configuration.makeDecoder(one.store.scope())
            let vocabulary = one.configuration.vocabulary
            func run(_ features: Tensor, _ inputs: [[Int]], _ positions: [Int]) -> (logits: Tensor, gradient: Tensor) {
                let tape = Tape()
                let leaf = tape.leaf(features)
                let logits = decoder.logits(features: leaf, words: inputs, dropout: nil)
                let sum = logits.logSoftmax().picked(positions).sum()
                return (logits.value, tape.gradients(of: sum, withRespectTo: [leaf])[0].row(0))
            }
            let together = run(one.features, one.inputs, one.positions)
            for picture in 0..<2 {
                var gradient = [Float](repeating: 0, count: 3 * 4 * 9)
                for n in picture * 3..<picture * 3 + 3 {
                    let caption = one.captions[n]
                    let positions = (1..<caption.count).map { ($0 - 1) * vocabulary + caption[$0] }
                    let alone = run(one.features.rows(picture..<picture + 1), [one.inputs[n]], positions)
                    for t in one.inputs[n].indices {
                        XCTAssertLessThan(
                            relativeError(alone.logits.row(t).array, together.logits.row(t).row(n).array), 5e-6,
                            "\(kind), caption \(n)")
                    }
                    gradient = zip(gradient, alone.gradient.array).map { $0 + $1 }
                }
                XCTAssertLessThan(relativeError(gradient, together.gradient.row(picture).array), 1e-5, "\(kind)")
            }
        }
    }

    /// Words after a caption's end do not change the scores before it.
    func testDecoder_withPadding_doesNotChangeEarlierWords() throws {
        for kind in kinds {
            let one = try makeCase(kind, pictures: 1, rows: 2)
            let decoder = one.configuration.makeDecoder(one.store.scope())
            var padded = one.inputs
            padded[0] = padded[0].prefix(3) + [0, 0, 0]
            let a = decoder.logits(features: Variable(one.features), words: one.inputs, dropout: nil).value
            let b = decoder.logits(features: Variable(one.features), words: padded, dropout: nil).value
            for t in 0..<6 {
                XCTAssertLessThan(relativeError(b.row(t).row(1).array, a.row(t).row(1).array), 2e-6, "\(kind)")
                let error = relativeError(b.row(t).row(0).array, a.row(t).row(0).array)
                if t < 3 {
                    XCTAssertLessThan(error, 2e-6, "\(kind)")
                } else {
                    XCTAssertGreaterThan(error, 1e-3, "\(kind)")
                }
            }
        }
    }

    /// Dropout depends on its seed, and is on only in training.
    func testDropout_withASeed_repeatsItself() throws {
        for kind in kinds {
            let one = try makeCase(kind)
            let decoder = one.configuration.makeDecoder(one.store.scope())
            func logits(_ seed: UInt64?) -> [Float] {
                decoder.logits(
                    features: Variable(one.features), words: one.inputs,
                    dropout: seed.map { Dropout(rate: 0.5, seed: $0) }
                ).value.array
            }
            XCTAssertEqual(logits(3), logits(3))
            XCTAssertNotEqual(logits(3), logits(4))
            XCTAssertNotEqual(logits(3), logits(nil))
        }
    }
}
