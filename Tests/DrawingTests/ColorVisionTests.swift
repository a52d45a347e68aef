import Drawing
import XCTest

/// The default colours in print, on a projector and for colour-blind readers.
final class ColorVisionTests: XCTestCase {
    private typealias Color = SIMD3<Double>

    /// How a reader sees linear light: G. Machado et al., "A physiologically-based model for simulation of color vision
    /// deficiency", 2009, severity 1. The rows give red, green and blue.
    private enum Sight: CaseIterable {
        case usual, deuteranopia, protanopia

        func callAsFunction(_ light: Color) -> Color {
            let rows: [Color]
            switch self {
            case .usual: return light
            case .deuteranopia:
                rows = [
                    Color(0.367322, 0.860646, -0.227968), Color(0.280085, 0.672501, 0.047413),
                    Color(-0.011820, 0.042940, 0.968881),
                ]
            case .protanopia:
                rows = [
                    Color(0.152286, 1.052583, -0.204868), Color(0.114503, 0.786281, 0.099216),
                    Color(-0.003882, -0.048116, 1.051998),
                ]
            }
            let seen = Color((rows[0] * light).sum(), (rows[1] * light).sum(), (rows[2] * light).sum())
            return seen.clamped(lowerBound: Color(repeating: 0), upperBound: Color(repeating: 1))
        }
    }

    /// sRGB to linear light (IEC 61966-2-1).
    private func light(_ color: (UInt8, UInt8, UInt8)) -> Color {
        func linear(_ byte: UInt8) -> Double {
            let c = Double(byte) / 255
            return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4)
        }
        return Color(linear(color.0), linear(color.1), linear(color.2))
    }

    /// CIE L*a*b* of linear light, with the white of sRGB.
    private func lab(_ light: Color) -> Color {
        func f(_ t: Double) -> Double { t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116 }
        let x = f((Color(0.4124564, 0.3575761, 0.1804375) * light).sum() / 0.95047)
        let y = f((Color(0.2126729, 0.7151522, 0.0721750) * light).sum())
        let z = f((Color(0.0193339, 0.1191920, 0.9503041) * light).sum() / 1.08883)
        return Color(116 * y - 16, 500 * (x - y), 200 * (y - z))
    }

    /// Entries of the table that are not lighter than the entry before.
    private func falls(_ map: ColorMap, _ sight: Sight) -> Int {
        let lightness = map.table.map { lab(sight(light($0))).x }
        return zip(lightness, lightness.dropFirst()).filter { $1 <= $0 }.count
    }

    func testWarmAndCool_lightness_risesWithEveryEntryForEveryReader() {
        for map in [ColorMap.warm, .cool] {
            for sight in Sight.allCases { XCTAssertEqual(falls(map, sight), 0, "\(map), \(sight)") }
            let ends = [map.table[0], map.table[255]].map { lab(light($0)).x }
            XCTAssertTrue(ends[0] < 10 && ends[1] > 88, "\(map): \(ends)")
        }
        for sight in Sight.allCases { XCTAssertGreaterThan(falls(.turbo, sight), 100, "\(sight)") }
    }

    /// A printer without colours, or a gray PNG: luma of Rec. 601, rounded to whole grays. Neighbours may fall on one
    /// gray, none on a darker one, and 32 steps are told apart.
    func testWarmAndCool_grayPrint_keepsTheOrder() {
        func gray(_ map: ColorMap) -> [Int] {
            map.table.map { color -> Int in
                (299 * Int(color.0) + 587 * Int(color.1) + 114 * Int(color.2) + 500) / 1000
            }
        }
        func isRising(_ map: ColorMap) -> Bool {
            let all = gray(map)
            let steps = stride(from: 7, through: 255, by: 8).map { all[$0] }
            return zip(all, all.dropFirst()).allSatisfy { $0 <= $1 }
                && zip(steps, steps.dropFirst()).allSatisfy { $0 + 2 <= $1 }
        }
        XCTAssertTrue(isRising(.warm))
        XCTAssertTrue(isRising(.cool))
        XCTAssertFalse(isRising(.turbo))
    }

    /// For and against are told apart at every level above 0.25, by ten times what is just noticeable (2.3), by every
    /// reader.
    func testWarmAndCool_sameLevel_areToldApartByEveryReader() {
        func least(_ a: ColorMap, _ b: ColorMap, _ sight: Sight) -> Double {
            (64...255).map { level in
                let d = lab(sight(light(a.table[level]))) - lab(sight(light(b.table[level])))
                return (d * d).sum().squareRoot()
            }.min() ?? 0
        }
        for sight in Sight.allCases {
            XCTAssertGreaterThan(least(.warm, .cool, sight), 60, "\(sight)")
            XCTAssertLessThan(least(.magma, .inferno, sight), 23, "\(sight)")
        }
    }
}
