import Foundation
import Tensors
import TestSupport
import Weights
import XCTest

/// A file that becomes shorter while it is mapped. A page beyond the end would end the process with SIGBUS.
final class MappedFileTests: XCTestCase {
    private static let variable = "MMX_TEST_SHRINKING_FILE"

    func testMappedFile_thatShrinks_endsTheProcessWithAMessageAndItsCode() throws {
        if let path = ProcessInfo.processInfo.environment[Self.variable] { return try shrink(path) }
        let url = try Fixture.temporaryFolder().appendingPathComponent("shrinking.safetensors")
        try SafeTensors.write(["x": Tensor([1 << 16])], to: url, type: .f32)
        // This test once more, in a process of its own.
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = ["WeightsTests.MappedFileTests"]
        child.environment = ProcessInfo.processInfo.environment.merging([Self.variable: url.path]) { $1 }
        let errors = Pipe()
        child.standardError = errors
        child.standardOutput = FileHandle.nullDevice
        try child.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        child.waitUntilExit()
        XCTAssertEqual(child.terminationReason, .exit)
        XCTAssertEqual(child.terminationStatus, 4, text)
        XCTAssertTrue(text.contains("mmx: \(url.path) became shorter"), text)
        try FileManager.default.removeItem(at: url.deletingLastPathComponent())
    }

    /// What the child does: it uses a tensor whose file another program has cut off.
    private func shrink(_ path: String) throws {
        let tensor = try XCTUnwrap(try SafeTensors.read(URL(fileURLWithPath: path))["x"])
        XCTAssertEqual(truncate(path, 4096), 0)
        XCTAssertEqual(tensor.array.count, 1 << 16)
    }
}
