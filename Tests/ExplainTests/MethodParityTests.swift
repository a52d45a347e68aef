import Explain
import Tasks
import Tensors
import Vision
import XCTest

/// Every method that pytorch-grad-cam 1.5.7 or captum 0.9.0 has, against what they draw of the same networks
/// (Fixtures/methods.py), before their post-processing.
final class MethodParityTests: XCTestCase {
    /// Sums of single precision in another order, against the fixture's double precision.
    private static let rounding: Float = 5e-6

    func testParityNetworks_onTheirImages_giveTheFixturesLogits() throws {
        let fixture = try ParityFixture.load()
        XCTAssertEqual(fixture.logits.keys.sorted(), ["chain", "perceptron", "residual"])
        for (name, expected) in fixture.logits {
            let logits = try XCTUnwrap(ParityNetwork.named(name)).logits
            XCTAssertEqual(logits.shape, [1, ParityNetwork.classes])
            for (a, b) in zip(logits.array, expected) { XCTAssertEqual(a, b, accuracy: Self.rounding, name) }
        }
    }

    // MARK: Layers

    func testLayerGradientMethods_ofEveryRecord_matchPytorchGradCAMAndCaptum() throws {
        let fixture = try ParityFixture.load()
        for method in [GradCAM(), GradCAMPlusPlus(), HiResCAM(), LayerCAM(), XGradCAM()] as [any ExplanationMethod] {
            for record in fixture.records("pytorch-grad-cam", method.name) {
                try check(method, record, tolerance: Self.rounding)
            }
        }
        for record in fixture.records("captum", "grad-cam") {
            try check(GradCAM(), record, tolerance: Self.rounding)
        }
    }

    /// A singular vector has no sign: the tool's is chance, ours is fixed.
    func testEigenCAM_ofEveryRecord_matchesPytorchGradCAMUpToTheSign() throws {
        for record in try ParityFixture.load().records("pytorch-grad-cam", "eigen-cam") {
            let map = try map(EigenCAM(), of: record)
            let agreement = zip(map.array, record.values).reduce(0) { $0 + $1.0 * $1.1 }
            record.check(map.array.map { agreement < 0 ? -$0 : $0 }, shape: map.shape, tolerance: Self.rounding)
        }
    }

    /// The tool divides by the score, ours by its magnitude. The score without a channel is close to the score, so that
    /// their difference has fewer digits.
    func testAblationCAM_ofEveryRecord_matchesPytorchGradCAM() throws {
        let fixture = try ParityFixture.load()
        for record in fixture.records("pytorch-grad-cam", "ablation-cam") {
            let map = try map(AblationCAM(), of: record)
            let score = try XCTUnwrap(fixture.logits[record.network])[record.class]
            record.check(map.array.map { score < 0 ? -$0 : $0 }, shape: map.shape, tolerance: 4 * Self.rounding)
        }
    }

    func testScoreCAM_ofEveryRecord_matchesPytorchGradCAM() throws {
        for record in try ParityFixture.load().records("pytorch-grad-cam", "score-cam") {
            try check(ScoreCAM(), record, tolerance: Self.rounding)
        }
    }

    // MARK: Pixels

    func testPixelGradientMethods_ofEveryRecord_matchCaptum() throws {
        let fixture = try ParityFixture.load()
        for method in [ImageGradient(), GuidedBackpropagation(), Deconvnet()] as [any ExplanationMethod] {
            for record in fixture.records("captum", method.name) {
                try check(method, record, tolerance: Self.rounding)
            }
        }
        for record in fixture.records("captum", "gradient-x-input") {
            try check(GradientTimesInput(), record, tolerance: Self.rounding)
        }
    }

    func testGuidedGradCAM_ofEveryRecord_matchesCaptum() throws {
        for record in try ParityFixture.load().records("captum", "guided-grad-cam", "bilinear") {
            try check(GuidedGradCAM(), record, tolerance: Self.rounding)
        }
    }

    /// With the samples, the noise and the seed of the fixture, which has rebuilt our generator.
    func testSmoothGrad_withTheFixturesNoise_matchesCaptum() throws {
        for record in try ParityFixture.load().records("captum", "smoothgrad") {
            try check(SmoothGrad(samples: 8, noise: 0.15, seed: 3), record, tolerance: Self.rounding)
        }
    }

    func testIntegratedGradients_fromTheMean_matchCaptum() throws {
        for record in try ParityFixture.load().records("captum", "integrated-gradients", "midpoint") {
            try check(IntegratedGradients(steps: 32, baseline: .mean), record, tolerance: Self.rounding)
        }
    }

    func testOcclusion_ofEveryRecord_matchesCaptum() throws {
        for record in try ParityFixture.load().records("captum", "occlusion") {
            try check(Occlusion(window: 4, stride: 3, fill: .mean), record, tolerance: 4 * Self.rounding)
        }
    }

    // MARK: Comparing

    private func map(_ method: any ExplanationMethod, of record: ParityRecord) throws -> Tensor {
        try XCTUnwrap(ParityNetwork.named(record.network)).map(method, of: record)
    }

    private func check(
        _ method: any ExplanationMethod, _ record: ParityRecord, tolerance: Float, file: StaticString = #filePath,
        line: UInt = #line
    ) throws {
        let map = try map(method, of: record)
        record.check(map.array, shape: map.shape, tolerance: tolerance, file: file, line: line)
    }
}
