import Vision
import XCTest

@testable import Drawing

final class FontTests: XCTestCase {
    private let printable = (0x20...0x7E).compactMap { UnicodeScalar($0).map(Character.init) }

    func testGlyph_printableCharacters_areAllDifferent() {
        var seen: [String: Character] = [:]
        for character in printable {
            XCTAssertTrue(Glyph.has(character), "\(character)")
            let strokes = "\(Glyph.of(character).segments)"
            if character != " " { XCTAssertNotEqual(strokes, "[]", "\(character)") }
            XCTAssertNil(seen[strokes], "\(character) looks like \(seen[strokes] ?? " ")")
            seen[strokes] = character
        }
    }

    func testGlyph_latin1AndLatinExtendedA_areAllDifferent() {
        // The characters from the inverted exclamation mark to the long s, without the soft hyphen.
        let latin = (0xA1...0x17F).filter { $0 != 0xAD }.compactMap { UnicodeScalar($0).map(Character.init) }
        var seen: [String: Character] = [:]
        for character in printable + latin {
            XCTAssertTrue(Glyph.has(character), "\(character)")
            let strokes = "\(Glyph.of(character).segments)"
            XCTAssertNil(seen[strokes], "\(character) looks like \(seen[strokes] ?? " ")")
            seen[strokes] = character
        }
    }

    func testGlyph_accents_areAboveOrBelowTheLetter() {
        let e = Glyph.of("e")
        let acute = Glyph.of("\u{E9}")
        // Both spellings have the same glyph, which begins with the strokes of the letter.
        XCTAssertEqual(acute.segments.map(\.0), Glyph.of("e\u{301}").segments.map(\.0))
        XCTAssertEqual(acute.segments.prefix(e.segments.count).map(\.0), e.segments.map(\.0))
        XCTAssertEqual(acute.width, e.width)
        XCTAssertTrue(acute.segments.dropFirst(e.segments.count).allSatisfy { $0.0.y > 12 && $0.1.y > 12 })
        let cedilla = Glyph.of("\u{E7}")
        let c = Glyph.of("c")
        XCTAssertTrue(cedilla.segments.dropFirst(c.segments.count).allSatisfy { $0.0.y <= 0 && $0.1.y <= 0 })
        // A capital is lowered. An i loses its dot.
        XCTAssertTrue(Glyph.of("\u{C9}").segments.prefix(4).allSatisfy { $0.0.y < 12 })
        XCTAssertEqual(Glyph.of("\u{EF}").segments.count, 3)
        XCTAssertGreaterThan(Glyph.of("\u{EE}").width, Glyph.of("i").width)
    }

    func testGlyph_unknownCharacters_areABox() {
        let font = Font(size: 20)
        // Among them are a Hebrew letter, an unknown letter with a known accent and a known letter with an unknown one.
        for text in ["\u{6F22}", "\u{5D0}", "\u{439}", "a\u{331}", "\u{1F415}", "\u{0}"] {
            XCTAssertFalse(Glyph.has(Character(text)))
            XCTAssertEqual(image(of: text, font), image(of: "\u{6F22}", font), text)
        }
        XCTAssertNotEqual(image(of: "\u{6F22}", font), image(of: "o", font))
        XCTAssertNotEqual(image(of: "\u{6F22}", font), image(of: " ", font))
        XCTAssertEqual(font.width(of: "a\tb"), font.width(of: "a b"))
    }

    func testFont_drawnText_staysInsideItsWidth() {
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

    func testFont_textBeyondTheImage_isClipped() {
        var image = Image(width: 10, height: 10, color: (255, 255, 255))
        image.draw("clipped everywhere", x: -20, y: -3, font: Font(size: 20))
        XCTAssertNotNil(inkBounds(image))
        image.draw("far away", x: 5000, y: -5000, font: Font(size: .nan))
    }

    func testFont_wrapAndFit_keepTheWidth() {
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

    private func image(of text: String, _ font: Font) -> Image {
        var image = Image(width: 40, height: 40, color: (255, 255, 255))
        image.draw(text, x: 5, y: 5, font: font)
        return image
    }
}
