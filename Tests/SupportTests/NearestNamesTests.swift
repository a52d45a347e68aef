import Support
import XCTest

final class NearestNamesTests: XCTestCase {
    func testNearestNames_mistypedName_comesFirst() {
        let commands = ["caption", "vqa", "classify", "train"]
        XCTAssertEqual(nearestNames(to: "capton", in: commands), ["caption"])
        XCTAssertEqual(nearestNames(to: "Clasify", in: commands), ["classify"])
        XCTAssertEqual(nearestNames(to: "xylophone", in: commands), [])
    }

    func testNearestNames_nameOfTwoWords_isFound() {
        XCTAssertEqual(
            nearestNames(to: "golden retreiver", in: ["tabby cat", "golden retriever"]), ["golden retriever"])
    }

    func testNearestNames_equalDistances_keepTheListsOrder() {
        XCTAssertEqual(nearestNames(to: "cax", in: ["cap", "car", "cat"]), ["cap", "car", "cat"])
        XCTAssertEqual(nearestNames(to: "cax", in: ["cat", "cap", "car"], count: 2), ["cat", "cap"])
    }
}
