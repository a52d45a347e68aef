import Foundation
import Tensors
import TestSupport
import XCTest

@testable import Explain

/// Finer-CAM, ShapleyCAM and RefineCAM against pytorch-grad-cam 1.5.7 and torch-cam 0.5.0 (Fixtures/newer-methods.py).
final class NewerMethodsParityTests: XCTestCase {
    private static let rounding: Float = 5e-6

    private func records(_ tool: String, _ method: String, _ step: String) throws -> [ParityRecord] {
        try ParityFixture.load("newer-methods.json").records(tool, method, step)
    }

    private func check(
        _ method: any ExplanationMethod, _ record: ParityRecord, network: ParityNetwork? = nil,
        comparison: TargetComparison? = nil, tolerance: Float, line: UInt = #line
    ) throws {
        let network = try XCTUnwrap(network ?? ParityNetwork.named(record.network))
        let map = try network.map(method, of: record, comparison: comparison)
        record.check(map.array, shape: map.shape, tolerance: tolerance, line: line)
    }

    func testFinerCAM_ofEveryRecord_matchesTorchCAMAndPytorchGradCAM() throws {
        for (count, weight) in [(3, 0.6), (1, 1.0), (2, 0.25)] as [(Int, Float)] {
            for record in try records("torch-cam", "finer-cam", "\(count) comparisons, weight \(weight)") {
                let comparison = TargetComparison(count: count, weight: weight)
                try check(FinerCAM(comparison), record, tolerance: Self.rounding)
                try check(GradCAM(), record, comparison: comparison, tolerance: Self.rounding)
            }
        }
        for record in try records("torch-cam", "finer-cam", "layercam") {
            try check(FinerCAM(base: LayerCAM()), record, tolerance: Self.rounding)
            try check(LayerCAM(), record, comparison: TargetComparison(), tolerance: Self.rounding)
        }
        // The tool adds 1e-9 to the comparisons' probability, which may be as small as 4e-6.
        for record in try records("pytorch-grad-cam", "finer-cam", "1 comparisons, weight 0.6") {
            try check(FinerCAM(TargetComparison(count: 1)), record, tolerance: 5e-4)
        }
    }

    /// The second derivatives are differences of gradients in single precision, the tool's are exact. The largest
    /// difference, 2.8e-3, is that of a class with a probability near 1, whose map is 1/86 of that of its score.
    func testShapleyCAM_ofEveryRecord_matchesPytorchGradCAM() throws {
        for record in try records("pytorch-grad-cam", "shapley-cam", "logit") {
            try check(ShapleyCAM(), record, tolerance: Self.rounding)
        }
        for record in try records("pytorch-grad-cam", "shapley-cam", "log-probability") {
            let network = try XCTUnwrap(ParityNetwork.named(record.network)).ofLogProbabilities
            try check(ShapleyCAM(), record, network: network, tolerance: 4e-3)
        }
    }

    func testRefineCAM_ofEveryRecord_matchesTorchCAM() throws {
        for base in [GradCAM(), LayerCAM()] as [any ExplanationMethod] {
            for record in try records("torch-cam", "refine-cam", base.name) {
                try check(RefineCAM(base: base), record, tolerance: Self.rounding)
            }
        }
    }

    /// The tool enlarges each layer's map to the image before it brings it to 0...1, and brings the product to 0...1.
    func testRefineCAM_ofEnlargedMaps_matchesPytorchGradCAM() throws {
        for record in try records("pytorch-grad-cam", "refine-cam", "grad-cam++") {
            let network = try XCTUnwrap(ParityNetwork.named(record.network))
            let maps = try XCTUnwrap(record.layer).split(separator: "+").map { layer -> Tensor in
                let map = try network.map(GradCAMPlusPlus(), class: record.class, layer: String(layer))
                let positive = Tensor(map.shape, map.array.map { max(0, $0) })
                return Tensor(
                    [1] + record.shape, positive.enlarged(height: record.shape[0], width: record.shape[1]))
            }
            let product = try XCTUnwrap(RefineCAM().fuse(maps))
            record.check(RefineCAM.unit(product.array), shape: record.shape, tolerance: 4 * Self.rounding)
        }
    }
}

extension ParityNetwork {
    /// The same network with log-probabilities for logits: a head whose second derivatives are not 0.
    fileprivate var ofLogProbabilities: ParityNetwork {
        let head = head
        return ParityNetwork(
            name: name, encoder: encoder, head: { head($0).logSoftmax() }, isPooledLinear: false, image: image)
    }

    /// The map of one class over one layer.
    fileprivate func map(_ method: any ExplanationMethod, class index: Int, layer: String) throws -> Tensor {
        let explainer = try Explainer(self, options: ExplanationOptions(layers: [layer], methods: [method]))
        return try explainer.explain(explainer.encode(image), input: (), targets: [index]).targets[0].attributions[0]
            .map
    }
}
