import Foundation
import TestSupport
import XCTest

@testable import Tasks

final class PhraseMapListTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func read(_ text: String) throws -> PhraseMapList {
        let url = folder.appendingPathComponent("maps.tsv")
        try Data(text.utf8).write(to: url)
        return try PhraseMapList(url)
    }

    func testPhraseMapList_ofRows_hasMethodsInTheirOrderAndFiles() throws {
        let list = try read(
            "image\trow\tfirst\tcount\tmethod\tmap\r\n\n1.jpg\t0\t2\t1\tb\tx/1.npy\r\n1.jpg\t0\t2\t1\ta\t2.npy\n")
        XCTAssertEqual(list.methods, ["b", "a"])
        let place = PhraseMapList.Place(image: "1.jpg", captionRow: 0, first: 2, count: 1)
        XCTAssertEqual(list.files, [place: ["b": "x/1.npy", "a": "2.npy"]])
    }

    func testPhraseMapList_ofOtherFiles_saysWhichLineIsWrong() throws {
        for (text, problem) in [
            ("", "maps.tsv: the list of maps is empty"), ("image\n", "maps.tsv: names no map"),
            ("1.jpg\t0\t2\t1\tb\tx.npy\n", "maps.tsv, line 1: the header must begin with 'image', found \"1.jpg\""),
            ("image\n1.jpg\t0\n", "maps.tsv, line 2: has 2 fields, expected 6 with tabs between: image, caption row"),
            ("image\n1.jpg\t-1\t2\t1\tb\tx.npy\n", "line 2: the caption row is \"-1\", expected a whole number from 0"),
            ("image\n1.jpg\t0\t2.5\t1\tb\tx.npy\n", "line 2: the first word is \"2.5\""),
            ("image\n1.jpg\t0\t2\tone\tb\tx.npy\n", "line 2: the number of words is \"one\""),
            ("image\n1.jpg\t0\t2\t1\t\tx.npy\n", "line 2: \"\" is no method's name"),
            ("image\n1.jpg\t0\t2\t1\ta b\tx.npy\n", "line 2: \"a b\" is no method's name"),
            ("image\n1.jpg\t0\t2\t1\tb\t../x.npy\n", "line 2: \"../x.npy\" is no name of a map inside the folder"),
            ("image\n1.jpg\t0\t2\t1\tb\t/x.npy\n", "line 2: \"/x.npy\" is no name of a map inside the folder"),
            (
                "image\n1.jpg\t0\t2\t1\tb\tx.npy\n1.jpg\t0\t2\t1\tb\ty.npy\n",
                "line 3: is a second map of this phrase by b; the first is \"x.npy\""
            ),
        ] {
            XCTAssertThrowsError(try read(text), text) {
                XCTAssertTrue("\($0)".contains(problem), "\($0)\nexpected \(problem)")
            }
        }
    }
}
