import Language
import Tasks
import Tensors
import Vision
import XCTest

@testable import Explain

/// The cells' own parts of a caption's words, for a captioner whose scores are a sum over the cells: they add up to all
/// that the image says.
final class CaptionCellsTests: XCTestCase {
    private let vocabulary = Vocabulary(tokens: [["a", "red", "circle", "and", "something", "blue"]], minimumCount: 1)
    private let words = ["a", "red", "circle", "and", "something", "red"]

    /// A captioner of random weights.
    private func captioner(_ kind: DecoderConfiguration.Kind = .bilinearAttention) throws -> Captioner {
        let store = ParameterStore { name, shape in
            var random = SeededGenerator(seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
            let scale: Float = name.hasPrefix("decoder.visual") ? 0.5 : 1
            return Tensor(shape, (0..<shape.reduce(1, *)).map { _ in scale * (random.uniform() - 0.5) })
        }
        let encoder = EncoderConfiguration(name: "tiny", folded: true)
        let configuration = CaptionerConfiguration(
            encoder: encoder, preprocessing: try encoder.defaultPreprocessing(),
            decoder: DecoderConfiguration(
                kind: kind, features: 128, vocabulary: vocabulary.count, embedding: 6, hidden: 8, attention: 4,
                visual: 5), vocabulary: "vocabulary.txt", search: SearchOptions())
        return try Captioner(configuration: configuration, vocabulary: vocabulary, parameters: store.scope())
    }

    private func explain(
        _ captioner: Captioner, _ score: WordScore, _ targets: [CaptionTarget]
    ) throws -> (features: Tensor, targets: [ExplainedTarget<CaptionSubject>]) {
        let explainer = try Explainer(captioner, options: ExplanationOptions(methods: [CAM()], wordScore: score))
        let image = explainer.encode(captioner.toyImage(seed: 3, index: 1))
        return (
            image.features, try explainer.explain(image, input: vocabulary.encode(words), targets: targets).targets
        )
    }

    /// Scores before the softmax with the image and without it, `[T][V]`.
    private func scores(_ captioner: Captioner, _ features: Tensor) throws -> (image: [[Float]], language: [[Float]]) {
        let both = try XCTUnwrap(
            captioner.decoder.visualScores(
                features: Variable(features), words: [[vocabulary.start] + vocabulary.encode(words)]))
        let language = (both.logits - both.visual).value
        return (
            (0...words.count).map { both.logits.value.row($0).array }, (0...words.count).map { language.row($0).array }
        )
    }

    private func logSoftmax(_ x: [Float], _ index: Int) -> Float {
        let largest = x.max() ?? 0
        return x[index] - largest - log(x.reduce(0) { $0 + exp($1 - largest) })
    }

    /// The map of a word, of a phrase and of a contrast adds up to what the image adds to it, by each score.
    func testCAM_ofACaptionersWords_addsUpToWhatTheImageSays() throws {
        let captioner = try captioner()
        let targets: [CaptionTarget] = [
            .word("circle"), .word("red", occurrence: 2), .phrase("red circle"),
            .contrast("circle", against: "blue"), .wholeCaption,
        ]
        let spans: [Range<Int>] = [2..<3, 5..<6, 1..<3, 2..<3, 0..<7]
        let ends = vocabulary.encode(words) + [vocabulary.end], blue = vocabulary.encode(["blue"])[0]
        for score in WordScore.allCases {
            let found = try explain(captioner, score, targets)
            let (image, language) = try scores(captioner, found.features)
            for (index, target) in found.targets.enumerated() {
                func value(_ scores: [[Float]]) -> Float {
                    spans[index].reduce(0) { sum, t in
                        func one(_ word: Int) -> Float {
                            score == .logProbability ? logSoftmax(scores[t], word) : scores[t][word]
                        }
                        return sum + one(ends[t]) - (index == 3 ? one(blue) : 0)
                    }
                }
                let said = value(image) - value(language)
                XCTAssertGreaterThan(abs(said), 0.05, "\(score), \(target.name): the image says nothing")
                XCTAssertEqual(
                    target.map.array.reduce(0, +), said, accuracy: 2e-4 + 1e-5 * abs(said), "\(score), \(target.name)")
            }
            // A word's two places have maps of their own.
            let again = try explain(captioner, score, [.word("red", occurrence: 1)]).targets[0].map.array
            let (one, other) = (again, found.targets[1].map.array)
            XCTAssertGreaterThan(
                zip(one, other).map { abs($0 / one[0] - $1 / other[0]) }.max() ?? 0, 1e-3, "\(score)")
            XCTAssertNil(found.targets[1].subject.sameMapAt)
        }
    }

    /// Show, Attend and Tell's LSTM has seen the image, so that its scores are no sum.
    func testCAM_ofShowAttendAndTell_isRefused() throws {
        let captioner = try captioner(.showAttendAndTell)
        XCTAssertThrowsError(try explain(captioner, .logit, [.word("circle")])) {
            XCTAssertTrue("\($0)".contains("cam needs a score that is a sum over the cells"), "\($0)")
        }
    }

    /// Of two words, the mean of the second's probability over the path from score 0 to score x is
    /// (log(1 + exp x) - log 2) / x.
    func testMeanProbabilities_ofTwoWords_equalTheIntegral() {
        for x: Float in [0.5, -3, 12, 40] {
            let found = CaptionCells.meanProbabilities(Tensor([2]), Tensor([2], [0, x]))
            let softplus = x > 20 ? Double(x) : log(1 + exp(Double(x)))
            let expected = Float((softplus - log(2)) / Double(x))
            XCTAssertEqual(found[1], expected, accuracy: 1e-5)
            XCTAssertEqual(found[0], 1 - expected, accuracy: 1e-5)
        }
    }
}
