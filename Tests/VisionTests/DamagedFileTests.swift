import Foundation
import TestSupport
import XCTest

@testable import Vision

/// Files that end early, and files that cost more than they hold.
final class DamagedFileTests: XCTestCase {
    /// Noise, so that each row of blocks takes many bytes.
    private func noise(width: Int, height: Int) -> Image {
        var state: UInt32 = 1
        return Image(
            width: width, height: height,
            pixels: (0..<width * height * 3).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return UInt8(state >> 24)
            })
    }

    // MARK: Missing ends

    func testDecode_ofAJPEGWithoutItsEndMarker_returnsTheImageAndWarns() throws {
        for name in ["ycc420.jpg", "progressive.jpg", "progressive420.jpg", "gray.jpg", "cmyk.jpg", "restart.jpg"] {
            let whole = try Data(contentsOf: ImagingCases.url(name))
            XCTAssertEqual(try DecodedImage(whole, name: name).warnings, [])
            for count in [1, 2] {
                let decoded = try DecodedImage(whole.dropLast(count), name: name)
                XCTAssertEqual(decoded.image, try Image.decode(whole, name: name), name)
                XCTAssertEqual(decoded.warnings.count, 1, name)
                XCTAssertTrue(decoded.warnings[0].hasPrefix("\(name): "), decoded.warnings[0])
                XCTAssertTrue(decoded.warnings[0].contains("end marker"), decoded.warnings[0])
            }
        }
    }

    /// Baseline and progressive files of 33 rows of blocks have one rule.
    func testDecode_ofAJPEGCutInItsLastRowOfBlocks_returnsTheRestAndWarns() throws {
        let baseline = try noise(width: 24, height: 264).jpegData(quality: 90)
        let progressive = try Data(contentsOf: Fixture.url("damaged/tall-progressive.jpg"))
        for whole in [baseline, progressive] {
            let image = try Image.decode(whole, name: "x"), above = 256 * image.width * 3
            for count in [10, 20] {
                let cut = try DecodedImage(whole.dropLast(count), name: "x")
                XCTAssertEqual(cut.image.pixels[..<above], image.pixels[..<above])
                XCTAssertNotEqual(cut.image, image)
                XCTAssertEqual(
                    cut.warnings,
                    ["x: the file ends early: the last 8 of its 264 rows of pixels are not complete"])
            }
            assertImageError(.truncated, "truncated") {
                try Image.decode(whole.prefix(whole.count * 9 / 10), name: "x")
            }
        }
    }

    func testDecode_ofASmallJPEGCutInItsLastRowOfBlocks_throws() throws {
        let bytes = try noise(width: 24, height: 40).jpegData(quality: 90)
        assertImageError(.truncated, "truncated") { try Image.decode(bytes.dropLast(10), name: "x") }
    }

    /// Without its last scan a progressive file looks whole, but is not.
    func testDecode_ofAProgressiveJPEGWithoutAScan_throws() throws {
        let bytes = [UInt8](try Data(contentsOf: ImagingCases.url("progressive.jpg")))
        let scans = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
        XCTAssertGreaterThan(scans.count, 5)
        for scan in scans.dropFirst() {
            assertImageError(.truncated) { try Image.decode(Data(bytes[..<scan]), name: "x") }
        }
    }

    // MARK: Few bytes, many pixels

    /// A file with another size and another kind of frame in its header.
    private func jpeg(_ name: String, width: Int, height: Int, frame kind: UInt8? = nil) throws -> Data {
        var bytes = try Data(contentsOf: ImagingCases.url(name))
        let frame = try XCTUnwrap(
            bytes.indices.dropLast(9).first { bytes[$0] == 0xFF && [0xC0, 0xC2].contains(bytes[$0 + 1]) })
        if let kind { bytes[frame + 1] = kind }
        bytes.replaceSubrange(frame + 5..<frame + 9, with: ImageBytes.number(height, 2) + ImageBytes.number(width, 2))
        return bytes
    }

    func testDecode_ofAJPEGTooShortForItsPixels_throwsAtOnce() throws {
        for (name, coding) in [("ycc444.jpg", 0xC0), ("progressive.jpg", 0xC2)] as [(String, UInt8)] {
            assertImageError(.truncated, "cannot hold the 10000x10000 pixels") {
                try Image.decode(jpeg(name, width: 10000, height: 10000, frame: coding), name: "x")
            }
        }
        // Two bits for each block, or one: the file is large enough for one of the two.
        let bytes = try jpeg("gray.jpg", width: 800, height: 800), blocks = 10_000
        XCTAssertLessThan(bytes.count, blocks / 8)
        func padded(_ bytes: Data, to count: Int) -> Data { bytes + Data(count: count - bytes.count) }
        assertImageError(.truncated, "cannot hold") { try Image.decode(padded(bytes, to: blocks / 5), name: "x") }
        assertImageError(.corrupt) { try Image.decode(padded(bytes, to: blocks / 4), name: "x") }
        let progressive = try jpeg("grayprogressive.jpg", width: 800, height: 800)
        assertImageError(.truncated, "cannot hold") { try Image.decode(padded(progressive, to: 1249), name: "x") }
        assertImageError(.corrupt) { try Image.decode(padded(progressive, to: 1250), name: "x") }
    }

    /// Arithmetic frames are SOF9 and SOF10.
    func testDecode_ofAnArithmeticJPEGOfFewBytes_isReadOnlyIfSmall() throws {
        for (name, coding) in [("ycc444.jpg", 0xC9), ("progressive.jpg", 0xCA)] as [(String, UInt8)] {
            assertImageError(.unsupported, "too few for a photograph of 10000x10000 pixels", "arithmetic") {
                try Image.decode(jpeg(name, width: 10000, height: 10000, frame: coding), name: "x")
            }
            // Its bytes are not arithmetic codes, but whatever they are, they are decoded.
            do {
                let image = try Image.decode(jpeg(name, width: 640, height: 480, frame: coding), name: "x")
                XCTAssertEqual(image.width, 640)
            } catch let error as ImageError {
                XCTAssertEqual(error.kind, .corrupt)
            }
            // Its decoder reads zeros where the data end, so without the end marker nothing tells that they are whole.
            assertImageError(.truncated) {
                try Image.decode(
                    jpeg("gray.jpg", width: 640, height: 480, frame: 0xC9).dropLast(2), name: "x")
            }
        }
    }

    /// Scans that say in 150 bytes that all blocks of 81 megapixels are empty.
    func testDecode_ofALargeProgressiveJPEGWithManyScans_throws() throws {
        func segment(_ marker: UInt8, _ body: [UInt8]) -> [UInt8] {
            [0xFF, marker] + ImageBytes.number(body.count + 2, 2) + body
        }
        // A code of one bit, 0: with the 14 bits behind it, the next 16,384 blocks are empty.
        let table: [UInt8] = [0x10, 1] + [UInt8](repeating: 0, count: 15) + [0xE0]
        let scan = segment(0xDA, [1, 1, 0, 1, 63, 0]) + [UInt8](repeating: 0, count: 150)
        func file(_ side: Int, scans: Int) -> Data {
            let frame = [8] + ImageBytes.number(side, 2) + ImageBytes.number(side, 2) + [1, 1, 0x11, 0]
            let header = [0xFF, 0xD8] + segment(0xDB, [0] + [UInt8](repeating: 1, count: 64)) + segment(0xC2, frame)
            let bytes = header + segment(0xC4, table) + (0..<scans).flatMap { _ in scan } + [0xFF, 0xD9]
            return Data(bytes) + Data(count: side * side / 64 / 8)
        }
        XCTAssertEqual(try Image.decode(file(800, scans: 60), name: "x").width, 800)
        assertImageError(.unsupported, "more than 25 scans") { try Image.decode(file(9000, scans: 60), name: "x") }
    }

    // MARK: PNGs

    func testDecode_ofAPNGWithMoreDataThanPixels_isBounded() throws {
        let pixels = [UInt8](repeating: 0, count: 65 * 64)
        let black = Image(width: 64, height: 64)
        XCTAssertEqual(
            try Image.decode(ImageBytes.grayPNG(ImageBytes.zlib(pixels), width: 64, height: 64), name: "x"), black)
        // A little more is passed over, as libpng does.
        let more = ImageBytes.zlib(pixels + [UInt8](repeating: 7, count: 1000))
        XCTAssertEqual(try Image.decode(ImageBytes.grayPNG(more, width: 64, height: 64), name: "x"), black)
        let chunks = ImageBytes.png(
            [ImageBytes.chunk("IDAT", [1, 2, 3])],
            in: ImageBytes.grayPNG(ImageBytes.zlib(pixels), width: 64, height: 64),
            afterPixels: true)
        XCTAssertEqual(try Image.decode(chunks, name: "x"), black)
        // 22 MB in 140 kB. At 512 MiB of file, it would be 80 GB.
        for most in [Int.max, 100] {
            assertImageError(.corrupt, "more data than the pixels") {
                try DecodedImage(
                    ImageBytes.grayPNG(ImageBytes.zlibBomb(86_000), width: 64, height: 64), name: "x", most: most)
            }
        }
    }

    func testDecode_ofAPNGWithCompressedChunks_doesNotUnpackThem() throws {
        let bomb = ImageBytes.zlibBomb(1000), name = Array("name\0".utf8)
        for chunk in [
            ImageBytes.chunk("iCCP", name + [0] + bomb), ImageBytes.chunk("zTXt", name + [0] + bomb),
            ImageBytes.chunk("iTXt", name + [1, 0, 0, 0] + bomb), ImageBytes.chunk("zTXt", name),
            ImageBytes.chunk("iCCP", []), ImageBytes.chunk("sPLT", name + [99]), ImageBytes.chunk("prVt", bomb),
        ] {
            let file = ImageBytes.png([chunk, chunk], in: try ImageBytes.small.pngData())
            XCTAssertEqual(try Image.decode(file, name: "x"), ImageBytes.small)
        }
    }
}
