import Drawing
import Tensors
import XCTest

@testable import Explain

/// What `--compat` makes of our maps, against what the tools themselves return (Fixtures/methods.py).
final class CompatibilityParityTests: XCTestCase {
    /// Single precision, and what the tools add to denominators (1e-7, 1e-8 or nothing) against our 1e-7.
    private static let tolerance: Float = 1e-5

    func testPytorchGradCAM_ofGradCAMAndEigenCAM_matchesTheTool() throws {
        let fixture = try ParityFixture.load()
        for record in fixture.records("pytorch-grad-cam", "grad-cam", "final") {
            try check(.pytorchGradCAM, GradCAM(), record)
        }
        // Its sign is chance: what the tool has drawn is that of its raw map.
        let raw = fixture.records("pytorch-grad-cam", "eigen-cam")
        for record in fixture.records("pytorch-grad-cam", "eigen-cam", "final") {
            let own = try XCTUnwrap(
                raw.first {
                    $0.network == record.network && $0.layer == record.layer && $0.class == record.class
                })
            let map = try map(EigenCAM(), of: record)
            let agreement = zip(map.array, own.values).reduce(0) { $0 + $1.0 * $1.1 }
            check(.pytorchGradCAM, Tensor(map.shape, map.array.map { agreement < 0 ? -$0 : $0 }), "eigen-cam", record)
        }
    }

    func testCaptum_ofGradCAM_matchesTheTool() throws {
        for record in try ParityFixture.load().records("captum", "grad-cam", "final") {
            try check(.captum, GradCAM(), record)
        }
    }

    func testRamprs_ofGradCAM_matchesTheTool() throws {
        for record in try ParityFixture.load().records("ramprs", "grad-cam", "final") {
            try check(.ramprs, GradCAM(), record)
        }
    }

    /// At the layers' own resolution, where the tool's call ends, and enlarged as its `overlay_mask` does.
    func testTorchCAM_ofItsMethods_matchesTheTool() throws {
        let fixture = try ParityFixture.load()
        for method in [GradCAM(), XGradCAM(), LayerCAM()] as [any ExplanationMethod] {
            for record in fixture.records("torch-cam", method.name, "final") where !record.hasSeveralLayers {
                try check(.torchCAM, method, record)
            }
        }
        for record in fixture.records("torch-cam", "grad-cam", "overlaid") { try check(.torchCAM, GradCAM(), record) }
        // The one method of the tool that keeps what speaks against the class.
        for record in fixture.records("torch-cam", "cam", "final") {
            let map = try map(CAM(), of: record)
            record.check(Normalisation.minmax(map.array).values, shape: map.shape, tolerance: Self.tolerance)
        }
    }

    /// Our fusion of several layers is torch-cam's where the layers' maps reach down to 0, as the fixture's do: it
    /// scales by the range, we by the maximum as the paper does.
    func testLayerFusion_ofLayerCAM_matchesTorchCAM() throws {
        let records = try ParityFixture.load().records("torch-cam", "layercam", "final").filter(\.hasSeveralLayers)
        XCTAssertEqual(records.map(\.network), ["chain", "residual"])
        for record in records {
            let map = try map(LayerCAM(), of: record)
            record.check(map.array, shape: map.shape, tolerance: Self.tolerance)
        }
    }

    /// Maps of several layers as the tools fuse them.
    func testFuse_ofSeveralLayers_matchesTheTool() throws {
        let fixture = try ParityFixture.load()
        for method in [GradCAM(), LayerCAM()] as [any ExplanationMethod] {
            let records = fixture.records("pytorch-grad-cam", method.name, "fused")
            XCTAssertEqual(records.map(\.network), ["chain", "residual"])
            for record in records {
                let network = try XCTUnwrap(ParityNetwork.named(record.network))
                let fused = try network.map(method, of: record, as: .pytorchGradCAM)
                XCTAssertEqual(fused.shape, record.shape)
                check(.pytorchGradCAM, fused, method.name, record)
            }
        }
        for record in fixture.records("torch-cam", "grad-cam", "fused") {
            let network = try XCTUnwrap(ParityNetwork.named(record.network))
            let fused = try network.map(GradCAM(), of: record, as: .torchCAM)
            record.check(fused.array, shape: fused.shape, tolerance: Self.tolerance)
        }
    }

    private func map(_ method: any ExplanationMethod, of record: ParityRecord) throws -> Tensor {
        try XCTUnwrap(ParityNetwork.named(record.network)).map(method, of: record)
    }

    private func check(_ tool: Compatibility, _ method: any ExplanationMethod, _ record: ParityRecord) throws {
        check(tool, try map(method, of: record), method.name, record)
    }

    private func check(_ tool: Compatibility, _ map: Tensor, _ method: String, _ record: ParityRecord) {
        let input = tool.input(tool.raw(map, method: method), height: record.shape[0], width: record.shape[1])
        record.check(input.array, shape: input.shape, tolerance: Self.tolerance)
    }
}
