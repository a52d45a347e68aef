import Foundation
import XCTest

@testable import Support

final class TimingsTests: XCTestCase {
    override func tearDown() { Timings.stop() }

    private func time(_ step: Timings.Step, in steps: [(step: Timings.Step, microseconds: Int)]) -> Int? {
        steps.first { $0.step == step }?.microseconds
    }

    func testMeasure_off_callsItsBodyAndReportsNothing() {
        XCTAssertEqual(Timings.measure(.encoder) { 7 }, 7)
        XCTAssertNil(Timings.report)
    }

    func testReport_ofStepsInsideOthers_countsEachTimeOnce() throws {
        Timings.begin()
        Timings.start()
        Timings.measure(.drawing) {
            usleep(20_000)
            _ = Timings.measure(.png) { Timings.measure(.png) { usleep(30_000) } }
        }
        let report = try XCTUnwrap(Timings.report)
        let drawing = try XCTUnwrap(time(.drawing, in: report.steps)), png = try XCTUnwrap(time(.png, in: report.steps))
        XCTAssertGreaterThanOrEqual(drawing, 20_000)
        XCTAssertGreaterThanOrEqual(png, 30_000)
        XCTAssertEqual(report.steps.map(\.step), [.processStart, .commandLine, .drawing, .png, .other])
        XCTAssertGreaterThanOrEqual(try XCTUnwrap(time(.other, in: report.steps)), 0)
        XCTAssertEqual(report.total, report.steps.reduce(0) { $0 + $1.microseconds })
        XCTAssertTrue(report.otherThreads.isEmpty)
    }

    func testReport_ofAnotherThread_keepsItsTimeApart() throws {
        Timings.begin()
        Timings.start()
        let done = DispatchGroup()
        Timings.measure(.drawing) {
            DispatchQueue.global().async(group: done) {
                _ = Timings.measure(.png) { usleep(20_000) }
            }
            done.wait()
        }
        let report = try XCTUnwrap(Timings.report)
        XCTAssertGreaterThanOrEqual(try XCTUnwrap(time(.png, in: report.otherThreads)), 20_000)
        XCTAssertNil(time(.png, in: report.steps))
        XCTAssertGreaterThanOrEqual(try XCTUnwrap(time(.drawing, in: report.steps)), 20_000)
    }

    func testMeasure_ofAnError_endsTheStep() throws {
        Timings.begin()
        Timings.start()
        XCTAssertThrowsError(try Timings.measure(.model) { throw CocoaError(.fileNoSuchFile) })
        Timings.measure(.drawing) {}
        XCTAssertEqual(
            try XCTUnwrap(Timings.report).steps.map(\.step), [.processStart, .commandLine, .model, .drawing, .other])
    }
}
