import Foundation
import Language
import TestSupport
import XCTest

@testable import Tasks
@testable import Tensors
@testable import Vision

extension XCTestCase {
    /// Compares captions, log-probabilities and a gradient over the fixture's map, and what the picture gives.
    func check(
        _ captioner: Captioner, _ json: [String: Any], features: Tensor, words: [String], _ name: String,
        picture: Bool = false
    ) throws {
        func index(_ id: Int) throws -> Int {
            try XCTUnwrap(captioner.vocabulary.index(of: words[id]), "\(name): \(words[id])")
        }
        // Captions, word for word.
        let captions = try XCTUnwrap(json["captions"] as? [String: Any])
        XCTAssertFalse(captions.isEmpty)
        for (search, expected) in captions {
            let expected = try XCTUnwrap(expected as? [String: Any])
            var options = captioner.configuration.search
            options.beam = search == "greedy" ? 1 : try XCTUnwrap(Int(search.dropFirst("beam".count)))
            let found = try XCTUnwrap(captioner.captions(features: features, options: options)[0].first)
            let ids = try XCTUnwrap(expected["ids"] as? [Int])
            XCTAssertEqual(found.words, try ids.map(index), "\(name) \(search)")
            let logProbability = try XCTUnwrap(expected["logProbability"] as? Double)
            XCTAssertEqual(Double(found.logProbability), logProbability, accuracy: 1e-4, "\(name) \(search)")
        }
        // Log-probabilities of a given caption.
        let forced = try XCTUnwrap(json["forced"] as? [String: Any])
        let ids = try XCTUnwrap(forced["ids"] as? [Int]).map(index)
        let all = ids + [captioner.vocabulary.end]
        func logProbabilities(_ features: Variable) -> Variable {
            captioner.decoder.logits(features: features, words: [[captioner.vocabulary.start] + ids], dropout: nil)
                .logSoftmax().picked(all.enumerated().map { $0.offset * captioner.vocabulary.count + $0.element })
        }
        func compare(_ found: [Float], _ expected: Any?) throws {
            let expected = try XCTUnwrap(expected as? [Double])
            XCTAssertEqual(found.count, expected.count)
            for (found, expected) in zip(found, expected) {
                XCTAssertEqual(Double(found), expected, accuracy: 1e-4, name)
            }
        }
        try compare(logProbabilities(Variable(features)).value.array, forced["logProbabilities"])
        // The same from the state before the first word, as evidence and searches read it.
        let state = captioner.decoder.begin(features: features, rows: 1)
        let again = captioner.decoder.logits(from: state, words: [[captioner.vocabulary.start] + ids])
        XCTAssertEqual(
            Variable(again).logSoftmax().value.array,
            captioner.decoder.logits(
                features: Variable(features), words: [[captioner.vocabulary.start] + ids], dropout: nil
            ).logSoftmax().value.array, name)
        // Attention where the kind has it, as `mmx evaluate maps` expects.
        let attention = captioner.decoder.step(state, words: [captioner.vocabulary.start]).state.attention
        XCTAssertEqual(attention != nil, captioner.configuration.decoder.kind.attends, name)
        // The gradient of the third word's log-probability with respect to the map: PyTorch's, and differences'.
        let tape = Tape()
        let leaf = tape.leaf(features)
        let third = logProbabilities(leaf).picked([2])
        let gradient = tape.gradients(of: third, withRespectTo: [leaf])[0]
        try assertGradient(gradient, json["gradient"], name)
        assertDifferences(gradient, at: features, name) { logProbabilities(Variable($0)).value.array[2] }
        // Attention sums to 1 over the map's own cells.
        let step = captioner.decoder.step(state, words: [captioner.vocabulary.start])
        if let attention = step.state.attention {
            XCTAssertEqual(attention.shape, [1, features.shape[1] * features.shape[2]])
            XCTAssertEqual(attention.array.reduce(0, +), 1, accuracy: 1e-5)
        }
        if picture {
            let seen = try XCTUnwrap(json["fromPicture"] as? [String: Any])
            let map = captioner.encoder(Variable(CheckpointFixture.picture))
            let expected = try XCTUnwrap(seen["map"] as? [String: Any])
            XCTAssertEqual(map.shape, [1, 2, 2, 512])
            XCTAssertEqual(
                Double(map.value.array.reduce(0, +)), try XCTUnwrap(expected["sum"] as? Double), accuracy: 0.5, name)
            try compare(logProbabilities(map).value.array, seen["forcedLogProbabilities"])
        }
    }

    /// The directional derivative along the gradient is its length.
    func assertDifferences(
        _ gradient: Tensor, at features: Tensor, _ name: String, _ value: (Tensor) -> Float
    ) {
        let g = gradient.array.map(Double.init)
        let length = g.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let step = 0.02
        func moved(_ sign: Double) -> Tensor {
            Tensor(features.shape, zip(features.array, g).map { $0 + Float(sign * step * $1 / length) })
        }
        let difference = (Double(value(moved(1))) - Double(value(moved(-1)))) / (2 * step)
        // Single precision: the values have errors of 1e-6, which the division by the step makes 5e-5; ReLUs have corners.
        XCTAssertEqual(difference, length, accuracy: 0.01 * length + 5e-4, name)
    }
}
