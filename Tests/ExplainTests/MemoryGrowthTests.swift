import Explain
import Foundation
import Tasks
import TestSupport
import XCTest

/// Long runs do not grow.
final class MemoryGrowthTests: XCTestCase {
    /// Resident memory in bytes: /proc/self/statm counts pages.
    private func resident() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (Int(try XCTUnwrap(fields.dropFirst().first)) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// 2,000 captions, each with every word's map, end within 5 % of the memory of the first 100.
    func testExplainer_afterTwoThousandCaptions_usesNoMoreMemory() throws {
        let explainer = try Explainer(Captioner.load(Fixture.url("toy-show-attend-and-tell")))
        let pixels = (0..<20).map { explainer.model.toyImage(index: $0) }
        var first = 0
        for i in 0..<2_000 {
            let image = explainer.encode(pixels[i % pixels.count])
            let explanation = try explainer.explain(image, input: explainer.caption(image), targets: [.everyWord])
            XCTAssertFalse(explanation.targets.isEmpty)
            if i == 99 { first = try resident() }
        }
        let last = try resident()
        print("resident after 100 and 2,000 explanations: \(first >> 10) and \(last >> 10) KiB")
        XCTAssertLessThan(Double(last), 1.05 * Double(first))
    }
}
