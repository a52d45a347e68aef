import Vision
import XCTest

@testable import Drawing

final class LegendTests: XCTestCase {
    func testLegend_unsignedAndSignedMaps_haveTheirNumbers() {
        let unit = Legend(.turbo, maximum: 0.0246, marks: [0.5])
        XCTAssertEqual(unit.numbers.map(\.text), ["0", "0.0123", "0.0246"])
        XCTAssertEqual(unit.numbers.map(\.position), [0, 0.5, 1])
        XCTAssertEqual(unit.marks, [0.5])
        XCTAssertTrue((unit.low, unit.high) == ("low", "high"))
        let signed = Legend(.coolwarm, maximum: 3, marks: [0.5])
        XCTAssertEqual(signed.numbers.map(\.text), ["-3", "0", "3"])
        XCTAssertEqual(signed.numbers.map(\.position), [0, 0.5, 1])
        XCTAssertEqual(signed.marks, [0.25, 0.75])
        XCTAssertTrue((signed.low, signed.high) == ("against", "for"))
        XCTAssertEqual(Legend(.gray).numbers.map(\.text), ["0", "0.5", "1"])
    }

    func testDrawingStyle_legend_namesTheScale() {
        XCTAssertTrue(DrawingStyle().legend(maximum: nil).note.contains("own maximum"))
        let shared = DrawingStyle(colorMap: .viridis, contours: [0.3], scale: .shared).legend(maximum: 2, name: "dog")
        XCTAssertEqual(shared.numbers.last?.text, "2")
        XCTAssertEqual(shared.marks, [], "the lines of several maps are at different values")
        XCTAssertTrue(shared.note.contains("dog") && shared.note.contains("one scale"), shared.note)
        XCTAssertTrue(DrawingStyle(scale: .fixed(2)).legend(maximum: 2).note.contains("fixed"))
        // The line of one map is at half of its own largest value.
        XCTAssertEqual(DrawingStyle(scale: .fixed(2)).legend(maximum: 2, top: 0.5).marks, [0.25])
        XCTAssertEqual(DrawingStyle(scale: .fixed(2)).legend(maximum: 2, top: 0.01).marks, [])
    }

    func testDrawingStyle_legendOfEvidence_saysWhatOneMeans() {
        let style = DrawingStyle(scale: .evidence)
        let legend = style.legend(maximum: 0.0246, top: 0.4, evidence: MapEvidence(strength: 0.4))
        XCTAssertEqual(legend.numbers.map(\.text), ["0", "0.5", "1"])
        XCTAssertEqual(legend.marks, [0.2])
        XCTAssertEqual(legend.note, "1: all of its probability comes from the image")
        XCTAssertEqual(legend.colorMap, .warm)
        XCTAssertTrue((legend.low, legend.high) == ("nothing", "for"))
        let against = style.legend(maximum: nil, evidence: MapEvidence(isAgainst: true))
        XCTAssertEqual(against.colorMap, .cool)
        XCTAssertTrue((against.low, against.high) == ("nothing", "against"))
        let signed = DrawingStyle(colorMap: .coolwarm).legend(maximum: nil, evidence: MapEvidence(isAgainst: true))
        XCTAssertTrue((signed.low, signed.high) == ("against", "for"))
    }

    func testLegend_underAnImage_keepsTheImageAndShowsTheColours() {
        for (width, height) in [(500, 300), (90, 300), (3000, 400), (8, 8)] {
            let photo = Image(width: width, height: height, color: (1, 2, 3))
            let whole = Legend(.viridis, maximum: 1.5, note: "dog").under(photo)
            XCTAssertEqual(whole.width, width)
            XCTAssertEqual(Array(whole.pixels.prefix(photo.pixels.count)), photo.pixels)
            XCTAssertTrue((height + 20..<height + max(150, width / 2)).contains(whole.height), "\(whole.height)")
            var seen: Set<Int> = []
            for i in width * height..<whole.width * whole.height {
                let p = whole.pixels[3 * i..<3 * i + 3]
                seen.insert(Int(p[3 * i]) << 16 | Int(p[3 * i + 1]) << 8 | Int(p[3 * i + 2]))
            }
            if width > 100 {
                for end in [ColorMap.viridis.color(0), ColorMap.viridis.color(1)] {
                    XCTAssertTrue(seen.contains(Int(end.0) << 16 | Int(end.1) << 8 | Int(end.2)), "\(width)")
                }
            }
        }
    }

    func testLegend_narrowBar_leavesOutNumbersWithoutRoom() throws {
        // The bar has 50 pixels. Only the numbers of the ends have room, or only one of them.
        func ink(_ legend: Legend) throws -> Int {
            var sheet = Image(width: 140, height: 120, color: (255, 255, 255))
            LegendLayout(legend, width: 100).draw(into: &sheet, x: 20, y: 20)
            let bounds = try XCTUnwrap(inkBounds(sheet))
            XCTAssertTrue(bounds.x.lowerBound >= 19 && bounds.x.upperBound <= 121, "\(bounds)")
            return sheet.pixels.filter { $0 < 200 }.count
        }
        var few = Legend(.gray, maximum: 1.234e-5)
        let all = try ink(few)
        few.numbers = []
        XCTAssertLessThan(try ink(few), all)
    }
}
