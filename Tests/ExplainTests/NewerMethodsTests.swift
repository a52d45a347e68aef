import Language
import Tasks
import Tensors
import TestSupport
import XCTest

@testable import Explain

/// Finer-CAM, ShapleyCAM and RefineCAM, on paper.
final class NewerMethodsTests: XCTestCase {
    /// ``HandNetwork``'s encoder with other heads. A is (1, 0), (0, 1), (2, 0), (1, 2).
    private func context(
        _ targets: [LinearTarget], choices: Int? = nil, layers: [String] = [],
        outputs: @escaping (Variable) -> Variable
    ) throws -> AttributionContext {
        AttributionContext(
            try EncodedImage(HandNetwork.image, by: HandNetwork.modelEncoder(), layers: layers),
            head: ModelHead(name: "hand", choices: choices, outputs: outputs), targets: targets)
    }

    /// Four scores of A: 14, 1, 13 and 20.
    private func fourScores(_ features: Variable) -> Variable {
        let weights =
            HandNetwork.gradient + [1, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 1, 6, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 10]
        return linear(features.reshaped([features.shape[0], 8]), Variable(Tensor([4, 8], weights)))
    }

    private func assertEqual(_ found: [Float], _ expected: [Float], within accuracy: Float = 1e-5, line: UInt = #line) {
        XCTAssertEqual(found.count, expected.count, line: line)
        for (a, b) in zip(found, expected) { XCTAssertEqual(a, b, accuracy: accuracy, "\(found)", line: line) }
    }

    // MARK: Finer-CAM

    /// The nearest to 14 is 13, then 20. For y' = 14 - w x the mean of the others, alpha is (-0.25, 0.875) for one
    /// comparison and w = 1/2, (0.125, 0.3125) for two, and (-1.25, -1.75) for all three and w = 3.
    func testFinerCAM_ofTheHandNetwork_equalsHandComputedMap() throws {
        let context = try context([LinearTarget(output: 0)], outputs: fourScores)
        XCTAssertEqual(context.outputs.array, [14, 1, 13, 20])
        func map(_ comparisons: Int, _ weight: Float) throws -> [Float] {
            try FinerCAM(TargetComparison(count: comparisons, weight: weight)).maps(of: context).array
        }
        assertEqual(try map(1, 0.5), [-0.25, 0.875, -0.5, 1.5])
        assertEqual(try map(2, 0.5), [0.125, 0.3125, 0.25, 0.75])
        assertEqual(try map(9, 3), [-1.25, -1.75, -2.5, -4.75])
        assertEqual(try map(1, 0), GradCAM().maps(of: context).array)
        // y' by another method: g A of 14 - 13 / 2 is 1 x 1, -0.5 x 1, 0, -1 + 8.
        let layerCAM = FinerCAM(TargetComparison(count: 1, weight: 0.5), base: HiResCAM())
        assertEqual(try layerCAM.maps(of: context).array, [1, -0.5, 0, 7])
    }

    /// What a target is compared with is the nearest of its own row: here 14 with 1, and 13 with 20.
    func testFinerCAM_ofRows_comparesWithinARow() throws {
        let targets = [LinearTarget(output: 0), LinearTarget(output: 2)]
        let rows = try context(targets, choices: 2, outputs: fourScores)
        let pairs = [LinearTarget(output: 0, against: 1), LinearTarget(output: 2, against: 3)]
        let expected = GradCAM().maps(of: try context(pairs, outputs: fourScores))
        assertEqual(try FinerCAM(TargetComparison(count: 3, weight: 1)).maps(of: rows).array, expected.array)
    }

    /// A contrast names its comparison; a counterfactual is the negative of what it negates.
    func testCompared_ofContrastsNegativesAndPhrases_areThoseByHand() {
        typealias Term = LinearTarget.Term
        func terms(_ target: LinearTarget, _ outputs: [Float] = [14, 1, 13, 20], choices: Int = 4) -> [Term] {
            target.compared(TargetComparison(count: 1, weight: 0.5), outputs: outputs, choices: choices).terms
        }
        let contrast = LinearTarget(output: 0, against: 3)
        XCTAssertEqual(terms(contrast), contrast.terms)
        XCTAssertEqual(
            terms(LinearTarget(output: 0).negated), [Term(index: 0, weight: -1), Term(index: 2, weight: 0.5)])
        // A phrase of two positions: each word has a comparison of its own position.
        XCTAssertEqual(
            terms(LinearTarget([Term(index: 0, weight: 1), Term(index: 3, weight: 1)]), choices: 2),
            [
                Term(index: 0, weight: 1), Term(index: 1, weight: -0.5), Term(index: 3, weight: 1),
                Term(index: 2, weight: -0.5),
            ])
        // What is not a number is far away; of equally near ones the first counts.
        XCTAssertEqual(terms(LinearTarget(output: 0), [1, .nan, 9, 9])[1].index, 2)
        // A model with one output has nothing to compare it with.
        XCTAssertEqual(terms(LinearTarget(output: 0), [1], choices: 1), [Term(index: 0, weight: 1)])
    }

    // MARK: ShapleyCAM

    /// The score of ``HandNetwork``, s = c . A = 14, is linear. For s^2 / 2, H A = c s is the gradient itself, so that
    /// half of Grad-CAM's map is left. For s^3 / 3, H A = 2 s^2 c, which leaves nothing.
    func testShapleyCAM_ofPowersOfTheScore_equalsHandComputedMap() throws {
        let target = [LinearTarget(output: 0), LinearTarget([.init(index: 0, weight: 2)])]
        let first = try context(target, outputs: HandNetwork.score)
        assertEqual(ShapleyCAM().maps(of: first).array, [0.5, 1, 1, 2.5, 1, 2, 2, 5])
        let second = try context(target) { features in
            let score = HandNetwork.score(features)
            return (score * score).scaled(by: 0.5)
        }
        assertEqual(ShapleyCAM().maps(of: second).array, [3.5, 7, 7, 17.5, 7, 14, 14, 35], within: 5e-3)
        let third = try context(target) { features in
            let score = HandNetwork.score(features)
            return (score * score * score).scaled(by: 1 / 3)
        }
        assertEqual(GradCAM().maps(of: third).row(0).array, [98, 196, 196, 490], within: 1e-3)
        assertEqual(ShapleyCAM().maps(of: third).array, [Float](repeating: 0, count: 8), within: 0.1)
    }

    /// With ReLUs behind the layer, the score is piecewise linear: Grad-CAM. Two of the corners lie so close to the
    /// score, 14, that the difference passes them.
    func testShapleyCAM_ofAPiecewiseLinearHead_isGradCAM() throws {
        for corner in [0, 13.999, 14.001] as [Float] {
            let context = try context([LinearTarget(output: 0), LinearTarget(output: 2)]) { features in
                let scores = self.fourScores(features)
                return scores + (scores - Variable(Tensor(scores.shape, repeating: corner))).activated(.relu)
            }
            assertEqual(ShapleyCAM().maps(of: context).array, GradCAM().maps(of: context).array)
        }
    }

    /// A . (H A) is the second derivative of the score along A, which values alone give, too. The decoder is an LSTM
    /// over the image's mean, without a ReLU.
    func testShapleyCAM_ofACaptioner_hasTheSecondDerivativeOfTheScore() throws {
        let captioner = try Captioner.load(Fixture.url("toy-show-and-tell"))
        let image = try EncodedImage(captioner.toyImage(index: 0), by: captioner.modelEncoder)
        let outputs = try WordOutputs(captioner, kind: .logProbability)
        let words = try captioner.words(of: "a circle and something red").words.indices
        let head = ModelHead(name: "words") { outputs($0, words: words).reshaped([$0.shape[0], -1]) }
        let vocabulary = captioner.vocabulary.count
        let context = AttributionContext(
            image, head: head,
            targets: [1, 4].map { LinearTarget(output: $0 * vocabulary + words[$0]) })
        let a = context.activations.array, shape = context.activations.shape
        func scaled(_ factor: Float) -> Tensor { Tensor(shape, a.map { factor * $0 }) }
        let moved = context.gradients(atActivations: [scaled(1 + ShapleyCAM.step), scaled(1 - ShapleyCAM.step)])
        let step: Float = 1 / 16
        let values = [1 + step, 1, 1 - step].map { context.values(ofActivations: scaled($0)).array }
        for s in 0..<context.count {
            let products = zip(moved[0].row(s).array, moved[1].row(s).array).map { ($0 - $1) / (2 * ShapleyCAM.step) }
            let found = zip(a, products).reduce(0) { $0 + $1.0 * $1.1 }
            let expected = (values[0][s] - 2 * values[1][s] + values[2][s]) / (step * step)
            XCTAssertGreaterThan(abs(expected), 0.01)
            XCTAssertEqual(found, expected, accuracy: 0.02 * abs(expected) + 1e-3, "target \(s)")
        }
    }

    // MARK: RefineCAM

    /// (4, 2, 0, -1) becomes (1, 1/2, 0, 0), and (1, 4) becomes (0, 1), enlarged (0, 1/4, 3/4, 1).
    func testRefineCAM_ofTwoLayers_isTheProductOfTheirMaps() throws {
        let fine = Tensor([1, 1, 4], [4, 2, 0, -1]), coarse = Tensor([1, 1, 2], [1, 4])
        let fused = try XCTUnwrap(RefineCAM().fuse([fine, coarse]))
        XCTAssertEqual(fused.shape, [1, 1, 4])
        assertEqual(fused.array, [0, 0.125, 0, 0])
        // A layer that says nothing, or the same everywhere, leaves nothing.
        for empty in [[-1, -2] as [Float], [3, 3]] {
            assertEqual(try XCTUnwrap(RefineCAM().fuse([fine, Tensor([1, 1, 2], empty)])).array, [0, 0, 0, 0])
        }
        XCTAssertNil(RefineCAM().fuse([]))
    }

    func testRefineCAM_ofOneLayer_isItsBaseWithAWarning() throws {
        let context = try HandNetwork.context()
        assertEqual(try RefineCAM().maps(of: context).array, GradCAMPlusPlus().maps(of: context).array)
        let warnings = context.takeWarnings()
        XCTAssertEqual(warnings.count, 2)
        XCTAssertTrue(warnings.allSatisfy { $0.count == 1 && $0[0].contains("give several --layer") }, "\(warnings)")
    }
}
