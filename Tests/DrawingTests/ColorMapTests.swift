import Drawing
import TestSupport
import XCTest

final class ColorMapTests: XCTestCase {
    /// Compares every entry of every table with matplotlib's (Fixtures/colormaps.py).
    func testColorMap_tables_agreeWithMatplotlib() throws {
        let text = try String(contentsOf: Fixture.url("colormaps.txt"), encoding: .utf8)
        var compared = 0
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            let map = try XCTUnwrap(ColorMap(rawValue: String(parts[0])))
            let bytes = stride(from: 0, to: parts[1].count, by: 2).map { i in
                Int(parts[1].dropFirst(i).prefix(2), radix: 16) ?? -1
            }
            XCTAssertEqual(map.table.count, 256)
            var worst = 0
            for (i, color) in map.table.enumerated() {
                for (ours, theirs) in zip([color.0, color.1, color.2], bytes[3 * i..<3 * i + 3]) {
                    worst = max(worst, abs(Int(ours) - theirs))
                }
            }
            XCTAssertLessThanOrEqual(worst, 3, map.rawValue)
            compared += 1
        }
        XCTAssertEqual(compared, ColorMap.allCases.filter { $0 != .warm && $0 != .cool }.count)
    }

    func testColorMap_endsAndValuesOutside_haveTheEndColours() {
        XCTAssertTrue(ColorMap.gray.color(0) == (0, 0, 0) && ColorMap.gray.color(1) == (255, 255, 255))
        XCTAssertTrue(ColorMap.gray.color(0.5) == (128, 128, 128))
        XCTAssertTrue(ColorMap.jet.color(0) == (0, 0, 128) && ColorMap.jet.color(1) == (128, 0, 0))
        XCTAssertTrue(ColorMap.viridis.color(0) == (68, 1, 84) && ColorMap.viridis.color(1) == (253, 231, 37))
        for map in ColorMap.allCases {
            XCTAssertTrue(map.color(-3) == map.color(0) && map.color(7) == map.color(1), map.rawValue)
            XCTAssertTrue(map.color(-.infinity) == map.color(0) && map.color(.infinity) == map.color(1), map.rawValue)
            XCTAssertTrue(map.color(.nan) == map.color(0), map.rawValue)
        }
    }

    func testColorMap_perceptualMaps_riseInLightness() {
        for map in [ColorMap.viridis, .magma, .inferno, .gray] {
            let luminance = map.table.map { 0.2126 * linear($0.0) + 0.7152 * linear($0.1) + 0.0722 * linear($0.2) }
            for (a, b) in zip(luminance, luminance.dropFirst()) {
                XCTAssertGreaterThanOrEqual(b, a - 1e-3, map.rawValue)
            }
            XCTAssertGreaterThan(luminance[255], luminance[0] + 0.4)
        }
    }

    func testColorMap_divergingMap_isNeutralAtItsCentre() {
        let (r, g, b) = ColorMap.coolwarm.color(0.5)
        XCTAssertLessThanOrEqual(Int(max(r, g, b)) - Int(min(r, g, b)), 4)
        XCTAssertEqual(ColorMap.allCases.filter(\.isDiverging), [.coolwarm])
        let cold = ColorMap.coolwarm.color(0)
        let warm = ColorMap.coolwarm.color(1)
        XCTAssertGreaterThan(cold.2, cold.0)
        XCTAssertGreaterThan(warm.0, warm.2)
    }

    /// sRGB to linear light (IEC 61966-2-1).
    private func linear(_ byte: UInt8) -> Double {
        let c = Double(byte) / 255
        return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4)
    }
}
