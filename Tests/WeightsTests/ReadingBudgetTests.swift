import Foundation
import Tensors
import TestSupport
import Weights
import XCTest

/// Small files that ask for much work or memory are refused by the budget that all readers share. Each input is a
/// hundredth of a size that once took half a minute or gigabytes.
final class ReadingBudgetTests: XCTestCase {
    private var folder: Hostile?

    override func setUpWithError() throws { folder = try Hostile(Data()) }
    override func tearDown() { folder = nil }

    private func file(_ bytes: [UInt8]) throws -> URL { try XCTUnwrap(folder).file(bytes) }

    private func refused(_ bytes: [UInt8], _ part: String, line: UInt = #line) throws {
        let url = try file(bytes)
        assertThrows(part, url.path, line: line) { _ = try WeightsFile(url) }
    }

    private func pickle(_ values: [UInt8]) -> [UInt8] {
        [0x80, 4, 0x7D] + Pickled.text("a") + [0x28] + values + [0x74, 0x73, 0x2E]
    }

    /// Five levels of dictionaries that each hold the one below nine times, under long keys.
    func testReadingBudget_ofAMillionSharedNames_isSpent() throws {
        var values = Pickled.arrayParts(shape: [0], bytes: []) + [0x71, 10]
        for level in UInt8(11)...16 {
            values += [0x7D, 0x71, level, 0x28]
            for key in "abcdefghi" {
                values += Pickled.text(String(repeating: String(key), count: 80)) + [0x68, level - 1]
            }
            values += [0x75]
        }
        XCTAssertLessThan(values.count, 6000)
        try refused(pickle(values), "steps to read")
    }

    /// Few names, but long ones: they are counted in bytes.
    func testReadingBudget_ofLongNames_isSpent() throws {
        let keys = (0..<4).map { Pickled.text(String(repeating: "\($0)", count: 250)) }
        var values = Pickled.arrayParts(shape: [0], bytes: []) + [0x71, 10]
        values += [0x7D, 0x71, 11, 0x28] + keys[0] + [0x68, 10] + [0x75]
        // A list of fifty thousand such dictionaries, below three more keys.
        values += [0x5D, 0x71, 12, 0x28] + repeated([0x68, 11], 50_000) + [0x65]
        values += [0x7D] + keys[1] + [0x7D] + keys[2] + [0x68, 12, 0x73, 0x73]
        try refused(pickle(values), "unfolds to more than")
    }

    /// A dictionary whose keys are neither text nor numbers, many times in a list.
    func testReadingBudget_ofKeysThatNameNothing_isSpent() throws {
        var values: [UInt8] = [0x7D, 0x71, 10, 0x28] + [UInt8](repeating: 0x4E, count: 2000) + [0x75]
        values += [0x5D, 0x28] + repeated([0x68, 10], 1000) + [0x65]
        try refused(pickle(values), "steps to read")
    }

    /// Sizes and shapes are short: a shared list of a thousand numbers is none.
    func testReadingBudget_ofSizesOfASharedList_areNotRead() throws {
        let list: [UInt8] = [0x5D, 0x71, 10, 0x28] + repeated([0x4B, 1], 1000) + [0x65]
        let size = Pickled.global("torch", "Size") + [0x68, 10, 0x85, 0x52]
        try refused(pickle(list + size), "torch.Size of something else")
    }

    /// Blobs of a shape with one axis of length 0, in six bytes each.
    func testReadingBudget_ofEmptyCaffeBlobs_isSpent() throws {
        func model(_ blobs: Int) -> [UInt8] {
            let layer: [UInt8] = [0x0A, 1, 0x63] + repeated([0x3A, 4, 0x3A, 2, 8, 0], blobs)
            return [0xA2, 6] + varint(layer.count) + layer
        }
        XCTAssertEqual(try WeightsFile(try file(model(10))).tensors.count, 10)
        try refused(model(200_000), "unfolds to more than")
    }

    /// Tensors of no elements, with 64 axes.
    func testReadingBudget_ofALongHeader_isSpent() throws {
        func header(_ tensors: Int) -> [UInt8] {
            let axes = "0" + String(repeating: ",1", count: 63)
            let entries = (0..<tensors).map { #""\#($0)":{"dtype":"F32","shape":[\#(axes)],"data_offsets":[0,0]}"# }
            let text = Array("{\(entries.joined(separator: ","))}".utf8)
            return Pickled.bytes(UInt64(text.count)) + text
        }
        XCTAssertEqual(try WeightsFile(try file(header(10))).tensors.count, 10)
        try refused(header(32_000), "steps to read")
    }

    private func repeated(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
        Array(repeatElement(bytes, count: count).joined())
    }

    private func varint(_ value: Int) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
    }
}
