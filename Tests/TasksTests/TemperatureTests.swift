import Foundation
import Language
import Tensors
import XCTest

@testable import Tasks

/// The temperature of words and answers, and the expected calibration error.
final class TemperatureTests: XCTestCase {
    /// Rows of scores, each with the index of the true one. Rows that are left out stand between them.
    private func fit(_ rows: [(scores: [Float], truth: Int)]) -> FittedTemperature? {
        FittedTemperature.fit { batch in
            for (scores, truth) in rows { batch(Tensor([2, scores.count], scores + scores), [nil, truth]) }
        }
    }

    /// The second is 2 ahead, and true in three of four rows.
    private static let rows: [([Float], Int)] = [([0, 2], 1), ([0, 2], 1), ([0, 2], 0), ([0, 2], 1)]

    private func random(_ count: Int, scale: Float = 1) -> [([Float], Int)] {
        var generator = SeededGenerator(seed: 5)
        return (0..<count).map { _ in
            let scores = (0..<7).map { _ in 3 * generator.normal() }
            let noisy = scores.map { $0 + 4 * generator.normal() }
            return (scores.map { scale * $0 }, noisy.indices.max { noisy[$0] < noisy[$1] } ?? 0)
        }
    }

    // MARK: By hand

    /// p = 1 / (1 + exp(-2 / T)) is 3/4 at T = 2 / ln 3.
    func testFit_ofTwoAnswers_findsTheShareThatIsRight() throws {
        let found = try XCTUnwrap(fit(Self.rows))
        XCTAssertEqual(found.value, 2 / log(3), accuracy: 1e-4)
        XCTAssertEqual(found.count, 4)
        let p = 1 / (1 + exp(-2.0))
        XCTAssertEqual(found.surpriseBefore, -(3 * log(p) + log(1 - p)) / 4, accuracy: 1e-6)
        XCTAssertEqual(found.surpriseAfter, -(3 * log(0.75) + log(0.25)) / 4, accuracy: 1e-6)
        XCTAssertEqual(found.errorBefore, p - 0.75, accuracy: 1e-6)
        XCTAssertEqual(found.errorAfter, 0, accuracy: 1e-4)
    }

    /// 0.9 twice, right once; 0.5 once, right: (|1.8 - 1| + |0.5 - 1|) / 3.
    func testCalibrationError_ofTwoBins_weighsThemByTheirNumbers() {
        var error = CalibrationError()
        XCTAssertEqual(error.value, 0)
        error.add(0.9, isRight: true)
        error.add(0.9, isRight: false)
        error.add(0.5, isRight: true)
        XCTAssertEqual(error.value, 1.3 / 3, accuracy: 1e-12)
    }

    /// 1/15 lies in the first bin, what is above it in the second; 0 and 1 have bins too.
    func testCalibrationError_atTheEdgesOfBins_countsEachOnce() {
        var error = CalibrationError()
        error.add(1.0 / 15, isRight: true)
        error.add(0.068, isRight: false)
        XCTAssertEqual(error.value, (14.0 / 15 + 0.068) / 2, accuracy: 1e-9)
        var ends = CalibrationError()
        ends.add(0, isRight: false)
        ends.add(1, isRight: true)
        XCTAssertEqual(ends.value, 0)
    }

    func testFit_ofNothing_isNil() { XCTAssertNil(fit([])) }

    func testFit_ofScoresThatAreNoNumbers_isNil() { XCTAssertNil(fit([([.nan, 1], 0)])) }

    func testFit_whereTheFirstIsAlwaysRight_staysInRange() throws {
        let found = try XCTUnwrap(fit([([0, 2], 1), ([3, 1], 0)]))
        XCTAssertTrue(FittedTemperature.range.contains(found.value))
        XCTAssertLessThan(found.value, 0.2)
    }

    func testFit_whereTheFirstIsNeverRight_staysInRange() throws {
        let found = try XCTUnwrap(fit([([0, 2], 0), ([3, 1], 1)]))
        XCTAssertTrue(FittedTemperature.range.contains(found.value))
        XCTAssertGreaterThan(found.value, 10)
    }

    /// A word that is never written has a score of -10,000.
    func testFit_withAWordThatIsNeverWritten_isAsWithoutIt() throws {
        let with = try XCTUnwrap(fit(Self.rows.map { ($0.0 + [-10_000], $0.1) }))
        XCTAssertEqual(with.value, try XCTUnwrap(fit(Self.rows)).value, accuracy: 1e-9)
    }

    // MARK: Properties

    func testFit_ofScaledScores_isScaled() throws {
        let one = try XCTUnwrap(fit(random(200)))
        let four = try XCTUnwrap(fit(random(200, scale: 4)))
        XCTAssertEqual(four.value, 4 * one.value, accuracy: 1e-3)
        XCTAssertEqual(four.surpriseAfter, one.surpriseAfter, accuracy: 1e-6)
    }

    func testFit_ofShiftedScores_isTheSame() throws {
        let shifted = random(200).map { ($0.0.map { $0 + 16 }, $0.1) }
        XCTAssertEqual(
            try XCTUnwrap(fit(shifted)).value, try XCTUnwrap(fit(random(200))).value, accuracy: 1e-3)
    }

    /// No temperature beside it is better.
    func testFit_ofRandomRows_isTheMinimum() throws {
        let rows = random(200)
        let found = try XCTUnwrap(fit(rows))
        func surprise(_ temperature: Double) -> Double {
            rows.reduce(0) { sum, row in
                let scaled = row.0.map { Double($0) / temperature }
                return sum + log(scaled.reduce(0) { $0 + exp($1) }) - scaled[row.1]
            } / Double(rows.count)
        }
        XCTAssertEqual(surprise(found.value), found.surpriseAfter, accuracy: 1e-6)
        for factor in [0.9, 0.99, 1.01, 1.1] {
            XCTAssertGreaterThan(surprise(factor * found.value), found.surpriseAfter)
        }
        XCTAssertLessThan(found.surpriseAfter, found.surpriseBefore)
        XCTAssertLessThan(found.errorAfter, found.errorBefore)
    }
}
