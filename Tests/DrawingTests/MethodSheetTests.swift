import Vision
import XCTest

@testable import Drawing

final class MethodSheetTests: XCTestCase {
    func testMethodSheet_tileSize_followsTheImageAndTheCounts() {
        XCTAssertTrue(MethodSheet.tileSize(width: 4000, height: 3000, columns: 3, rows: 4) == (320, 240))
        XCTAssertTrue(MethodSheet.tileSize(width: 300, height: 400, columns: 3, rows: 4) == (240, 320))
        // With many columns the tiles are narrower, so that the sheet is about as wide as a large screen.
        let many = MethodSheet.tileSize(width: 400, height: 300, columns: 12, rows: 2)
        XCTAssertTrue((190...210).contains(many.width) && (145...155).contains(many.height), "\(many)")
        let endless = MethodSheet.tileSize(width: 100, height: 100, columns: 400, rows: 19)
        XCTAssertLessThanOrEqual(endless.width * endless.height * 401 * 20, 42_000_000)
        XCTAssertTrue(MethodSheet.tileSize(width: 1, height: 60_000, columns: 1, rows: 1).width == 1)
    }

    func testMethodSheet_photographAndTiles_areAtTheirPlaces() throws {
        for (width, height) in [(640, 480), (300, 900), (1500, 500)] {
            let size = MethodSheet.tileSize(width: width, height: height, columns: 3, rows: 2)
            func color(_ row: Int, _ column: Int) -> (UInt8, UInt8, UInt8) {
                (UInt8(20 * row + 1), UInt8(20 * column + 1), 3)
            }
            func tile(_ row: Int, _ column: Int) -> Image {
                Image(width: size.width, height: size.height, color: color(row, column))
            }
            let tiles = [[tile(0, 0), tile(0, 1), tile(0, 2)], [tile(1, 0), tile(1, 1), tile(1, 2)]]
            let sheet = MethodSheet.draw(
                photo: Image(width: width, height: height, color: (0, 0, 250)), title: "a dog runs",
                columns: [("a", "p = 0.5"), ("dog", "p = 0.1"), ("runs", "")],
                rows: [("grad-cam", "Selvaraju et al. 2017"), ("integrated-gradients", "")], tiles: tiles,
                legend: Legend(.turbo))
            let photo = try XCTUnwrap(bounds(of: (0, 0, 250), in: sheet))
            var places: [[(x: Int, y: Int)]] = []
            for row in 0..<2 {
                places.append([])
                for column in 0..<3 {
                    let at = try XCTUnwrap(bounds(of: color(row, column), in: sheet))
                    XCTAssertEqual(at.pixels, size.width * size.height)
                    XCTAssertTrue(at.x > photo.x && at.y >= photo.y + size.height)
                    places[row].append((at.x, at.y))
                }
            }
            XCTAssertEqual(photo.pixels, size.width * size.height)
            // The tiles are aligned in columns and rows.
            for column in 0..<3 { XCTAssertEqual(places[0][column].x, places[1][column].x) }
            for row in 0..<2 { XCTAssertEqual(Set(places[row].map(\.y)).count, 1) }
            XCTAssertTrue(places[0][0].x < places[0][1].x && places[0][1].x < places[0][2].x)
            XCTAssertLessThan(places[0][0].y, places[1][0].y)
            let ink = try XCTUnwrap(inkBounds(sheet))
            XCTAssertTrue(ink.x.lowerBound >= 16 && ink.y.lowerBound >= 16)
            XCTAssertTrue(ink.x.upperBound < sheet.width - 16 && ink.y.upperBound < sheet.height - 16)
        }
    }

    func testMethodSheet_longNames_stayInsideTheMargin() throws {
        let endless = String(repeating: "incomprehensibilities ", count: 30)
        let photo = Image(width: 40, height: 400, color: (9, 9, 9))
        let sheet = MethodSheet.draw(
            photo: photo, title: endless, columns: [(endless, endless)], rows: [(endless, endless)], tiles: [[photo]],
            legend: Legend(.coolwarm, note: endless))
        let ink = try XCTUnwrap(inkBounds(sheet))
        XCTAssertTrue(ink.x.upperBound < sheet.width - 16 && ink.y.upperBound < sheet.height - 16)
        XCTAssertLessThan(sheet.height, 3000)
    }

    /// The photograph is the first tile of the only row: nothing is left empty under it.
    func testMethodSheet_oneMethod_isARowThatBeginsWithThePhotograph() throws {
        let photo = Image(width: 320, height: 240, color: (0, 0, 250))
        let tile = Image(
            width: 320, height: 240, color: (0, 250, 0))
        func sheet(_ facts: [String]) -> Image {
            MethodSheet.draw(
                photo: photo, sentence: PictureText.sentence(["a", "dog", "runs"], explained: [1]), facts: facts,
                columns: [("dog", "p = 0.5")], rows: [("grad-cam", "")], tiles: [[tile]], legend: Legend(.warm))
        }
        let left = try XCTUnwrap(bounds(of: (0, 0, 250), in: sheet([])))
        let right = try XCTUnwrap(bounds(of: (0, 250, 0), in: sheet([])))
        XCTAssertEqual(left.y, right.y)
        XCTAssertTrue(left.x + 320 < right.x && right.x < left.x + 360)
        XCTAssertEqual([left.pixels, right.pixels], [320 * 240, 320 * 240])
        XCTAssertGreaterThan(sheet(["the whole caption: 1 in 10,600"]).height, sheet([]).height + 15)
    }

    private func bounds(of color: (UInt8, UInt8, UInt8), in image: Image) -> (x: Int, y: Int, pixels: Int)? {
        let at = (0..<image.width * image.height).filter {
            (image.pixels[3 * $0], image.pixels[3 * $0 + 1], image.pixels[3 * $0 + 2]) == color
        }
        guard let first = at.first else { return nil }
        return (first % image.width, first / image.width, at.count)
    }
}
