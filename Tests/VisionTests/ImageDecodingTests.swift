import Foundation
import TestSupport
import XCTest

@testable import Vision

final class ImageDecodingTests: XCTestCase {
    /// Photograph-like rows, noise and rows of one value, in more bytes than a block of the compressor holds.
    func testPNGEncode_ofALargeImage_decodesToTheVerySamples() throws {
        let width = 1_201, height = 700
        for channels in [1, 3, 4] {
            var state: UInt32 = 1
            let samples = (0..<height).flatMap { y in
                (0..<width * channels).map { x -> UInt8 in
                    state = state &* 1_664_525 &+ 1_013_904_223
                    let noise = y / 100 % 3 == 2 ? 0 : Int(state >> (y / 100 % 3 == 0 ? 30 : 24))
                    // Opaque, so that the colours are the samples.
                    if channels == 4 && x % 4 == 3 { return 255 }
                    return UInt8(truncatingIfNeeded: (y < 300 ? x / 5 + y / 3 : y / 50) + noise)
                }
            }
            let png = try PNG.encode(samples, width: width, height: height, channels: channels)
            let image = try Image.decode(png, name: "x")
            XCTAssertEqual([image.width, image.height], [width, height])
            let expected =
                switch channels {
                case 1: samples.flatMap { [$0, $0, $0] }
                case 3: samples
                default: samples.enumerated().filter { $0.offset % 4 < 3 }.map(\.element)
                }
            XCTAssertTrue(image.pixels == expected, "\(channels) channels")
        }
    }

    /// PNG is exact. The expected JPEG pixels are from another version of libjpeg-turbo, whose inverse transform and
    /// colour conversion may each round differently by one (2.1.5 and 3.2.0 are equal).
    func testDecode_ofEveryVariant_matchesPillow() throws {
        let cases = try ImagingCases.load().decoded, expected = try ImagingCases.expected()
        XCTAssertEqual(cases.count, 61)
        for item in cases {
            let image = try ImagingCases.image(item.file)
            XCTAssertEqual([image.width, image.height], [item.width, item.height], item.file)
            let pixels = expected[item.offset..<item.offset + item.width * item.height * 3]
            let tolerance = item.file.hasSuffix(".jpg") ? 2 : 0
            XCTAssertLessThanOrEqual(difference(image, pixels), tolerance, item.file)
        }
    }

    func testDecode_underAWrongName_goesByTheBytes() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let png = try Data(contentsOf: ImagingCases.url("rgb8.png"))
        let lying = folder.appendingPathComponent("photo.jpg")
        try png.write(to: lying)
        XCTAssertEqual(try Image.read(lying), try ImagingCases.image("rgb8.png"))

        try Data("not an image at all\n".utf8).write(to: lying)
        assertImageError(.unsupported, "photo.jpg", "a text file", "in spite of its name", "JPEG") {
            try Image.read(lying)
        }
        let others: [(String, [UInt8])] = [
            ("GIF", Array("GIF89a".utf8)), ("WebP", Array("RIFF\0\0\0\0WEBPVP8 ".utf8)),
            ("HEIC", [0, 0, 0, 24] + Array("ftypheic".utf8)), ("AVIF", [0, 0, 0, 24] + Array("ftypavif".utf8)),
            ("video", [0, 0, 0, 24] + Array("ftypisom".utf8)), ("TIFF", Array("II*\0".utf8)),
            ("BMP", Array("BM".utf8) + [9, 9, 9, 9, 0, 0, 0, 0]), ("JPEG XL", [0xFF, 0x0A]),
            ("PDF", Array("%PDF-1.7".utf8)),
            ("SVG", Array("<svg xmlns='x'>".utf8)), ("HTML", Array("<!DOCTYPE html>".utf8)),
            ("neither", [0, 1, 2, 3, 4, 5]), ("neither", [0xFF, 0xD8]), ("neither", [0x89]),
            ("a text file", Array(String(repeating: "é", count: 400).utf8.dropFirst(2)) + [0x20]),
            ("a text file", Array((" " + String(repeating: "é", count: 400)).utf8)),
        ]
        for (word, bytes) in others {
            assertImageError(.unsupported, word) { try Image.decode(Data(bytes), name: "x") }
        }
    }

    func testRead_ofEmptyMissingAndSpecialFiles_throws() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let empty = folder.appendingPathComponent("empty.png")
        try Data().write(to: empty)
        assertImageError(.truncated, "empty.png", "0 bytes") { try Image.read(empty) }
        assertImageError(.unreadable, "folder") { try Image.read(folder) }
        assertImageError(.missing, "none.png") { try Image.read(folder.appendingPathComponent("none.png")) }
        assertImageError(.missing, "nor its folder") { try Image.read(folder.appendingPathComponent("no/none.png")) }
        assertImageError(.unreadable, "not a plain file") { try Image.read(URL(fileURLWithPath: "/dev/zero")) }
        let pipe = folder.appendingPathComponent("pipe")
        XCTAssertEqual(mkfifo(pipe.path, 0o600), 0)
        assertImageError(.unreadable, "not a plain file") { try Image.read(pipe) }
        let link = folder.appendingPathComponent("link.png")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: ImagingCases.url("rgb8.png"))
        XCTAssertEqual(try Image.read(link).width, 21)
        assertImageError(.tooLarge, "MiB") { try Image.read(link, limits: ImageLimits(bytes: 100)) }
    }

    func testDecode_ofEveryPrefix_throwsOrReturnsTheImage() throws {
        for item in try ImagingCases.load().decoded {
            let whole = try Data(contentsOf: ImagingCases.url(item.file))
            let image = try Image.decode(whole, name: item.file)
            for count in 0..<whole.count {
                // A PNG may lack its last chunk, and a JPEG of one scan its end marker and padding bits. The image is
                // then still complete.
                do {
                    let shorter = try Image.decode(whole.prefix(count), name: item.file)
                    XCTAssertGreaterThanOrEqual(
                        count, whole.count - 12, "\(item.file) opened at \(count) of \(whole.count)")
                    XCTAssertEqual(shorter, image, "\(item.file) at \(count)")
                } catch {
                    XCTAssertTrue(error is ImageError, "\(error)")
                }
            }
        }
    }

    func testDecode_ofATruncatedFile_saysTruncated() throws {
        for name in ["ycc420.jpg", "progressive.jpg", "restart.jpg", "cmyk.jpg", "rgb8.png", "rgba8i.png"] {
            let whole = try Data(contentsOf: ImagingCases.url(name))
            assertImageError(.truncated, "truncated", name) {
                try Image.decode(whole.prefix(whole.count * 3 / 4), name: name)
            }
        }
    }

    func testDecode_ofDamagedBytes_neverCrashes() throws {
        var state: UInt64 = 42
        func random(_ n: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % n
        }
        let limits = ImageLimits(pixels: 1_000_000)
        var failures = 0
        for item in try ImagingCases.load().decoded {
            let whole = try Data(contentsOf: ImagingCases.url(item.file))
            for _ in 0..<60 {
                var bytes = whole
                for _ in 0...random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
                do { _ = try Image.decode(bytes, name: item.file, limits: limits) } catch is ImageError {
                    failures += 1
                }
            }
        }
        XCTAssertGreaterThan(failures, 100)
    }

    func testDecode_withTooLargeSizesInTheHeader_throws() throws {
        func png(_ width: UInt32, _ height: UInt32) throws -> Data {
            var bytes = try Data(contentsOf: ImagingCases.url("rgb8.png"))
            for i in 0..<4 {
                bytes[16 + i] = UInt8(truncatingIfNeeded: width >> UInt32(24 - 8 * i))
                bytes[20 + i] = UInt8(truncatingIfNeeded: height >> UInt32(24 - 8 * i))
            }
            return bytes
        }
        assertImageError(.tooLarge, "60000x60000", "30000") { try Image.decode(png(60000, 60000), name: "x") }
        assertImageError(.tooLarge, "60000x10", "30000") { try Image.decode(png(60000, 10), name: "x") }
        assertImageError(.tooLarge, "20000x20000", "400 megapixels") { try Image.decode(png(20000, 20000), name: "x") }
        assertImageError(.tooLarge) { try Image.decode(png(.max, .max), name: "x") }
        assertImageError(.corrupt) { try Image.decode(png(0, 10), name: "x") }
        assertImageError(.truncated, "10000x10000") { try Image.decode(png(10000, 10000), name: "x") }

        func jpeg(_ width: UInt16, _ height: UInt16, _ name: String = "ycc420.jpg") throws -> Data {
            var bytes = try Data(contentsOf: ImagingCases.url(name))
            let frame = try XCTUnwrap(
                bytes.indices.dropLast(9).first { bytes[$0] == 0xFF && [0xC0, 0xC2].contains(bytes[$0 + 1]) })
            (bytes[frame + 5], bytes[frame + 6]) = (UInt8(height >> 8), UInt8(height & 255))
            (bytes[frame + 7], bytes[frame + 8]) = (UInt8(width >> 8), UInt8(width & 255))
            return bytes
        }
        XCTAssertEqual(try Image.decode(jpeg(45, 35), name: "x").width, 45)
        assertImageError(.tooLarge, "65500") { try Image.decode(jpeg(65535, 65535), name: "x") }
        assertImageError(.tooLarge, "60000x8") { try Image.decode(jpeg(60000, 8), name: "x") }
        assertImageError(.tooLarge, "megapixels") { try Image.decode(jpeg(20000, 20000), name: "x") }
        assertImageError(.truncated, "10000x10000") { try Image.decode(jpeg(10000, 10000), name: "x") }
        assertImageError(.truncated, "10000x10000") {
            try Image.decode(jpeg(10000, 10000, "progressive.jpg"), name: "x")
        }
        assertImageError(.corrupt) { try Image.decode(jpeg(0, 10), name: "x") }
    }

    func testDecode_ofAProgressiveFileWithManyScans_throws() throws {
        let bytes = [UInt8](try Data(contentsOf: ImagingCases.url("grayprogressive.jpg")))
        // The first scan, from its marker to the next one.
        let start = try XCTUnwrap(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA })
        let end = try XCTUnwrap(
            bytes.indices.dropLast().first { $0 > start + 1 && bytes[$0] == 0xFF && bytes[$0 + 1] != 0 })
        func repeated(_ n: Int) -> Data {
            Data(bytes[..<end] + (0..<n).flatMap { _ in bytes[start..<end] } + bytes[end...])
        }
        XCTAssertEqual(try Image.decode(repeated(20), name: "x").width, 45)
        assertImageError(.unsupported, "scans") { try Image.decode(repeated(5000), name: "x") }
    }

    func testRead_withAShortSide_shrinksTheJPEG() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = folder.appendingPathComponent("big.jpg")
        try Image(width: 333, height: 170, color: (200, 100, 50)).write(to: url)
        for (side, size) in [
            (nil, [333, 170]), (170, [333, 170]), (85, [167, 85]), (50, [167, 85]), (40, [84, 43]), (1, [42, 22]),
        ] {
            let image = try Image.read(url, atLeast: side)
            XCTAssertEqual([image.width, image.height], size)
            XCTAssertLessThanOrEqual(abs(Int(image.pixels[0]) - 200), 3)
        }
    }

    func testPNG_encodedAndDecoded_isEqual() throws {
        let image = try ImagingCases.image("resize.png")
        XCTAssertEqual(try Image.decode(image.pngData(), name: "x"), image)
        let gray = (0..<35).map { UInt8($0 * 7) }
        let opened = try Image.decode(PNG.encode(gray, width: 7, height: 5, channels: 1), name: "x")
        XCTAssertEqual(opened.pixels, gray.flatMap { [$0, $0, $0] })
        let rgba: [UInt8] = [10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 51]
        XCTAssertEqual(
            try Image.decode(PNG.encode(rgba, width: 3, height: 1, channels: 4), name: "x").pixels,
            [10, 20, 30, 255, 255, 255, 204, 204, 204])
    }

    func testJPEG_atTwoQualities_isNearTheImage() throws {
        let image = try ImagingCases.image("ycc444.jpg")
        let fine = try image.jpegData(quality: 98), coarse = try image.jpegData(quality: 30)
        XCTAssertLessThan(coarse.count, fine.count)
        XCTAssertLessThanOrEqual(difference(try Image.decode(fine, name: "x"), image.pixels[...]), 12)
        XCTAssertGreaterThan(difference(try Image.decode(coarse, name: "x"), image.pixels[...]), 20)
        assertImageError(.unwritable, "65500") { try Image(width: 65_501, height: 1).jpegData() }
    }

    func testWrite_toEachFileName_choosesTheFormat() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let image = try ImagingCases.image("rgb8.png")
        for (name, first) in [("a.png", 0x89), ("a.JPG", 0xFF), ("a", 0x89)] as [(String, UInt8)] {
            let url = folder.appendingPathComponent(name)
            try image.write(to: url)
            XCTAssertEqual(try Data(contentsOf: url).first, first)
        }
        XCTAssertThrowsError(try image.write(to: folder.appendingPathComponent("no/such/a.png")))
    }
}
