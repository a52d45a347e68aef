import Vision
import XCTest

@testable import Drawing

final class ContactSheetTests: XCTestCase {
    private let caption = "a black dog runs through the tall grass".split(separator: " ").map(String.init)

    func testContactSheet_tileSize_followsTheImageAndTheCount() {
        XCTAssertTrue(ContactSheet.tileSize(width: 4000, height: 3000, count: 9) == (320, 240))
        XCTAssertTrue(ContactSheet.tileSize(width: 300, height: 400, count: 9) == (240, 320))
        let panorama = ContactSheet.tileSize(width: 6000, height: 2000, count: 9)
        XCTAssertTrue((400...450).contains(panorama.width) && abs(panorama.width - 3 * panorama.height) <= 3)
        XCTAssertTrue(ContactSheet.tileSize(width: 1, height: 60_000, count: 9).width == 1)
        let many = ContactSheet.tileSize(width: 100, height: 100, count: 5000)
        XCTAssertLessThanOrEqual(many.width * many.height * 5001, 41_000_000)
    }

    func testContactSheet_tiles_areDrawnAtTheirOwnSize() {
        for (width, height) in [(640, 480), (300, 900), (1500, 500)] {
            let size = ContactSheet.tileSize(width: width, height: height, count: caption.count)
            // Each tile has another colour, so that its pixels can be counted.
            let tiles = caption.enumerated().map { i, word -> ContactSheet.Tile in
                (word, "p = 0.5", Image(width: size.width, height: size.height, color: (UInt8(10 * i), 200, 0)))
            }
            let photo = Image(width: width, height: height, color: (0, 0, 250))
            let sheet = draw(photo, caption.joined(separator: " "), tiles)
            var counts: [Int: Int] = [:]
            for i in 0..<sheet.width * sheet.height {
                let p = sheet.pixels[3 * i..<3 * i + 3]
                counts[Int(p[3 * i]) << 16 | Int(p[3 * i + 1]) << 8 | Int(p[3 * i + 2]), default: 0] += 1
            }
            for i in caption.indices { XCTAssertEqual(counts[10 * i << 16 | 200 << 8], size.width * size.height) }
            XCTAssertEqual(counts[250], size.width * size.height)
            let aspect = Double(sheet.width) / Double(sheet.height)
            XCTAssertTrue((0.6...2.6).contains(aspect), "\(width)x\(height): \(sheet.width)x\(sheet.height)")
            assertMarginIsWhite(sheet)
        }
    }

    func testContactSheet_longText_staysInsideTheMargin() {
        let endless = String(repeating: "incomprehensibilities", count: 40)
        let photo = Image(width: 60, height: 480, color: (9, 9, 9))
        for title in [endless, String(repeating: "many words ", count: 3000), "", "\u{6F22}\u{5B57}"] {
            let sheet = ContactSheet.draw(
                photo: photo, title: title, tiles: [(endless, endless, photo), ("dog", "", photo)],
                legend: Legend(.coolwarm, note: endless, ends: (endless, endless)))
            XCTAssertLessThan(sheet.height, 1700)
            assertMarginIsWhite(sheet)
        }
    }

    func testContactSheet_unusualCountsAndShapes_areDrawn() {
        let photo = Image(width: 64, height: 64, color: (1, 2, 3))
        XCTAssertGreaterThan(draw(photo, "", []).width, 320)
        let one = draw(photo, "dog", [("dog", "0.9", Image(width: 1, height: 1))])
        XCTAssertGreaterThan(one.height, 320)
        let sliver = Image(width: 20_000, height: 1, color: (1, 2, 3))
        assertMarginIsWhite(draw(sliver, "a thin line", [("line", "", sliver), ("a", "", photo)]))
        let hundreds = (0..<300).map { ContactSheet.Tile("\($0)", "p = 0.123", photo) }
        let sheet = draw(photo, "numbers", hundreds)
        XCTAssertLessThan(sheet.width * sheet.height, 70_000_000)
    }

    func testContactSheet_columnCount_suitsCountAndShape() {
        XCTAssertEqual(ContactSheet.columnCount(1, cell: 320, height: 280), 1)
        XCTAssertEqual(ContactSheet.columnCount(2, cell: 320, height: 280), 2)
        for count in 1...40 {
            let columns = ContactSheet.columnCount(count, cell: 320, height: 280)
            XCTAssertTrue((1...min(count, 8)).contains(columns))
        }
        // Tall tiles have more columns than wide ones.
        XCTAssertLessThan(
            ContactSheet.columnCount(10, cell: 440, height: 190), ContactSheet.columnCount(10, cell: 112, height: 364))
    }

    private func draw(_ photo: Image, _ title: String, _ tiles: [ContactSheet.Tile]) -> Image {
        ContactSheet.draw(photo: photo, title: title, tiles: tiles, legend: Legend(.turbo))
    }

    /// Checks that nothing is drawn in the outer 16 pixels.
    private func assertMarginIsWhite(_ sheet: Image, line: UInt = #line) {
        guard let ink = inkBounds(sheet) else { return XCTFail("an empty sheet", line: line) }
        XCTAssertGreaterThanOrEqual(ink.x.lowerBound, 16, line: line)
        XCTAssertGreaterThanOrEqual(ink.y.lowerBound, 16, line: line)
        XCTAssertLessThan(ink.x.upperBound, sheet.width - 16, line: line)
        XCTAssertLessThan(ink.y.upperBound, sheet.height - 16, line: line)
    }
}
