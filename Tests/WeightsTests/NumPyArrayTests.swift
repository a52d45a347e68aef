import Foundation
import Tensors
import TestSupport
import Weights
import XCTest

final class NumPyArrayTests: XCTestCase {
    func testNumPyArray_ofNumPysFiles_isRead() throws {
        for name in ["f2", "f4", "f8", "i8", "u1"] {
            let tensor = try NumPyArray.read(Fixture.url("\(name).npy"))
            XCTAssertEqual(tensor.shape, [2, 3], name)
            XCTAssertEqual(tensor.array, [0, 1, 2, 3, 4, 5], name)
        }
        let fortran = try NumPyArray.read(Fixture.url("fortran.npy"))
        XCTAssertEqual(fortran.shape, [2, 3, 4])
        XCTAssertEqual(fortran.array, (0..<24).map { Float($0) })
        XCTAssertEqual(try NumPyArray.read(Fixture.url("scalar.npy")).shape, [])
        XCTAssertEqual(try NumPyArray.read(Fixture.url("bool.npy")).array, [1, 0])
        XCTAssertEqual(try NumPyArray.read(Fixture.url("version2.npy")).array, [0, 1, 2])
        assertThrows(">f4", "big.npy") { _ = try NumPyArray.read(Fixture.url("big.npy")) }
    }

    /// The same bytes as numpy.save.
    func testNumPyArray_written_equalsNumPysBytes() throws {
        let url = try Fixture.temporaryFolder().appendingPathComponent("x.npy")
        try NumPyArray.write(Tensor([2, 3], [0, 1, 2, 3, 4, 5]), to: url)
        XCTAssertEqual(try Data(contentsOf: url), try Data(contentsOf: Fixture.url("f4.npy")))
        try NumPyArray.write(Tensor([], [2.5]), to: url)
        XCTAssertEqual(try Data(contentsOf: url), try Data(contentsOf: Fixture.url("scalar.npy")))
        for shape in [[5], [0], [2, 0, 3], [1, 1, 7, 2]] {
            let tensor = Tensor(shape, (0..<shape.reduce(1, *)).map { Float($0) - 0.5 })
            try NumPyArray.write(tensor, to: url)
            let read = try NumPyArray.read(url)
            XCTAssertEqual(read.shape, shape)
            XCTAssertEqual(read.array, tensor.array)
        }
    }

    func testNumPyArray_withWrongHeaders_isRefused() throws {
        let hostile = try Hostile(Data())
        func check(_ header: String, data: Int, _ parts: String...) throws {
            let bytes =
                [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)]
            let url = try hostile.file(bytes + Array(header.utf8) + [UInt8](repeating: 0xFF, count: data))
            for part in parts { assertThrows(part, url.path) { _ = try NumPyArray.read(url) } }
        }
        func header(_ shape: String, _ type: String = "'<f4'") -> String {
            "{'descr': \(type), 'fortran_order': False, 'shape': \(shape), }"
        }
        try check(header("(3,)"), data: 8, "[3]", "12 bytes", "8 follow")
        try check(header("(1,)"), data: 8, "8 follow")
        try check(header("(-1,)"), data: 4, "broken shape")
        try check(header("(99999999999999999999,)"), data: 4, "broken shape")
        try check(header("(4294967296, 4294967296, 4294967296)"), data: 4, "larger than any file")
        try check(header("(0, 4294967296, 4294967296, 4294967296)"), data: 0, "larger than any file")
        try check(header("(1, 1"), data: 4, "broken shape")
        try check(header("()", "[('a', '<f4')]"), data: 4, "records")
        try check(header("()", "'|O'"), data: 8, "|O")
        try check("{'descr': '<f4', 'shape': (), }", data: 4, "lacks 'fortran_order'")
        try check("{'descr': '<f4', 'descr': '<f4', }", data: 4, "twice")
        try check(header("()", "'<i8'"), data: 7, "8 bytes")
        try check(header("()", "'<u8'"), data: 8, "18446744073709551615")
        assertThrows("cannot be opened") { _ = try NumPyArray.read(hostile.folder.appendingPathComponent("none.npy")) }
    }

    func testNumPyArray_truncatedOrFlipped_neverCrashes() throws {
        let hostile = try Hostile(try Data(contentsOf: Fixture.url("f4.npy")))
        try hostile.assertPrefixesThrow(NumPyArrayError.self) { _ = try NumPyArray.read($0) }
        try hostile.flipBits(NumPyArrayError.self, times: 1000) { _ = try NumPyArray.read($0).array }
        let integers = try Hostile(try Data(contentsOf: Fixture.url("i8.npy")))
        try integers.flipBits(NumPyArrayError.self, times: 500) { _ = try NumPyArray.read($0).array }
    }
}
