import Vision
import XCTest

@testable import Drawing

final class PictureTextTests: XCTestCase {
    private let map = Normalisation.unit([0, 0, 0, 1])
    private let words = "a black dog and a brown dog play with a ball in the tall grass near a white fence".split(
        separator: " "
    ).map(String.init)
    private var text: PictureText {
        PictureText(
            sentence: PictureText.sentence(words, explained: [2], unknown: [9]),
            facts: ["dog: p = 0.93, evidence +2.1 nats (regions +1.0, sentence -1.2)"],
            details: "for · grad-cam · the caption is the user's own")
    }

    private func overlay(_ width: Int, _ height: Int, _ text: PictureText?, hasLegend: Bool = true) -> Image {
        let whole = Rectangle(x0: 0, y0: 0, x1: Double(width), y1: Double(height))
        return MapDrawing(
            photo: Image(width: width, height: height, color: (90, 90, 90)),
            placement: Placement(
                originalWidth: width, originalHeight: height, modelWidth: 32, modelHeight: 32, rectangle: whole),
            style: DrawingStyle(hasLegend: hasLegend)
        ).images(of: map, width: 2, height: 2, name: "dog", text: text).overlay
    }

    func testPictureText_noTextOrNoLegend_drawsWhatWasDrawnWithout() {
        XCTAssertEqual(overlay(60, 40, text, hasLegend: false), overlay(60, 40, nil, hasLegend: false))
        XCTAssertEqual(overlay(60, 40, text, hasLegend: false).width, 60)
        XCTAssertEqual(overlay(60, 40, nil).width, 60)
    }

    func testPictureText_anyShape_isOnWhiteUnderThePictureAndInsideTheMargin() throws {
        for (width, height) in [(24, 24), (1, 1), (1, 900), (200, 800), (1000, 200), (500, 400), (2400, 1800)] {
            let picture = overlay(width, height, text)
            let plain = overlay(width, height, nil, hasLegend: false)
            let side = max(width, height)
            let drawn = side < 400 ? Int((Double(height) * 480 / Double(side)).rounded()) : height
            XCTAssertGreaterThanOrEqual(picture.width, 400)
            if side >= 400 {
                // The picture is at the upper left corner, as large as the photograph.
                for y in stride(from: 0, to: height, by: 7) {
                    XCTAssertEqual(
                        picture.pixels[y * picture.width * 3..<(y * picture.width + width) * 3],
                        plain.pixels[y * width * 3..<(y + 1) * width * 3])
                }
            }
            let under = Image(
                width: picture.width, height: picture.height - drawn,
                pixels: Array(picture.pixels[(drawn * picture.width * 3)...]))
            let ink = try XCTUnwrap(inkBounds(under))
            XCTAssertTrue(ink.x.lowerBound >= 6 && ink.x.upperBound < under.width - 6, "\(width)x\(height): \(ink)")
            XCTAssertTrue(ink.y.lowerBound >= 6 && ink.y.upperBound < under.height - 6, "\(width)x\(height): \(ink)")
        }
    }

    /// Each word of a long sentence adds ink: none is left out.
    func testPictureText_longSentences_areNotCutOff() throws {
        func height(_ sentence: [PictureText.Part]) -> Int {
            overlay(300, 400, PictureText(sentence: sentence)).height
        }
        let endless = String(repeating: "incomprehensibly", count: 4)
        let many = (0..<41).map { PictureText.Part("word\($0)") }
        let heights = [[], [.init("dog")], many, many + many, many + [.init(endless)] + many].map(height)
        XCTAssertEqual(heights, heights.sorted())
        XCTAssertEqual(Set(heights).count, heights.count)
        let sheet = overlay(300, 400, PictureText(sentence: [.init(endless, .explained)]))
        let bounds = try XCTUnwrap(inkBounds(sheet))
        XCTAssertLessThan(bounds.x.upperBound, sheet.width - 6)
    }

    /// The explained word's ground is the only warm colour under a picture with a gray legend.
    func testPictureText_explainedWord_isOnATintedGround() {
        func tinted(_ style: PictureText.Style, isAgainst: Bool = false) -> (warm: Int, cool: Int) {
            var image = Image(width: 400, height: 60, color: (255, 255, 255))
            RichText([.init("a dog", style), .init("?")], width: 380, size: 20, smallest: 12, lines: 3).draw(
                into: &image, x: 10, y: 10, isAgainst: isAgainst)
            let pixels = (0..<400 * 60).map { (Int(image.pixels[3 * $0]), Int(image.pixels[3 * $0 + 2])) }
            return (pixels.filter { $0.0 > $0.1 + 30 }.count, pixels.filter { $0.1 > $0.0 + 30 }.count)
        }
        XCTAssertTrue(tinted(.plain) == (0, 0) && tinted(.unknown) == (0, 0))
        let explained = tinted(.explained)
        XCTAssertTrue(explained.warm > 500 && explained.cool == 0)
        let against = tinted(.explained, isAgainst: true)
        XCTAssertTrue(against.cool > 500 && against.warm == 0)
    }

    func testPictureText_sentence_marksTheWordsOfItsIndices() {
        XCTAssertEqual(
            PictureText.sentence(["a", "zebu", "stands"], explained: [1], unknown: [1]),
            [.init("a"), .init("zebu", [.explained, .unknown]), .init("stands")])
    }

    func testProbabilityText_anyNumber_isReadable() {
        let expected: [(Double, String)] = [
            (0, "0"), (1, "1"), (-0.1, "0"), (1.0000001, "1"), (.nan, "unknown"), (0.93, "0.93"), (0.5, "0.50"),
            (0.0604, "0.060"), (0.0999, "0.10"), (0.012, "0.012"), (0.01, "0.010"), (0.00999, "1 in 100"),
            (1.0 / 120, "1 in 120"), (9.45e-5, "1 in 10,600"), (6e-4, "1 in 1,670"), (1e-9, "1 in 1,000,000,000"),
            (9e-10, "less than 1 in a billion"), (.leastNonzeroMagnitude, "less than 1 in a billion"),
            (0.994, "0.99"), (0.9962, "0.996"), (0.99962, "0.9996"), (0.99999, "more than 0.9999"),
        ]
        for (p, text) in expected { XCTAssertEqual(probabilityText(p), text, "\(p)") }
        XCTAssertEqual(probabilityText(Float(9.45e-5)), "1 in 10,600")
    }
}
