import Foundation
import XCTest

@testable import Tensors

/// Weights stored as halves give the same results as the same weights in floats, bit for bit.
final class HalfTests: XCTestCase {
    private final class Keeper {
        let memory: UnsafeMutablePointer<Half>
        init(_ count: Int) { memory = .allocate(capacity: max(1, count)) }
        deinit { memory.deallocate() }
    }

    private var generator = SeededGenerator(seed: 7)

    /// The same numbers as halves and as floats, with subnormal halves among them.
    private func pair(_ shape: [Int]) -> (halves: Tensor, floats: Tensor) {
        let count = shape.reduce(1, *)
        let keeper = Keeper(count)
        for i in 0..<count {
            keeper.memory[i] = Half(bits: Float16(generator.normal() * (i % 7 == 0 ? 1e-6 : 0.1)).bitPattern)
        }
        let storage = Storage(borrowing: UnsafePointer(keeper.memory), count: count, keeper: keeper)
        return (Tensor(shape: shape, storage: storage), Tensor(shape, (0..<count).map { keeper.memory[$0].float }))
    }

    private func tensor(_ shape: [Int]) -> Tensor {
        Tensor(shape, (0..<shape.reduce(1, *)).map { _ in generator.normal() })
    }

    private func isWidened(_ x: Tensor) -> Bool { x.storage.floats.load(ordering: .relaxed) != nil }

    func testHalves_readByFourThreads_areConvertedOnce() {
        let (halves, floats) = pair([300_001])
        XCTAssertFalse(isWidened(halves))
        XCTAssertFalse(halves.storage.isOwned)
        nonisolated(unsafe) var found = [UnsafeMutablePointer<Float>?](repeating: nil, count: 4)
        let lock = NSLock()
        DispatchQueue.concurrentPerform(iterations: 4) { i in
            let pointer = halves.pointer
            lock.withLock { found[i] = pointer }
        }
        XCTAssertEqual(Set(found), [halves.pointer])
        XCTAssertEqual(halves.array, floats.array)
    }

    func testHalves_inPartOfAStorage_equalFloats() {
        let (halves, floats) = pair([5, 8])
        let (part, same) = (halves.row(3), floats.row(3))
        XCTAssertEqual(linearForward(tensor([2, 8]), weight: part.reshaped([1, 8]), bias: nil).shape, [2, 1])
        let x = tensor([1, 8])
        XCTAssertEqual(
            linearForward(x, weight: part.reshaped([1, 8]), bias: nil).array,
            linearForward(x, weight: same.reshaped([1, 8]), bias: nil).array)
        XCTAssertFalse(isWidened(halves))
        XCTAssertEqual(part.array, same.array)
    }

    func testLinear_withHalfWeights_equalsFloatWeights() {
        for (rows, inputs, outputs) in [(1, 5, 3), (3, 512, 515), (4, 100, 67), (13, 70, 130), (2, 16, 64)] {
            let (halves, floats) = pair([outputs, inputs])
            let x = tensor([rows, inputs]), bias = tensor([outputs]), g = tensor([1, rows, outputs])
            XCTAssertEqual(
                linearForward(x, weight: halves, bias: bias).array, linearForward(x, weight: floats, bias: bias).array)
            XCTAssertEqual(
                linearBackward(g, x: x, weight: halves, seeds: 1, needed: [true, false])[0]?.array,
                linearBackward(g, x: x, weight: floats, seeds: 1, needed: [true, false])[0]?.array)
            XCTAssertFalse(isWidened(halves), "few rows read the halves")
        }
        let (halves, floats) = pair([40, 30])
        let x = tensor([50, 30])
        XCTAssertEqual(
            linearForward(x, weight: halves, bias: nil).array, linearForward(x, weight: floats, bias: nil).array)
    }

    func testEmbedding_withHalfTable_equalsFloatTable() {
        let (halves, floats) = pair([9, 37])
        let indices = [8, 0, 3, 3]
        XCTAssertEqual(
            embeddingForward(halves, indices: indices).array, embeddingForward(floats, indices: indices).array)
        XCTAssertFalse(isWidened(halves))
    }

    func testRecurrentLayers_withHalfWeights_equalFloatWeights() {
        let (hidden, depth, width, regions) = (24, 20, 17, 6)
        let input = pair([4 * hidden, 10]), query = pair([width, hidden])
        let context = pair([4 * hidden, depth]), recurrent = pair([4 * hidden, hidden])
        let score = tensor([width]), gate = tensor([hidden]), bias = tensor([1])
        let gates = tensor([4, 3, 4 * hidden]), annotations = tensor([1, regions, depth])
        let keys = tensor([1, regions, width]), h = tensor([3, hidden]), c = tensor([3, hidden])
        func attend(_ query: Tensor, _ context: Tensor, _ recurrent: Tensor) -> [[Float]] {
            let (y, last, saved) = attentionLSTMForward(
                gates: gates, annotations: annotations, keys: keys, h: h, c: c, weightQuery: query, weightScore: score,
                weightGate: gate, biasGate: bias, weightContext: context, weightHidden: recurrent)
            let back = attentionLSTMBackward(
                Tensor([1] + y.shape, repeating: 0.1), saved: saved, seeds: 1,
                needed: [true, true, true] + [Bool](repeating: false, count: 8))
            return [y.array, last.array] + back.compactMap { $0?.array }
        }
        XCTAssertEqual(
            attend(query.halves, context.halves, recurrent.halves),
            attend(query.floats, context.floats, recurrent.floats))
        let x = tensor([4, 3, 10]), sums = tensor([4 * hidden])
        func run(_ input: Tensor, _ recurrent: Tensor) -> [[Float]] {
            let (y, saved) = lstmForward(x, h: h, c: c, weightInput: input, weightHidden: recurrent, bias: sums)
            let back = lstmBackward(
                Tensor([1] + y.shape, repeating: 0.1), saved: saved, seeds: 1,
                needed: [true, true, true, false, false, false])
            return [y.array] + back.compactMap { $0?.array }
        }
        XCTAssertEqual(run(input.halves, recurrent.halves), run(input.floats, recurrent.floats))
        for weight in [query, context, recurrent, input] { XCTAssertFalse(isWidened(weight.halves)) }
    }

    /// Each kernel has its own layout of the weights, forward and backward.
    func testConvolution_withHalfWeights_equalsFloatWeights() {
        for (kernel, groups, inputs, outputs) in [
            (1, 1, 20, 37), (3, 1, 16, 16), (3, 1, 3, 8), (3, 16, 16, 16), (5, 2, 8, 6),
        ] {
            let (halves, floats) = pair([outputs, kernel, kernel, inputs / groups])
            let geometry = ConvolutionGeometry(kernel, padding: .all(kernel / 2), groups: groups)
            let x = tensor([1, 9, 9, inputs]), g = tensor([1, 1, 9, 9, outputs])
            func run(_ weight: Tensor) -> [[Float]?] {
                let prepared = PreparedConvolution(weight: weight, geometry: geometry)
                let y = convolutionForward(
                    x, weight: weight, bias: nil, geometry: geometry, activation: .none, prepared: prepared)
                let dx = convolutionBackward(
                    g, x: x, weight: weight, geometry: geometry, prepared: prepared, seeds: 1, needed: [true, false])
                return [y.array, dx[0]?.array]
            }
            XCTAssertEqual(run(halves), run(floats), "\(kernel)x\(kernel), \(groups) groups")
            if kernel == 1 { XCTAssertFalse(isWidened(halves)) }
        }
    }

    /// The fingerprint does not depend on how the weights are stored.
    func testFingerprint_ofHalves_equalsThatOfFloats() {
        for count in [1, 7, 8, 15, 16, 17, 24, 25, 1000] {
            let (halves, floats) = pair([count])
            func fingerprint(_ value: Tensor) -> String {
                let store = ParameterStore(strict: ["a.weight": value], origin: "test")
                let p = store.scope()
                _ = p["a"]("weight", shape: [count], initial: .zeros)
                return p.fingerprint
            }
            XCTAssertEqual(fingerprint(halves), fingerprint(floats), "\(count)")
            XCTAssertFalse(isWidened(halves))
        }
    }

    /// A change of any one value is found, wherever it is in the tensor, stored in halves or in floats.
    func testFingerprint_oneValueChanged_differs() {
        let count = 1000
        func fingerprint(_ value: Tensor) -> String {
            let store = ParameterStore(strict: ["weight": value], origin: "test")
            let p = store.scope()
            _ = p("weight", shape: [count], initial: .zeros)
            return p.fingerprint
        }
        let (halves, floats) = pair([count])
        for place in [0, 1, 15, 63, 64, 500, 992, count - 1] {
            var changed = floats.array
            changed[place] += 0.5
            let other = Tensor([count], changed)
            XCTAssertNotEqual(fingerprint(other), fingerprint(floats), "value \(place)")
            XCTAssertNotEqual(fingerprint(other), fingerprint(halves), "value \(place)")
        }
    }
}
