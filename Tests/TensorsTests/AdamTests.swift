import XCTest

@testable import Tensors

final class AdamTests: XCTestCase {
    private func store(_ values: [String: Tensor]) -> ParameterStore {
        let store = ParameterStore(strict: values, origin: "a test")
        let parameters = store.scope()
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            _ = parameters(name, shape: value.shape, initial: .zeros)
        }
        return store
    }

    /// Six steps, clipped to a joint norm of 1, with and without weight decay.
    func testAdam_withClippingAndWeightDecay_matchesPyTorchFixture() throws {
        for (name, decay) in [("adam", Float(0)), ("adamW", 0.125)] {
            let one = try SequenceFixtures.load(name)
            let store = store(["a": try XCTUnwrap(one["a0"]), "b": try XCTUnwrap(one["b0"])])
            let adam = Adam(learningRate: 1 / 64, beta1: 0.875, beta2: 0.96875, epsilon: 1e-6, weightDecay: decay)
            var clipped = 0
            for step in 0..<6 {
                let a = try XCTUnwrap(one["ga\(step)"])
                let b = try XCTUnwrap(one["gb\(step)"])
                let norm = adam.step(store, gradients: ["a": seeded(a), "b": b], clipNorm: 1)
                XCTAssertEqual(Double(try XCTUnwrap(norm)), (dot(a, a) + dot(b, b)).squareRoot(), accuracy: 1e-5)
                if try XCTUnwrap(norm) > 1 { clipped += 1 }
                for p in ["a", "b"] {
                    let value = try XCTUnwrap(store.values[p])
                    let expected = try XCTUnwrap(one["\(p)\(step + 1)"])
                    XCTAssertLessThan(relativeError(value, expected), 1e-6, "\(name), step \(step), \(p)")
                }
            }
            XCTAssertTrue((1...5).contains(clipped), "the fixture has norms on either side of 1")
        }
    }

    /// The first step has the size of the learning rate and the opposite sign of the gradient, whatever its magnitude.
    func testAdam_afterOneStep_movesByTheLearningRate() {
        let store = store(["w": Tensor([3], [1, 1, 1]), "v": Tensor([1], [1])])
        let adam = Adam(learningRate: 0.25)
        adam.scale = { $0 == "v" ? 0.5 : 1 }
        XCTAssertNil(adam.step(store, gradients: ["w": Tensor([3], [1e-3, -100, 0]), "v": Tensor([1], [2])]))
        for (a, e) in zip(store.values["w"]?.array ?? [], [0.75, 1.25, 1] as [Float]) {
            XCTAssertEqual(a, e, accuracy: 1e-5)
        }
        XCTAssertEqual(store.values["v"]?.scalar ?? 0, 0.875, accuracy: 1e-6)
    }

    func testAdam_withoutAGradient_leavesTheParameter() {
        let store = store(["w": Tensor([1], [1]), "frozen": Tensor([1], [2])])
        Adam(learningRate: 1, weightDecay: 0.1).step(store, gradients: ["w": Tensor([1], [1]), "unknown": Tensor([7])])
        XCTAssertEqual(store.values["frozen"]?.array, [2])
        XCTAssertNotEqual(store.values["w"]?.array, [1])
    }

    /// A NaN in one gradient would reach every parameter through the norm. The step is skipped, and the returned norm
    /// shows it.
    func testAdam_withNaNInAGradient_skipsTheStep() {
        let store = store(["w": Tensor([2], [1, 2])])
        let adam = Adam(learningRate: 1)
        let norm = adam.step(store, gradients: ["w": Tensor([2], [1, .nan])], clipNorm: 1)
        XCTAssertEqual(norm?.isFinite, false)
        XCTAssertEqual(store.values["w"]?.array, [1, 2])
        XCTAssertEqual(adam.steps, 0)
    }

    func testAdam_restoredFromSavedState_continuesWithEqualValues() throws {
        func gradient(_ step: Int) -> [String: Tensor] { ["w": randomTensor([40], seed: UInt64(step))] }
        let start = randomTensor([40], seed: 99)
        let whole = store(["w": start.copy()])
        let adam = Adam(learningRate: 0.01, weightDecay: 0.1)
        for step in 0..<6 { adam.step(whole, gradients: gradient(step), clipNorm: 1) }
        let first = store(["w": start.copy()])
        let before = Adam(learningRate: 0.01, weightDecay: 0.1)
        for step in 0..<3 { before.step(first, gradients: gradient(step), clipNorm: 1) }
        let state = before.state.mapValues { $0.copy() }
        XCTAssertEqual(Set(state.keys), ["first.w", "second.w"])
        let second = store(first.stateDictionary().mapValues { $0.copy() })
        let after = Adam(learningRate: 0.01, weightDecay: 0.1)
        try after.restore(state: state, for: second, steps: before.steps)
        for step in 3..<6 { after.step(second, gradients: gradient(step), clipNorm: 1) }
        XCTAssertEqual(second.values["w"]?.array, whole.values["w"]?.array)
        XCTAssertEqual(after.steps, 6)
        after.reset()
        XCTAssertTrue(after.state.isEmpty)
        XCTAssertEqual(after.steps, 0)
    }

    func testAdamRestore_ofMomentsThatDoNotFit_throws() {
        let store = store(["w": Tensor([4])])
        let adam = Adam(learningRate: 1)
        let wrong: [[String: Tensor]] = [
            ["first.w": Tensor([3]), "second.w": Tensor([4])], ["first.w": Tensor([4])],
            ["first.w": Tensor([4]), "second.w": Tensor([4]), "third.w": Tensor([4])],
            ["first.other": Tensor([4]), "second.other": Tensor([4])],
        ]
        for state in wrong {
            XCTAssertThrowsError(try adam.restore(state: state, for: store, steps: 1)) {
                XCTAssertTrue("\($0)".contains("optimiser's state"), "\($0)")
            }
        }
        XCTAssertTrue(adam.state.isEmpty)
    }

    /// A parameter in a mapped file is copied before it is written to.
    func testAdam_onBorrowedMemory_writesToACopy() {
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: 2)
        defer { memory.deallocate() }
        memory.update(repeating: 1, count: 2)
        final class Keeper {}
        let borrowed = Tensor(shape: [2], storage: Storage(borrowing: memory, count: 2, keeper: Keeper()))
        let store = store(["w": borrowed])
        Adam(learningRate: 0.5).step(store, gradients: ["w": Tensor([2], [1, 1])])
        XCTAssertEqual([memory[0], memory[1]], [1, 1])
        XCTAssertEqual(store.values["w"]?.array[0] ?? 0, 0.5, accuracy: 1e-5)
    }

    /// Minimises a sum of squares.
    func testAdam_onASumOfSquares_reachesTheMinimum() {
        let store = store(["w": Tensor([20], repeating: 3)])
        let adam = Adam(learningRate: 0.1)
        for _ in 0..<300 {
            let parameters = store.scope(on: Tape())
            let w = parameters("w", shape: [20], initial: .zeros)
            let loss = (w * w).sum()
            adam.step(store, gradients: ["w": w.tape?.gradients(of: loss, withRespectTo: [w])[0] ?? Tensor([20])])
        }
        XCTAssertLessThan(store.values["w"]?.array.map(abs).max() ?? 1, 0.05)
    }
}
