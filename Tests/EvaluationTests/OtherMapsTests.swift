import Foundation
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Evaluation
@testable import Tasks

/// Folders of other tools' maps.
final class OtherMapsTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory
    private let caption = ["a", "man", "and", "a", "dog"]

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func phrase(_ first: Int) -> Phrase {
        Phrase(
            image: "1.jpg", first: first, count: 2, chain: 0, types: ["people"], boxes: [], caption: caption,
            captionRow: 4)
    }

    private func write(_ rows: [String]) throws {
        let text = (["image\trow\tfirst\tcount\tmethod\tmap"] + rows).joined(separator: "\n") + "\n"
        try Data(text.utf8).write(to: folder.appendingPathComponent("maps.tsv"))
    }

    private func assertFails(_ texts: String..., line: UInt = #line, _ body: () throws -> Void) {
        XCTAssertThrowsError(try body(), line: line) { error in
            for text in texts { XCTAssertTrue("\(error)".contains(text), "\(error)", line: line) }
        }
    }

    func testOtherMaps_ofAPhrase_areReadByMethod() throws {
        try write([
            "1.jpg\t4\t0\t2\tfirst\ta.npy", "1.jpg\t4\t0\t2\tsecond\tdeep/b.npy", "2.jpg\t0\t0\t1\tfirst\tc.npy",
        ])
        try NumPyArray.write(Tensor([1, 2], [1, -2]), to: folder.appendingPathComponent("a.npy"))
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("deep"), withIntermediateDirectories: true)
        try NumPyArray.write(Tensor([3, 1], [0, 0, 7]), to: folder.appendingPathComponent("deep/b.npy"))
        let others = try OtherMaps(folder)
        XCTAssertEqual(others.methods, ["first", "second"])
        try others.check([(phrase(0), 4)], own: ["grad-cam"])
        let maps = try others.maps(of: phrase(0), row: 4, score: 1)
        XCTAssertEqual(maps.map(\.method), ["first", "second"])
        XCTAssertEqual(maps.map(\.raw.array), [[1, -2], [0, 0, 7]])
        XCTAssertTrue(maps.allSatisfy { $0.coversPhotograph && $0.score == 1 })
    }

    func testOtherMaps_thatAreMissing_areNamed() throws {
        try write(["1.jpg\t4\t0\t2\tfirst\ta.npy", "1.jpg\t4\t3\t2\tsecond\tb.npy"])
        try NumPyArray.write(Tensor([1, 1], [1]), to: folder.appendingPathComponent("b.npy"))
        let others = try OtherMaps(folder)
        assertFails(
            "maps.tsv: has no map by first of \"a man\" in 1.jpg (caption row 4, first word 0, 2 words): there is no "
                + "file a.npy; 3 maps are missing in all"
        ) { try others.check([(phrase(0), 4), (phrase(3), 4)], own: []) }
        assertFails("has no map by first of \"a dog\" in 1.jpg (caption row 0, first word 3, 2 words); 2 maps") {
            try others.check([(phrase(3), 0)], own: [])
        }
        assertFails("maps.tsv: has a method 'first', the name of a row of mmx's own") {
            try others.check([], own: ["first"])
        }
        assertFails("the file of maps is missing") { _ = try OtherMaps(folder.appendingPathComponent("none")) }
    }

    func testOtherMaps_thatAreNoMaps_areRefused() throws {
        try write(["1.jpg\t4\t0\t2\tfirst\ta.npy"])
        let others = try OtherMaps(folder), file = folder.appendingPathComponent("a.npy")
        func read() throws { _ = try others.maps(of: phrase(0), row: 4, score: 1) }
        try NumPyArray.write(Tensor([1, 2], [1, .nan]), to: file)
        assertFails("a.npy: holds a value that is not finite") { try read() }
        try NumPyArray.write(Tensor([1, 2], [.infinity, .nan]), to: file)
        assertFails("a.npy: holds 2 values that are not finite") { try read() }
        try NumPyArray.write(Tensor([2], [1, 2]), to: file)
        assertFails("a.npy: has the shape [2]; a map has two sides") { try read() }
        try NumPyArray.write(Tensor([1, 0], []), to: file)
        assertFails("a.npy: has the shape [1, 0]") { try read() }
        try Data("no array".utf8).write(to: file)
        assertFails("a.npy") { try read() }
    }
}
