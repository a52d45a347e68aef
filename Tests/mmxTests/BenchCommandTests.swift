import Foundation
import XCTest

/// `mmx bench` as a user runs it.
final class BenchCommandTests: ProgramTestCase {
    func testBenchLayers_tinyNetwork_printsTableAndJSON() throws {
        let table = try mmx("bench", "layers", "--model", "tiny", "--repeats", "2", "--threads", "1")
        XCTAssertEqual(table.code, 0, table.errors)
        XCTAssertTrue(table.output.contains("tiny, 64x64, 1 thread, "), table.output)
        for text in ["conv4", "3x3 winograd", "4x4/2 direct", "16x16x64", "all product", "total"] {
            XCTAssertTrue(table.output.contains(text), "'\(text)' is not in \(table.output)")
        }

        let json = try mmx("bench", "layers", "--model", "tiny", "--size", "32", "--repeats", "2", "--json")
        let object = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        XCTAssertEqual(
            object.keys.sorted(),
            [
                "encoder", "encoderMilliseconds", "input", "instructions", "layers", "peakGigaflopsPerSecond",
                "repeats",
                "threads", "total",
            ])
        let layer = try XCTUnwrap((object["layers"] as? [[String: Any]])?.first)
        XCTAssertEqual(
            layer.keys.sorted(), ["algorithm", "cost", "groups", "input", "kernel", "name", "output", "stride"])
        XCTAssertEqual(
            (layer["cost"] as? [String: Any])?.keys.sorted(),
            ["flops", "gigaflopsPerSecond", "milliseconds", "shareOfPeak"])
    }

    /// A model's own encoder and its own size.
    func testBenchLayers_modelFolder_usesItsEncoderAndSize() throws {
        let outcome = try mmx("bench", "layers", "--model", Self.model.path, "--repeats", "1")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertTrue(outcome.output.hasPrefix("tiny, 64x64"), outcome.output)
    }

    /// Every processor has its architecture's baseline.
    func testInstructions_byTheirVariable_areUsedOrRefused() throws {
        #if arch(x86_64)
            let baseline = "sse2"
        #else
            let baseline = "neon"
        #endif
        func bench(with set: String) throws -> Outcome {
            try run(
                ["bench", "layers", "--model", "tiny", "--size", "32", "--repeats", "1"],
                environment: ProcessInfo.processInfo.environment.merging(["MMX_INSTRUCTIONS": set]) { $1 })
        }
        let outcome = try bench(with: baseline)
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertTrue(outcome.output.contains(", \(baseline); medians of 1"), outcome.output)
        assertFails(try bench(with: "avx9"), 2, "MMX_INSTRUCTIONS is 'avx9'; this processor has")
        assertFails(try bench(with: "avx9"), 2, baseline)
    }

    func testBenchLayers_wrongRequests_areRefused() throws {
        assertFails(try mmx("bench", "layers", "--model", "vgg99"), 4, "vgg99")
        assertFails(try mmx("bench", "layers", "--model", "./nowhere"), 4, "nowhere")
        assertFails(try mmx("bench", "layers", "--model", "vgg16", "--size", "16"), 4, "at least 32")
        XCTAssertEqual(try mmx("bench", "layers", "--model", "tiny", "--repeats", "0").code, 64)
        XCTAssertEqual(try mmx("bench", "layers").code, 64)
    }
}
