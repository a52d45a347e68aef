import Tensors
import TestSupport
import XCTest

@testable import Language

/// The regions' parts of the scores of bilinear attention: by hand, and that they add up.
final class BilinearAttentionTests: XCTestCase {
    /// Two regions that show tanh x = 0.2 and 0.6; the question asks with tanh = 0.5, so z = 0.1 and 0.3. The attention
    /// compares 0.1 s with 0.3 s, where s = 5 ln 3: the weights are 1/4 and 3/4. With W = 2 and G = 4 the parts are
    /// 2 * 0.1 / 4 + 4 * 0.1 / 2 = 0.25 and 2 * 0.3 * 3/4 + 4 * 0.3 / 2 = 1.05; the question adds 0.7.
    func testRegionScores_ofTwoRegions_equalHandComputedParts() throws {
        var configuration = VQAHeadConfiguration(
            kind: .bilinearAttention, features: 1, vocabulary: 3, answers: 1, embedding: 1, hidden: 1, attention: 1)
        configuration.joint = 1
        let half = atanh(Float(0.5))
        let names = ParameterStore(seed: 1)
        _ = configuration.makeHead(names.scope())
        // Weights of the LSTM are 0, so h is 0 and the question asks with the biases.
        var state = names.values.mapValues { Tensor($0.shape) }
        for (name, value) in [
            ("image.weight", 1), ("question.bias", half), ("attention.image.weight", 1),
            ("attention.question.bias", half), ("attention.score.weight", 5 * log(Float(3))),
            ("answers.attended.weight", 2), ("answers.mean.weight", 4), ("answers.question.bias", 0.7),
        ] {
            state[name] = Tensor(try XCTUnwrap(state[name]).shape, repeating: value)
        }
        let head = configuration.makeHead(ParameterStore(strict: state, origin: "test").scope())
        let features = Tensor([1, 1, 2, 1], [atanh(0.2), atanh(0.6)])
        let embedded = head.embed([[1, 2]])
        let scores = try XCTUnwrap(head.regionScores(features: features, embedded: embedded.value, lengths: [2]))
        XCTAssertEqual(scores.shape, [1, 2, 1])
        XCTAssertEqual(scores.array[0], 0.25, accuracy: 1e-6)
        XCTAssertEqual(scores.array[1], 1.05, accuracy: 1e-6)
        let logits = head.logits(features: Variable(features), embedded: embedded, lengths: [2], dropout: nil)
        XCTAssertEqual(logits.value.scalar, 2, accuracy: 1e-6)
        let attention = try XCTUnwrap(head.attention(features: features, embedded: embedded.value, lengths: [2]))
        XCTAssertEqual(attention.array[1], 0.75, accuracy: 1e-6)
    }

    /// All regions and the question add up to the logits, to the rounding of sums of 12 regions in float32.
    func testRegionScores_ofManyQuestions_addUpToTheLogits() throws {
        for isNormalised in [false, true] {
            let one = try VQAHeadCase(.bilinearAttention, isNormalised: isNormalised)
            let head = one.answerer, embedded = one.embedded
            let scores = try XCTUnwrap(
                head.regionScores(features: one.features, embedded: embedded, lengths: one.lengths))
            let question = try XCTUnwrap(head.questionScores(embedded: Variable(embedded), lengths: one.lengths)).value
            let logits = head.logits(
                features: Variable(one.features), embedded: Variable(embedded), lengths: one.lengths, dropout: nil
            ).value
            XCTAssertEqual(scores.shape, [6, 12, 7])
            let sums = (0..<6).flatMap { n in
                (0..<7).map { a in (0..<12).reduce(question[n, a]) { $0 + scores.row(n)[$1, a] } }
            }
            XCTAssertLessThan(relativeError(sums, logits.array), 2e-6)
        }
    }

    /// Other heads say that their scores are no such sum.
    func testRegionScores_ofOtherHeads_areNil() throws {
        for kind in VQAHeadConfiguration.Kind.allCases where kind.isTrainable && kind != .bilinearAttention {
            let one = try VQAHeadCase(kind)
            XCTAssertNil(
                one.answerer.regionScores(features: one.features, embedded: one.embedded, lengths: one.lengths))
        }
    }

    /// The softmax of the scores that boxes teach is the attention, for every head that has such scores.
    func testLook_ofHeadsWithOneSoftmax_givesTheAttentionsScores() throws {
        for kind in [VQAHeadConfiguration.Kind.bilinearAttention, .stackedAttention, .coAttention] {
            let one = try VQAHeadCase(kind)
            let head = try XCTUnwrap(one.answerer as? any AttendingVQAHead)
            let looked = head.look(
                features: Variable(one.features), embedded: Variable(one.embedded), lengths: one.lengths, dropout: nil)
            let scores = try XCTUnwrap(looked.scores)
            XCTAssertEqual(scores.softmax().value.array, looked.attention.array, kind.rawValue)
        }
    }
}
