import Vision
import XCTest

@testable import Explain

final class DrawingTests: XCTestCase {
    private let printable = (0x20...0x7E).compactMap { UnicodeScalar($0).map(Character.init) }

    func testEveryPrintableCharacterHasItsOwnGlyph() {
        var seen: [String: Character] = [:]
        for character in printable {
            XCTAssertTrue(Glyph.has(character), "\(character)")
            let strokes = "\(Glyph.of(character).segments)"
            if character != " " { XCTAssertNotEqual(strokes, "[]", "\(character)") }
            XCTAssertNil(seen[strokes], "\(character) looks like \(seen[strokes] ?? " ")")
            seen[strokes] = character
        }
    }

    func testEveryLetterOfLatin1AndLatinExtendedAHasItsOwnGlyph() {
        // From the inverted exclamation mark to the long s, without the soft hyphen.
        let latin = (0xA1...0x17F).filter { $0 != 0xAD }.compactMap { UnicodeScalar($0).map(Character.init) }
        var seen: [String: Character] = [:]
        for character in printable + latin {
            XCTAssertTrue(Glyph.has(character), "\(character)")
            let strokes = "\(Glyph.of(character).segments)"
            XCTAssertNil(seen[strokes], "\(character) looks like \(seen[strokes] ?? " ")")
            seen[strokes] = character
        }
    }

    func testAccentsStandOverAndUnderTheirLetter() {
        let e = Glyph.of("e")
        let acute = Glyph.of("\u{E9}")
        // Composed or not, and the letter itself unchanged under it.
        XCTAssertEqual(acute.segments.map(\.0), Glyph.of("e\u{301}").segments.map(\.0))
        XCTAssertEqual(acute.segments.prefix(e.segments.count).map(\.0), e.segments.map(\.0))
        XCTAssertEqual(acute.width, e.width)
        XCTAssertTrue(acute.segments.dropFirst(e.segments.count).allSatisfy { $0.0.y > 12 && $0.1.y > 12 })
        let cedilla = Glyph.of("\u{E7}")
        let c = Glyph.of("c")
        XCTAssertTrue(cedilla.segments.dropFirst(c.segments.count).allSatisfy { $0.0.y <= 0 && $0.1.y <= 0 })
        // A capital makes room, an i loses its dot.
        XCTAssertTrue(Glyph.of("\u{C9}").segments.prefix(4).allSatisfy { $0.0.y < 12 })
        XCTAssertEqual(Glyph.of("\u{EF}").segments.count, 3)
        XCTAssertGreaterThan(Glyph.of("\u{EE}").width, Glyph.of("i").width)
    }

    func testUnknownCharactersAreABox() {
        let font = Font(size: 20)
        // Hebrew, a letter without a glyph under a known accent, and a known letter under an unknown accent.
        for text in ["\u{6F22}", "\u{5D0}", "\u{439}", "a\u{331}", "\u{1F415}", "\u{0}"] {
            XCTAssertFalse(Glyph.has(Character(text)))
            XCTAssertEqual(picture(text, font), picture("\u{6F22}", font), text)
        }
        XCTAssertNotEqual(picture("\u{6F22}", font), picture("o", font))
        XCTAssertNotEqual(picture("\u{6F22}", font), picture(" ", font))
        XCTAssertEqual(font.width(of: "a\tb"), font.width(of: "a b"))
    }

    func testTextStaysInsideWhatItMeasures() {
        for size: Float in [8, 11, 15, 20, 33] {
            for bold in [false, true] {
                let font = Font(size: size, isBold: bold)
                for text in printable.filter({ $0 != " " }).map(String.init) + [
                    "jumping dogs", "(a@b)", "W_", "\u{6F22}", "\u{C5}\u{17B}\u{150}", "\u{E9}\u{E7}\u{123}",
                ] {
                    let width = font.width(of: text)
                    var image = Image(width: width + 40, height: font.lineHeight + 40, color: (255, 255, 255))
                    XCTAssertEqual(image.draw(text, x: 20, y: 20, font: font), width)
                    guard let ink = inkBounds(image) else {
                        XCTFail("'\(text)' left no ink at \(size)")
                        continue
                    }
                    XCTAssertGreaterThanOrEqual(ink.x.lowerBound, 19 - Int(size / 8), "'\(text)' \(size)")
                    XCTAssertLessThanOrEqual(ink.x.upperBound, 20 + width + Int(size / 8), "'\(text)' \(size)")
                    XCTAssertGreaterThanOrEqual(ink.y.lowerBound, 20, "'\(text)' \(size)")
                    XCTAssertLessThan(ink.y.upperBound, 20 + font.lineHeight, "'\(text)' \(size)")
                }
            }
        }
    }

    func testTextIsClippedAtThePicturesEdges() {
        var image = Image(width: 10, height: 10, color: (255, 255, 255))
        image.draw("clipped everywhere", x: -20, y: -3, font: Font(size: 20))
        XCTAssertNotNil(inkBounds(image))
        image.draw("far away", x: 5000, y: -5000, font: Font(size: .nan))
    }

    func testWrappingFits() {
        let font = Font(size: 16)
        let text = "two dogs \n are playing with incomprehensibilities-and-antidisestablishmentarianism"
        let lines = font.wrap(text, width: 120)
        for line in lines { XCTAssertLessThanOrEqual(font.width(of: line), 120, line) }
        XCTAssertEqual(lines.joined().filter { $0 != " " }, text.filter { !$0.isWhitespace })
        XCTAssertEqual(font.wrap("", width: 50), [])
        XCTAssertEqual(font.wrap("abc", width: 1), ["a", "b", "c"])

        let fitted = font.fit(text, width: 120, lines: 2, smallest: 9)
        XCTAssertEqual(fitted.lines.count, 2)
        XCTAssertTrue(fitted.lines[1].hasSuffix("..."))
        for line in fitted.lines { XCTAssertLessThanOrEqual(fitted.font.width(of: line), 120) }
        XCTAssertEqual(font.fit("dog", width: 120, lines: 1, smallest: 9).font, font)
        XCTAssertLessThan(font.fit("extraordinarily", width: 100, lines: 1, smallest: 9).font.size, 16)
    }

    func testOutlineAndMark() {
        var image = Image(width: 20, height: 20, color: (90, 90, 90))
        image.outline(Rectangle(x0: 3.2, y0: 4, x1: 15, y1: 12.9), color: (255, 0, 0), thickness: 1)
        func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(image.pixels[(y * 20 + x) * 3..<(y * 20 + x) * 3 + 3]) }
        for x in 3..<15 { XCTAssertTrue(pixel(x, 4) == [255, 0, 0] && pixel(x, 12) == [255, 0, 0]) }
        for y in 4..<13 { XCTAssertTrue(pixel(3, y) == [255, 0, 0] && pixel(14, y) == [255, 0, 0]) }
        XCTAssertEqual(image.pixels.filter { $0 == 255 }.count, 2 * 12 + 2 * 7)

        let before = image
        image.outline(Rectangle(x0: .nan, y0: 0, x1: .nan, y1: 9))
        image.outline(Rectangle(x0: 30, y0: 30, x1: 40, y1: 40))
        image.mark(x: .nan, y: .infinity)
        image.mark(x: -400, y: 1e8)
        XCTAssertEqual(image, before)
        image.outline(Rectangle(x0: -1e300, y0: -.infinity, x1: .infinity, y1: 1e300), thickness: 1000)
        image.mark(x: 10, y: 9)
        XCTAssertEqual(pixel(10, 9), [255, 255, 255])
        XCTAssertEqual(pixel(10, 5), [255, 255, 255])
        image.mark(x: 0, y: 19)
        XCTAssertEqual(pixel(0, 19), [255, 255, 255])
    }

    func testPeak() {
        XCTAssertTrue(try XCTUnwrap(Peak.find([0, 1, 0, 0, 0, 5], width: 3)) == (2, 1))
        // Flat at the edge: the middle of the run.
        XCTAssertTrue(try XCTUnwrap(Peak.find([3, 3, 3, 0, 3, 3, 3, 0, 3, 3, 3, 0], width: 4)) == (1, 1))
        XCTAssertTrue(try XCTUnwrap(Peak.find([.nan, -2, .infinity, -1], width: 2)) == (1, 1))
        XCTAssertNil(Peak.find([2, 2], width: 2))
        XCTAssertNil(Peak.find([.nan], width: 1))
        XCTAssertNil(Peak.find([], width: 0))
    }

    private func picture(_ text: String, _ font: Font) -> Image {
        var image = Image(width: 40, height: 40, color: (255, 255, 255))
        image.draw(text, x: 5, y: 5, font: font)
        return image
    }
}

/// The columns and rows that are not white.
func inkBounds(_ image: Image) -> (x: ClosedRange<Int>, y: ClosedRange<Int>)? {
    var xs: [Int] = []
    var ys: [Int] = []
    for i in 0..<image.width * image.height where image.pixels[3 * i..<3 * i + 3].contains(where: { $0 < 250 }) {
        xs.append(i % image.width)
        ys.append(i / image.width)
    }
    guard let x0 = xs.min(), let x1 = xs.max(), let y0 = ys.min(), let y1 = ys.max() else { return nil }
    return (x0...x1, y0...y1)
}
