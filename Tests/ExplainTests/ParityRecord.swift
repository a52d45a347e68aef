import Foundation
import Tensors
import TestSupport
import XCTest

/// What Fixtures/methods.py or newer-methods.py has written.
struct ParityFixture: Decodable {
    /// Of each network's image.
    let logits: [String: [Float]]
    let records: [ParityRecord]

    static func load(_ name: String = "methods.json") throws -> ParityFixture {
        try JSONDecoder().decode(ParityFixture.self, from: Data(contentsOf: Fixture.url(name)))
    }

    /// What one tool has drawn by one method. A selection without a record is a test that cannot fail, so it fails.
    func records(
        _ tool: String, _ method: String, _ step: String = "raw", file: StaticString = #filePath, line: UInt = #line
    ) -> [ParityRecord] {
        let found = records.filter { $0.tool == tool && $0.method == method && $0.step == step }
        XCTAssertFalse(found.isEmpty, "no record of \(tool), \(method), \(step)", file: file, line: line)
        return found
    }
}

/// One map as a tool has drawn it.
struct ParityRecord: Decodable {
    let network: String, tool: String, method: String, step: String
    /// Nil for maps of pixels; several are joined by "+".
    let layer: String?
    let `class`: Int
    /// `[u, v]`, or `[H, W, 3]`.
    let shape: [Int]
    let values: [Float]

    var hasSeveralLayers: Bool { layer?.contains("+") ?? false }
    var label: String { "\(tool) \(method) (\(step)) of \(network) at \(layer ?? "pixels"), class \(self.class)" }

    /// Fails unless `found` is this map to within `tolerance` of its largest magnitude.
    func check(
        _ found: [Float], shape foundShape: [Int], tolerance: Float, file: StaticString = #filePath, line: UInt = #line
    ) {
        XCTAssertEqual(foundShape, shape, label, file: file, line: line)
        let largest = values.reduce(0) { max($0, abs($1)) }
        XCTAssertGreaterThan(largest, 0, "\(label) is empty", file: file, line: line)
        guard found.count == values.count else { return }
        let worst = zip(found, values).reduce(0) { max($0, abs($1.0 - $1.1)) }
        XCTAssert(
            worst <= tolerance * largest, "\(label): differs by \(worst / largest) of its largest value", file: file,
            line: line)
    }
}
