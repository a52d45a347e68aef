import XCTest

@testable import Tensors

final class DropoutTests: XCTestCase {
    func testSeededGenerator_afterSkipping_equalsOneThatDrew() {
        for count in [0, 1, 1000] {
            var drawn = SeededGenerator(seed: 5), skipped = drawn
            for _ in 0..<count { _ = drawn.next() }
            skipped.skip(count)
            XCTAssertEqual(drawn.next(), skipped.next())
        }
    }

    /// A large mask is split over the threads. Its values equal those of a sequential run.
    func testDropoutMask_splitOverThreads_equalsASequentialOne() {
        let count = 100_003
        var generator = SeededGenerator(seed: 9), one = generator
        let mask = dropoutMask([count], rate: 0.3, using: &generator).array
        for i in stride(from: 0, to: count, by: 4) {
            var bits = one.next()
            for j in i..<min(i + 4, count) {
                XCTAssertEqual(mask[j] == 0, bits & 0xFFFF < UInt64(Float(0.3) * 65536))
                bits >>= 16
            }
        }
        XCTAssertEqual(generator.next(), one.next())
    }

    private func mask(_ count: Int, _ rate: Float, seed: UInt64 = 1) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return dropoutMask([count], rate: rate, using: &generator).array
    }

    /// 200,000 draws: the fraction of zeros is within five standard deviations of the rate.
    func testDropoutMask_ofManyDraws_hasTheRateAndValues() {
        let count = 200_000
        for rate: Float in [0.1, 0.25, 0.5, 0.9] {
            let values = mask(count, rate)
            XCTAssertEqual(Set(values), [0, 1 / (1 - rate)])
            let zeros = Double(values.filter { $0 == 0 }.count)
            let p = Double(rate)
            XCTAssertEqual(
                zeros, p * Double(count), accuracy: 5 * (Double(count) * p * (1 - p)).squareRoot(), "rate \(rate)")
        }
    }

    /// Neighbouring elements, which may come from one 64-bit draw, are independent: the count of pairs of zeros is
    /// within five standard deviations.
    func testDropoutMask_atNeighbouringElements_isIndependent() {
        let values = mask(200_000, 0.5)
        for lag in 1...8 {
            var both = 0.0
            for i in 0..<values.count - lag where values[i] == 0 && values[i + lag] == 0 { both += 1 }
            let n = Double(values.count - lag)
            XCTAssertEqual(both, n / 4, accuracy: 5 * (n * 0.25 * 0.75).squareRoot() * 1.3, "lag \(lag)")
        }
    }

    func testDropoutMask_fromASeed_isReproducible() {
        XCTAssertEqual(mask(1003, 0.3, seed: 4), mask(1003, 0.3, seed: 4))
        XCTAssertNotEqual(mask(1003, 0.3, seed: 4), mask(1003, 0.3, seed: 5))
        var generator = SeededGenerator(seed: 4)
        XCTAssertNotEqual(
            dropoutMask([1003], rate: 0.3, using: &generator).array,
            dropoutMask([1003], rate: 0.3, using: &generator).array)
        XCTAssertEqual(Set(mask(100, 0)), [1])
    }

    /// The gradient passes where the value passed, with the same scale.
    func testDropoutGradient_ofOnes_equalsTheMask() {
        let x = Tensor([64], repeating: 1)
        let tape = Tape()
        let leaf = tape.leaf(x)
        var generator = SeededGenerator(seed: 2)
        let y = leaf.dropout(0.5, using: &generator)
        XCTAssertEqual(tape.gradients(of: y, withRespectTo: [leaf])[0].array, y.value.array)
        XCTAssertEqual(leaf.dropout(0, using: &generator).value.array, x.array)
        checkSeeds([x]) {
            var generator = SeededGenerator(seed: 2)
            return $0[0].dropout(0.5, using: &generator)
        }
    }
}
