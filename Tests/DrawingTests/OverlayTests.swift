import Drawing
import Vision
import XCTest

final class OverlayTests: XCTestCase {
    /// Black, white, red and mid-gray.
    private let photo = Image(width: 2, height: 2, pixels: [0, 0, 0, 255, 255, 255, 200, 0, 0, 100, 100, 100])

    /// The contrast is 0.82, and black becomes 20. 8 % of the colour stay: red 200, whose luma is 60, is (71, 55, 55) before.
    func testOverlay_lowValues_keepTheGrayPhotograph() {
        let drawn = Overlay.draw(photo, map: [0, 0, 0, 0], colorMap: .jet, opacity: 1)
        XCTAssertEqual(Array(drawn.pixels[0..<6]), [20, 20, 20, 229, 229, 229])
        assertPixel(drawn, 2, (78, 65, 65))
        assertPixel(drawn, 3, (102, 102, 102))
    }

    /// An orange suit has no colour that could be taken for heat: at no level of the map is it more colourful than gray
    /// of the same luma by more than 10 of 255.
    func testOverlay_orangePhotograph_looksLikeGray() {
        let orange = Image(width: 1, height: 1, color: (255, 110, 0))
        let gray = Image(width: 1, height: 1, color: (141, 141, 141))
        for level in 0...20 {
            let map = [Float(level) / 20]
            let (a, b) = (Overlay.draw(orange, map: map).pixels, Overlay.draw(gray, map: map).pixels)
            for (a, b) in zip(a, b) { XCTAssertLessThanOrEqual(abs(Int(a) - Int(b)), 10) }
        }
    }

    func testOverlay_highValues_areTheColourTimesTheOpacity() {
        let full = Overlay.draw(photo, map: [1, 1, 1, 1], colorMap: .viridis, opacity: 1)
        for i in 0..<4 { assertPixel(full, i, (253, 231, 37)) }
        let half = Overlay.draw(photo, map: [1, 1, 1, 1], colorMap: .gray, opacity: 0.5)
        // Half of white, and half of the gray photograph: 20 for black, 229 for white.
        assertPixel(half, 0, (138, 138, 138))
        assertPixel(half, 1, (242, 242, 242))
        XCTAssertEqual(
            Overlay.draw(photo, map: [1, 1, 1, 1], opacity: 0), Overlay.draw(photo, map: [0, 0, 0, 0], opacity: 1))
    }

    func testOverlay_middleValues_areCoveredInPart() {
        // The opacity rises up to 0.7. At 0.35 it is half of its maximum. Level 89 of 255 is 0.349.
        let drawn = Overlay.draw(photo, map: [0.35, 0.35, 0.35, 0.35], colorMap: .gray, opacity: 1)
        // Half of 89, and half of 20 or 229.
        assertPixel(drawn, 0, (55, 55, 55), within: 1)
        assertPixel(drawn, 1, (159, 159, 159), within: 1)
    }

    func testOverlay_evenBlend_coversLowValues() {
        let drawn = Overlay.draw(photo, map: [0, 0.5, 1, 0], colorMap: .gray, opacity: 0.5, blend: .even)
        assertPixel(drawn, 0, (0, 0, 0))
        // Half of white, and half of the colour map's 128.
        assertPixel(drawn, 1, (192, 192, 192))
        assertPixel(drawn, 2, (228, 128, 128))
        // Half of the photograph with its own colour, and half of black.
        assertPixel(drawn, 3, (50, 50, 50))
        let cold = Overlay.draw(photo, map: [0, 0, 0, 0], colorMap: .gray, opacity: 0.5, blend: .even)
        assertPixel(cold, 2, (100, 0, 0))
    }

    func testOverlay_signedMap_coversBothEndsAndNotZero() {
        let gray = Image(width: 3, height: 1, color: (100, 100, 100))
        let drawn = Overlay.draw(gray, map: [-1, 0, 1], colorMap: .coolwarm, opacity: 1, isSigned: true)
        assertPixel(drawn, 0, ColorMap.coolwarm.color(0))
        assertPixel(drawn, 1, (102, 102, 102), within: 1)
        assertPixel(drawn, 2, ColorMap.coolwarm.color(1))
        let alone = Overlay.heatMap([-1, 0, 1], width: 3, height: 1, colorMap: .coolwarm, isSigned: true)
        assertPixel(alone, 1, ColorMap.coolwarm.color(128.0 / 255))
    }

    func testOverlay_unseenPart_isDarkGray() {
        let wide = Image(width: 4, height: 3, color: (200, 0, 0))
        let map = [Float](repeating: 1, count: 12)
        // The columns have the centres 0.5, 1.5, 2.5 and 3.5. The columns 1 and 2 are inside, and row 1.
        let seen = Rectangle(x0: 1.2, y0: 1, x1: 3.4, y1: 2)
        let drawn = Overlay.draw(wide, map: map, colorMap: .gray, opacity: 1, seen: seen)
        for y in 0..<3 {
            for x in 0..<4 {
                let inside = y == 1 && (1...2).contains(x)
                assertPixel(drawn, y * 4 + x, inside ? (255, 255, 255) : (24, 24, 24))
            }
        }
        let alone = Overlay.heatMap(map, width: 4, height: 3, colorMap: .gray, seen: seen)
        assertPixel(alone, 0, (70, 70, 70))
        assertPixel(alone, 5, (255, 255, 255))
        assertPixel(alone, 7, (70, 70, 70))
        let nowhere = Rectangle(x0: -.infinity, y0: .nan, x1: .infinity, y1: .nan)
        assertPixel(Overlay.heatMap(map, width: 4, height: 3, seen: nowhere), 5, (70, 70, 70))
    }

    func testOverlay_valuesOutsideAndNaN_areClippedOrUnseen() {
        let drawn = Overlay.heatMap([-5, 1e30, .infinity, .nan], width: 2, height: 2, colorMap: .viridis)
        assertPixel(drawn, 0, ColorMap.viridis.color(0))
        assertPixel(drawn, 1, ColorMap.viridis.color(1))
        assertPixel(drawn, 2, ColorMap.viridis.color(1))
        assertPixel(drawn, 3, (70, 70, 70))
        XCTAssertEqual(Overlay.draw(photo, map: [0, 0, 0, 0], opacity: .nan), Overlay.draw(photo, map: [0, 0, 0, 0]))
    }

    func testHeatMap_everyLevel_hasItsColour() {
        for level in 0...255 {
            let drawn = Overlay.heatMap([Float(level) / 255], width: 1, height: 1, colorMap: .gray)
            assertPixel(drawn, 0, (UInt8(level), UInt8(level), UInt8(level)))
        }
    }

    private func assertPixel(
        _ image: Image, _ index: Int, _ color: (UInt8, UInt8, UInt8), within tolerance: Int = 0, line: UInt = #line
    ) {
        let pixel = Array(image.pixels[3 * index..<3 * index + 3])
        for (a, b) in zip(pixel, [color.0, color.1, color.2]) where abs(Int(a) - Int(b)) > tolerance {
            XCTFail("pixel \(index) is \(pixel), expected \(color)", line: line)
        }
    }
}
