import Foundation
import Tasks
import Tensors
import Vision
import XCTest

@testable import Explain

/// Each method on ``HandNetwork``, computed on paper.
final class MethodsByHandTests: XCTestCase {
    private func assertMap(
        _ method: any ExplanationMethod, _ expected: [Float], doubled: [Float]? = nil, line: UInt = #line
    ) throws {
        let maps = try method.maps(of: HandNetwork.context())
        XCTAssertEqual(maps.shape, [2, 2, 2], line: line)
        let second = doubled ?? expected.map { 2 * $0 }
        for (found, wanted) in zip(maps.array, expected + second) {
            XCTAssertEqual(found, wanted, accuracy: 1e-5, "\(method.name) \(maps.array)", line: line)
        }
    }

    func testContext_ofTheHandNetwork_hasItsValuesAndDerivatives() throws {
        let context = try HandNetwork.context()
        XCTAssertEqual(context.values, [14, 28])
        XCTAssertEqual(context.activations.array, [1, 0, 0, 1, 2, 0, 1, 2])
        XCTAssertEqual(context.gradients.array, HandNetwork.gradient + HandNetwork.gradient.map { 2 * $0 })
        XCTAssertEqual(context.values(ofImages: context.pixels).array, [14, 28])
        let two = Tensor([2, 2, 2, 2], context.activations.array + [1, 1, 1, 1, 1, 1, 1, 1])
        XCTAssertEqual(context.values(ofActivations: two).array, [14, 28, 6, 12])
    }

    /// alpha = (1 - 1 + 3 - 1, 2 + 0 - 2 + 4) / 4 = (0.5, 1).
    func testGradCAM_ofTheHandNetwork_equalsHandComputedMap() throws { try assertMap(GradCAM(), [0.5, 1, 1, 2.5]) }

    func testHiResCAM_ofTheHandNetwork_equalsHandComputedMap() throws { try assertMap(HiResCAM(), [1, 0, 6, 7]) }

    /// In the last cell -1 x 1 is left out.
    func testLayerCAM_ofTheHandNetwork_equalsHandComputedMap() throws { try assertMap(LayerCAM(), [1, 0, 6, 8]) }

    /// The channels sum to 4 and 3: w = ((1 + 6 - 1) / 4, 8 / 3).
    func testXGradCAM_ofTheHandNetwork_equalsHandComputedMap() throws {
        try assertMap(XGradCAM(), [1.5, 8 / 3, 3, 1.5 + 16 / 3])
    }

    /// w_0 = 1 / (2 + 4) + 9 / (18 + 4 x 27) x 3 = 8 / 21,
    /// w_1 = 4 / (8 + 3 x 8) x 2 + 16 / (32 + 3 x 64) x 4 = 15 / 28.
    /// With 2 g: w_0 = 4 / (8 + 4 x 8) x 2 + 36 / (72 + 4 x 216) x 6 = 0.2 + 3 / 13,
    /// w_1 = 16 / (32 + 3 x 64) x 4 + 64 / (128 + 3 x 512) x 8.
    func testGradCAMPlusPlus_ofTheHandNetwork_equalsHandComputedMap() throws {
        let w = (8 / 21, 15 / 28) as (Float, Float), v = (0.2 + 3 / 13, 2 / 7 + 4 / 13) as (Float, Float)
        try assertMap(
            GradCAMPlusPlus(), [w.0, w.1, 2 * w.0, w.0 + 2 * w.1], doubled: [v.0, v.1, 2 * v.0, v.0 + 2 * v.1])
    }

    /// Without channel 0 the score is 14 - 6, without channel 1 it is 14 - 8; as parts of 14.
    func testAblationCAM_ofTheHandNetwork_equalsHandComputedMap() throws {
        let map: [Float] = [3 / 7, 4 / 7, 6 / 7, 11 / 7]
        try assertMap(AblationCAM(), map, doubled: map)
    }

    /// Under the mask (0.5, 0, 1, 0.5) of channel 0 the score is 0.5 + 0 + 6 + (-0.5 + 4) = 10; under (0, 0.5, 0, 1) it
    /// is 7.
    func testScoreCAM_ofTheHandNetwork_equalsHandComputedMap() throws {
        func map(_ difference: Float) -> [Float] {
            let a = 1 / (1 + exp(-difference)), b = 1 - a
            return [a, b, 2 * a, a + 2 * b]
        }
        try assertMap(ScoreCAM(), map(3), doubled: map(6))
    }

    /// Less their means the cells are (0, -0.75), (-1, 0.25), (1, -0.75), (0, 1.25). X^T X = (2, -1; -1, 2.75) has the
    /// larger eigenvalue lambda = (4.75 + sqrt 4.5625) / 2 with eigenvector (-1, lambda - 2), whose map grows with the
    /// cells' sums.
    func testEigenCAM_ofTheHandNetwork_isTheFirstPrincipalComponent() throws {
        let lambda = (4.75 + Float(4.5625).squareRoot()) / 2, length = (1 + (lambda - 2) * (lambda - 2)).squareRoot()
        let (a, b) = (-1 / length, (lambda - 2) / length)
        let map = [-0.75 * b, -a + 0.25 * b, a - 0.75 * b, 1.25 * b]
        try assertMap(EigenCAM(), map, doubled: map)
    }

    func testActivationSum_ofTheHandNetwork_isTheChannelsSumForEveryTarget() throws {
        try assertMap(ActivationSum(), [1, 1, 2, 3], doubled: [1, 1, 2, 3])
    }

    func testModelAttention_ofTwoTargets_asksTheHeadForEachTarget() throws {
        let context = try HandNetwork.context { Tensor([2, 2], [0, $0.terms[0].weight - 1, 0.5, 0.5]) }
        XCTAssertEqual(try ModelAttention().maps(of: context).array, [0, 0, 0.5, 0.5, 0, 1, 0.5, 0.5])
    }

    /// Back through the ReLUs that were active: (1, 0, 0), 0, (3, 0, 0), (-1, 4, -4).
    func testGradientMethods_atThePixels_equalHandComputedMaps() throws {
        try assertMap(ImageGradient(), [1, 0, 3, 4])
        try assertMap(GradientTimesInput(), [1, 0, 6, 7])
        try assertMap(SmoothGrad(samples: 3, noise: 0), [1, 0, 3, 4])
        let gradient: [Float] = [1, 0, 0, 0, 0, 0, 3, 0, 0, -1, 4, -4]
        XCTAssertEqual(try Array(ImageGradient().attributions(of: HandNetwork.context()).array.prefix(12)), gradient)
    }

    /// Guided: what is positive, where the ReLU was active; deconvnet: what is positive.
    func testGuidedBackpropagationAndDeconvnet_atThePixels_equalHandComputedMaps() throws {
        let context = try HandNetwork.context()
        XCTAssertEqual(
            Array(GuidedBackpropagation().attributions(of: context).array.prefix(12)),
            [1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4, -4])
        XCTAssertEqual(
            Array(Deconvnet().attributions(of: context).array.prefix(12)), [1, 2, -2, 0, 0, 0, 3, 0, 0, 0, 4, -4])
        try assertMap(GuidedBackpropagation(), [1, 0, 3, 4])
        try assertMap(Deconvnet(), [2, 0, 3, 4])
        // Times Grad-CAM's 0.5, 1, 1, 2.5.
        try assertMap(GuidedGradCAM(), [0.5, 0, 3, 10], doubled: [2, 0, 12, 40])
    }

    /// From 0 on the network is linear along the line to the image: x dy / dx. From black, (-2, -1, -0.5), whose score
    /// is 0, each pixel passes kinks.
    func testIntegratedGradients_fromTheMeanAndFromBlack_equalHandComputedMaps() throws {
        try assertMap(IntegratedGradients(steps: 4, baseline: .mean), [1, 0, 6, 7])
        let context = try HandNetwork.context()
        let map = try IntegratedGradients(steps: 600).maps(of: context).row(0).array
        // The first pixel's A_0 rises from t = 2/3 on: 3 x 1/3 = 1.
        for (found, wanted) in zip(map, [1, 0, 6, 7] as [Float]) { XCTAssertEqual(found, wanted, accuracy: 0.03) }
        XCTAssertEqual(context.takeWarnings(), [[], []])
        _ = IntegratedGradients(steps: 1).attributions(of: context)
        let warning = try XCTUnwrap(context.takeWarnings()[0].first)
        XCTAssertTrue(warning.contains("not to the score's change from the baseline, 14"), warning)
    }

    /// Each pixel hidden by itself takes its own part of the sum away; a window of 2 with a step of 1 hides several.
    func testOcclusion_withSeveralWindows_equalsHandComputedMaps() throws {
        try assertMap(Occlusion(window: 1, stride: 1), [1, 0, 6, 7])
        // One window hides all: every pixel has the whole score.
        try assertMap(Occlusion(window: 2, stride: 2), [14, 14, 14, 14])
        // Windows of three columns from columns 0 and 2; the second one is cut off at the edge.
        let context = try HandNetwork.context(
            image: Tensor([1, 1, 4, 3], [1, 0, 0, 0, 1, 0, 2, 0, 0, 1, 3, 1]))
        let map = Occlusion(window: 3, stride: 2).maps(of: context).row(0)
        XCTAssertEqual(map.shape, [1, 4])
        // {0, 1, 2} costs 7 and {2, 3} costs 13.
        XCTAssertEqual(map.array, [7, 7, 10, 13])
    }

    /// A pixel of the right half makes no difference to a score that only sees the left.
    func testRISE_ofAScoreThatSeesTheLeftHalf_isLargeThereAlone() throws {
        let encoder = Encoder(stages: [.init(name: "front", channels: 3, stride: 1) { $0 }])
        let left = Variable(Tensor([1, 192], (0..<192).map { $0 / 3 % 8 < 4 ? 1 : 0 }))
        let context = try HandNetwork.context(
            encoder, image: Tensor([1, 8, 8, 3], repeating: 1),
            head: ModelHead(name: "left") { linear($0.reshaped([$0.shape[0], 192]), left) })
        let map = RISE(masks: 4000, cells: 4, seed: 3).maps(of: context).row(0)
        XCTAssertEqual(map.shape, [8, 8])
        let middles = map.array.enumerated().filter { [1, 2, 5, 6].contains($0.offset % 8) }
        let (inside, outside) = (
            middles.filter { $0.offset % 8 < 4 }.map(\.element), middles.filter { $0.offset % 8 > 4 }.map(\.element)
        )
        XCTAssertGreaterThan(inside.min() ?? 0, 2 * (outside.map(abs).max() ?? 0), "\(map.array)")
        func short(_ seed: UInt64) -> [Float] { RISE(masks: 50, cells: 4, seed: seed).maps(of: context).array }
        XCTAssertEqual(short(3), short(3))
        XCTAssertNotEqual(short(3), short(4))
    }

    /// tanh(2 M / max M); (1, 4) enlarged to four cells; the larger one at each.
    func testLayerFusion_ofThreeLayers_isTheLargestScaledValue() {
        let fused = LayerFusion.fuse([
            Tensor([1, 1, 4], [4, 2, 0, -1]), Tensor([1, 1, 2], [1, 4]), Tensor([1, 1, 1], [-3]),
        ])
        XCTAssertEqual(fused.shape, [1, 1, 4])
        let (a, b) = (tanh(Float(0.5)), tanh(Float(2)))
        let expected = [b, max(tanh(1), 0.75 * a + 0.25 * b), 0.25 * a + 0.75 * b, b]
        for (found, wanted) in zip(fused.array, expected) { XCTAssertEqual(found, wanted, accuracy: 1e-6) }
    }

    func testCAMAndModelAttention_ofAHeadWithoutEither_throw() {
        for method in [CAM(), ModelAttention()] as [any ExplanationMethod] {
            XCTAssertThrowsError(try method.maps(of: HandNetwork.context())) {
                XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
                XCTAssertTrue("\($0)".contains("\(method.name)") && "\($0)".contains("sum"), "\($0)")
            }
        }
    }

    // MARK: The table

    func testMethodsNamed_ofEveryNameAndOfUnknownNames_findsOrThrows() throws {
        let names = Methods.all().map(\.name)
        XCTAssertEqual(Set(names).count, names.count)
        XCTAssertEqual(
            Set(names),
            [
                "gradient", "gradient-x-input", "smoothgrad", "integrated-gradients", "deconvnet",
                "guided-backpropagation", "cam", "grad-cam", "centred-grad-cam", "gated-grad-cam", "guided-grad-cam",
                "grad-cam++", "hirescam", "layercam", "xgrad-cam", "eigen-cam", "score-cam", "ablation-cam",
                "occlusion", "rise",
                "attention", "activation", "finer-cam", "shapley-cam", "refine-cam",
            ])
        for name in names {
            let other = name.uppercased().replacingOccurrences(of: "-", with: "_")
            XCTAssertEqual(try Methods.named(other).name, name)
        }
        for (wrong, near) in [("hirescan", "hirescam"), ("xyzzy", "there are grad-cam, ")] {
            XCTAssertThrowsError(try Methods.named(wrong)) {
                XCTAssertEqual(($0 as? ExplanationError)?.kind, .unknownMethod)
                XCTAssertTrue("\($0)".contains("'\(wrong)'") && "\($0)".contains(near), "\($0)")
            }
        }
    }
}
