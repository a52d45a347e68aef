import Foundation
import Tensors
import TestSupport
import XCTest

@testable import Language

/// The output of `Fixtures/make_answerers.py`: a head's parameters, two questions about each of two images, and
/// PyTorch's logits and gradients.
struct VQAHeadFixture: Decodable {
    struct File: Decodable {
        struct Sizes: Decodable {
            let features: Int, vocabulary: Int, answers: Int, embedding: Int, hidden: Int, attention: Int
        }
        let sizes: Sizes
        let cases: [String: VQAHeadFixture]
    }

    let questions: [[Int]]
    let features: DecoderFixture.Stored, y: DecoderFixture.Stored, g: DecoderFixture.Stored
    let parameters: [String: DecoderFixture.Stored], gradients: [String: DecoderFixture.Stored]

    /// Whether the feature map's channels are normalised, and with which statistics.
    enum Norm: String {
        case none = ""
        case running = ", normalised"
        case batch = ", normalised by the batch"
    }

    static func load(
        _ kind: VQAHeadConfiguration.Kind, _ norm: Norm = .none
    ) throws -> (configuration: VQAHeadConfiguration, fixture: VQAHeadFixture) {
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: Fixture.url("answerers.json")))
        let sizes = file.sizes
        let configuration = VQAHeadConfiguration(
            kind: kind, features: sizes.features, vocabulary: sizes.vocabulary, answers: sizes.answers,
            embedding: sizes.embedding, hidden: sizes.hidden, attention: sizes.attention,
            normalisesImage: norm == .none ? nil : true)
        return (configuration, try XCTUnwrap(file.cases[kind.rawValue + norm.rawValue]))
    }
}

/// A head with weights of order 1 and questions of different lengths, N / M about each image.
struct VQAHeadCase {
    let configuration: VQAHeadConfiguration
    let store: ParameterStore
    let features: Tensor
    let questions: [[Int]]

    init(_ kind: VQAHeadConfiguration.Kind, pictures: Int = 2, times: Int = 3, isNormalised: Bool = false) throws {
        configuration = VQAHeadConfiguration(
            kind: kind, features: 9, vocabulary: 13, answers: 7, embedding: 6, hidden: 8, attention: 5,
            normalisesImage: isNormalised && kind != .questionOnly ? true : nil)
        let shapes = ParameterStore(seed: 1)
        _ = configuration.makeHead(shapes.scope())
        var state: [String: Tensor] = [:]
        for (i, name) in shapes.order.enumerated() {
            state[name] = randomTensor(try XCTUnwrap(shapes.values[name]).shape, seed: UInt64(i) + 60)
        }
        // A variance is positive.
        for (name, value) in state where name.hasSuffix("running_var") {
            state[name] = Tensor(value.shape, value.array.map { abs($0) + 0.5 })
        }
        store = ParameterStore(strict: state, origin: "test")
        _ = configuration.makeHead(store.scope())
        features = randomTensor([pictures, 3, 4, 9], seed: 50)
        var random = SeededGenerator(seed: 5)
        questions = (0..<pictures * times).map { n in (0...(n * 5) % 7).map { _ in Int(random.next() % 13) } }
    }

    var lengths: [Int] { questions.map(\.count) }
    var answerer: any VQAHead { configuration.makeHead(store.scope()) }
    var embedded: Tensor { answerer.embed(questions).value }

    /// Positions in `[N, A]` of an answer to each question.
    var positions: [Int] { questions.indices.map { $0 * configuration.answers + ($0 * 3) % configuration.answers } }

    /// The answers' log-probability, summed in double.
    func logProbability(_ features: Tensor, _ embedded: Tensor, _ store: ParameterStore) -> Double {
        let logits = configuration.makeHead(store.scope()).logits(
            features: Variable(features), embedded: Variable(embedded), lengths: lengths, dropout: nil)
        let logs = logits.logSoftmax().value.array
        return positions.reduce(0) { $0 + Double(logs[$1]) }
    }
}
