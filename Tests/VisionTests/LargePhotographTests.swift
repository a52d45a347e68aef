import Foundation
import XCTest

@testable import Vision

/// Images of more pixels than are of use, with a small number in the place of 52 million.
final class LargePhotographTests: XCTestCase {
    func testReduction_ofASize_isTheLargestThatFits() {
        func reduction(_ width: Int, _ height: Int) -> Int {
            DecodedImage.reduction(width: width, height: height, most: DecodedImage.mostPixels)
        }
        XCTAssertEqual(reduction(8192, 6144), 1)
        XCTAssertEqual(reduction(9248, 6936), 2)
        XCTAssertEqual(reduction(12000, 9000), 2)
        XCTAssertEqual(reduction(16320, 12240), 2)
        XCTAssertEqual(reduction(30000, 30000), 8)
        XCTAssertEqual(DecodedImage.reduction(width: 100, height: 100, most: 1), 8)
        XCTAssertEqual(DecodedImage.reduction(width: 5, height: 5, most: 9), 2)
    }

    func testDecode_ofAnOrdinaryPhotograph_isWhole() throws {
        for item in try ImagingCases.load().decoded {
            let decoded = try DecodedImage(Data(contentsOf: ImagingCases.url(item.file)), name: item.file)
            XCTAssertEqual(decoded.image, try ImagingCases.image(item.file))
            XCTAssertEqual([decoded.fileWidth, decoded.fileHeight], [item.width, item.height])
            XCTAssertEqual(decoded.warnings, [])
        }
    }

    func testDecode_ofALargeJPEG_isReducedAndSaysSo() throws {
        let bytes = try Image(width: 333, height: 170, color: (200, 100, 50)).jpegData()
        for (most, size) in [(56_610, [333, 170]), (56_609, [167, 85]), (14_194, [84, 43]), (1, [42, 22])] {
            let decoded = try DecodedImage(bytes, name: "a.jpg", most: most)
            XCTAssertEqual([decoded.image.width, decoded.image.height], size)
            XCTAssertLessThanOrEqual(abs(Int(decoded.image.pixels[0]) - 200), 3)
            XCTAssertEqual([decoded.fileWidth, decoded.fileHeight], [333, 170])
            let warning =
                "a.jpg: it is read at \(size[0])x\(size[1]) of its 333x170 pixels, as it has more than \(most)"
            XCTAssertEqual(decoded.warnings, size[0] == 333 ? [] : [warning])
        }
        let turned = ImageBytes.jpeg([(0xE1, ImageBytes.exif(6))], before: bytes)
        let decoded = try DecodedImage(turned, name: "a.jpg", most: 20_000)
        XCTAssertEqual(
            [decoded.image.width, decoded.image.height, decoded.fileWidth, decoded.fileHeight], [85, 167, 170, 333])
        XCTAssertEqual(try Image.decode(bytes, name: "x").width, 333)
    }

    /// Of every depth and colour type, with transparency and interlaced.
    func testDecode_ofALargePNG_isTheMeanOfSquares() throws {
        for item in try ImagingCases.load().decoded where item.file.hasSuffix(".png") && item.file != "exif6png.png" {
            let bytes = try Data(contentsOf: ImagingCases.url(item.file))
            let image = try Image.decode(bytes, name: item.file)
            for side in [2, 4, 8] {
                let width = (image.width + side - 1) / side, height = (image.height + side - 1) / side
                let reduced = try DecodedImage(bytes, name: item.file, most: width * height)
                XCTAssertEqual(reduced.image, mean(image, side), "\(item.file) \(side)")
                XCTAssertEqual(reduced.fileWidth, image.width)
            }
        }
    }

    func testDecode_ofAnInterlacedPNGOfAnySize_isTheMeanOfSquares() throws {
        // Single rows and columns leave passes empty.
        let bytes = try Data(contentsOf: ImagingCases.url("rgb8i.png"))
        let whole = try Image.decode(bytes, name: "x")
        XCTAssertEqual(try DecodedImage(bytes, name: "x", most: 1).image, mean(whole, 8))
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 3), (8, 8), (9, 17)] {
            let file = interlaced(width: width, height: height)
            let image = try Image.decode(file, name: "x")
            XCTAssertEqual([image.width, image.height], [width, height])
            for most in [1, 4, 20] {
                let side = DecodedImage.reduction(width: width, height: height, most: most)
                XCTAssertEqual(
                    try DecodedImage(file, name: "x", most: most).image, mean(image, side), "\(width)x\(height) \(side)"
                )
            }
        }
    }

    func testDecode_ofMorePixelsThanTheLimit_namesTheOption() throws {
        var limits = ImageLimits.standard
        XCTAssertEqual(limits.pixels, 200_000_000)
        limits.pixels = 5_000_000
        func header(_ width: Int, _ height: Int) throws -> Data {
            var bytes = try ImageBytes.small.pngData()
            bytes.replaceSubrange(16..<24, with: ImageBytes.number(width, 4) + ImageBytes.number(height, 4))
            return bytes
        }
        assertImageError(.tooLarge, "6 megapixels", "at most 5 ", "--max-pixels") {
            try DecodedImage(header(3000, 2000), name: "x", limits: limits)
        }
        assertImageError(.tooLarge, "20000x10001 is 200020000 pixels; at most 200000000 are read", "--max-pixels") {
            try DecodedImage(header(20_000, 10_001), name: "x")
        }
        assertImageError(.truncated) { try DecodedImage(header(20_000, 10_000), name: "x") }
    }

    /// The mean of each square, rounded.
    private func mean(_ image: Image, _ side: Int) -> Image {
        let width = (image.width + side - 1) / side, height = (image.height + side - 1) / side
        var pixels: [UInt8] = []
        for v in 0..<height {
            for u in 0..<width {
                for c in 0..<3 {
                    var sum = 0, count = 0
                    for y in v * side..<min((v + 1) * side, image.height) {
                        for x in u * side..<min((u + 1) * side, image.width) {
                            sum += Int(image.pixels[(y * image.width + x) * 3 + c])
                            count += 1
                        }
                    }
                    pixels.append(UInt8((sum + count / 2) / count))
                }
            }
        }
        return Image(width: width, height: height, pixels: pixels)
    }

    /// A gray interlaced PNG whose samples count up.
    private func interlaced(width: Int, height: Int) -> Data {
        var data: [UInt8] = []
        for (x0, y0, dx, dy) in [
            (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
        ] where x0 < width {
            for y in stride(from: y0, to: height, by: dy) {
                data += [0] + stride(from: x0, to: width, by: dx).map { UInt8(truncatingIfNeeded: y * 31 + $0 * 7) }
            }
        }
        return ImageBytes.grayPNG(ImageBytes.zlib(data), width: width, height: height, interlaced: true)
    }
}
