import Foundation
import Tasks
import TestSupport
import XCTest

@testable import Explain

/// Long runs do not grow.
final class MemoryGrowthTests: XCTestCase {
    /// Resident memory in bytes: /proc/self/statm counts pages.
    private func resident() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (Int(try XCTUnwrap(fields.dropFirst().first)) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// 2,000 captions, each with every word's map, end within 5 % of the memory of the first 100.
    func testTwoThousandExplanations() throws {
        let explainer = try CaptionExplainer(Captioner.load(Fixture.url("toy-show-attend-and-tell")))
        let preprocessing = explainer.captioner.configuration.preprocessing
        let pictures = (0..<20).map { preprocessing.prepare(ToyScene(seed: 2_024, index: $0).image).tensor }
        var first = 0
        for i in 0..<2_000 {
            let seen = explainer.look(at: pictures[i % pictures.count])
            let explanation = try explainer.explain(seen, words: explainer.caption(seen), targets: [.everyWord])
            XCTAssertFalse(explanation.scores.isEmpty)
            if i == 99 { first = try resident() }
        }
        let last = try resident()
        print("resident after 100 and 2,000 explanations: \(first >> 10) and \(last >> 10) KiB")
        XCTAssertLessThan(Double(last), 1.05 * Double(first))
    }
}
