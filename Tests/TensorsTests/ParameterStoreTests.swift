import XCTest

@testable import Tensors

final class ParameterStoreTests: XCTestCase {
    func testNewParameters_ofEachInitialization_haveItsDistribution() {
        let store = ParameterStore(seed: 3)
        let p = store.scope()["layer"]["0"]
        XCTAssertEqual(p("zeros", shape: [2], initial: .zeros).value.array, [0, 0])
        XCTAssertEqual(p("ones", shape: [2], initial: .ones).value.array, [1, 1])
        XCTAssertEqual(p("constant", shape: [1], initial: .constant(2.5)).value.array, [2.5])
        let uniform = p("uniform", shape: [10_000], initial: .uniform(0.5)).value.array
        XCTAssertLessThanOrEqual(uniform.map(abs).max() ?? 1, 0.5)
        XCTAssertGreaterThan(uniform.map(abs).max() ?? 0, 0.49)
        let normal = p("normal", shape: [10_000], initial: .normal(2)).value.array
        let variance = normal.reduce(0) { $0 + Double($1 * $1) } / 10_000
        // Five standard deviations of the estimated variance, 4 sqrt(2 / n).
        XCTAssertEqual(variance, 4, accuracy: 5 * 4 * 0.01414)
        XCTAssertEqual(store.order.first, "layer.0.zeros")
        XCTAssertNoThrow(try store.checkComplete())
    }

    func testNewParameters_fromASeed_areReproducible() {
        func values(_ seed: UInt64) -> [Float] {
            ParameterStore(seed: seed).scope()("w", shape: [50], initial: .normal(1)).value.array
        }
        XCTAssertEqual(values(7), values(7))
        XCTAssertNotEqual(values(7), values(8))
    }

    /// The error names everything that does not fit.
    func testStrictLoading_ofAFileThatDoesNotFit_namesEveryProblem() throws {
        let file = ["a.weight": Tensor([2, 3]), "a.bias": Tensor([5]), "extra": Tensor([1])]
        let store = ParameterStore(strict: file, origin: "model.safetensors")
        let p = store.scope()["a"]
        XCTAssertTrue(p.contains("weight"))
        XCTAssertFalse(p.contains("gamma"))
        _ = p("weight", shape: [2, 3], initial: .zeros)
        _ = p("bias", shape: [2], initial: .zeros)
        _ = p("gamma", shape: [2], initial: .zeros)
        XCTAssertThrowsError(try store.checkComplete()) { error in
            let error = error as? ParameterError
            XCTAssertEqual(error?.missing, ["a.gamma"])
            XCTAssertEqual(error?.unused, ["extra"])
            XCTAssertEqual(error?.misshapen, ["a.bias (expected [2], found [5])"])
            let text = error?.description ?? ""
            for part in ["model.safetensors", "a.gamma", "extra", "[5]"] { XCTAssertTrue(text.contains(part), text) }
        }
        let fits = ParameterStore(strict: ["w": Tensor([2])], origin: "x")
        _ = fits.scope()("w", shape: [2], initial: .zeros)
        XCTAssertNoThrow(try fits.checkComplete())
    }

    func testParameterError_withManyNames_isShortened() {
        let names = (0..<30).map { "p\($0)" }
        let text = ParameterError(origin: "m", missing: names).description
        XCTAssertTrue(text.contains("30 missing") && text.contains("..."), text)
        XCTAssertLessThan(text.count, 120)
    }

    /// OIHW in the file, OHWI in memory, and back.
    func testConvolutionWeight_loadedAndSaved_keepsTheFileLayout() {
        let values = (0..<2 * 3 * 2 * 2).map { Float($0) }
        let store = ParameterStore(strict: ["w": Tensor([2, 3, 2, 2], values)], origin: "x")
        let weight = store.scope()("w", shape: [2, 3, 2, 2], layout: .convolution, initial: .zeros).value
        XCTAssertEqual(weight.shape, [2, 2, 2, 3])
        XCTAssertEqual(weight[1, 0, 1, 2], values[((1 * 3 + 2) * 2 + 0) * 2 + 1])
        let saved = store.stateDictionary()["w"]
        XCTAssertEqual(saved?.shape, [2, 3, 2, 2])
        XCTAssertEqual(saved?.array, values)
    }

    func testScope_onATape_recordsTrainableParametersOnce() {
        let store = ParameterStore(seed: 1)
        let tape = Tape()
        let p = store.scope(on: tape) { !$0.hasPrefix("frozen") }
        let w = p("w", shape: [2], initial: .ones)
        XCTAssertTrue(w.isRecorded)
        XCTAssertFalse(p["frozen"]("w", shape: [2], initial: .ones).isRecorded)
        XCTAssertFalse(p.training { _ in false }("other", shape: [2], initial: .ones).isRecorded)
        XCTAssertEqual(Set(store.leaves.keys), ["w"])
        // A parameter that is requested twice (shared weights) is one leaf, so the gradients of both uses add up.
        let again = p("w", shape: [2], initial: .ones)
        let y = w + again
        XCTAssertEqual(tape.gradients(of: y, withRespectTo: [w])[0].array, [2, 2])
        XCTAssertFalse(p.isInference)
        XCTAssertTrue(store.scope().isInference)
        // A new tape starts with new leaves.
        _ = store.scope(on: Tape())
        XCTAssertTrue(store.leaves.isEmpty)
    }

    func testOwned_withPartOfABlock_isACopy() {
        let store = ParameterStore(seed: 1)
        _ = store.scope()("w", shape: [2], initial: .ones)
        store.set("w", Tensor([2], [5, 6]))
        XCTAssertEqual(store.scope()("w", shape: [2], initial: .zeros).value.array, [5, 6])
        // A part of a larger block is not the parameter's own memory.
        let block = Tensor([4], [1, 2, 3, 4])
        store.set("w", block.rows(1..<3))
        let owned = store.owned("w")
        owned?.pointer[0] = 9
        XCTAssertEqual(block.array, [1, 2, 3, 4])
        XCTAssertEqual(store.values["w"]?.array, [9, 3])
        XCTAssertNil(store.owned("nothing"))
    }

    /// Running statistics move a tenth of the way, with the unbiased variance (PyTorch's momentum of 0.1).
    func testObserve_ofABatch_movesRunningStatisticsByATenth() {
        let store = ParameterStore(seed: 1)
        let p = store.scope()["bn"]
        _ = p.buffer("running_mean", shape: [1], initial: .zeros)
        _ = p.buffer("running_var", shape: [1], initial: .ones)
        p.observe(mean: Tensor([1], [10]), variance: Tensor([1], [3]), count: 4)
        XCTAssertEqual(store.values["bn.running_mean"]?.scalar ?? 0, 1, accuracy: 1e-6)
        XCTAssertEqual(store.values["bn.running_var"]?.scalar ?? 0, 0.9 + 0.1 * 4, accuracy: 1e-6)
    }
}
