import Foundation
import XCTest

@testable import Vision

/// Where a file says how it is to be turned. That the eight orientations turn an image as Pillow does is a test of
/// `ImageDecodingTests`.
final class OrientationTests: XCTestCase {
    private func jpeg(_ segments: [(UInt8, [UInt8])]) throws -> Image {
        try Image.decode(ImageBytes.jpeg(segments, before: ImageBytes.small.jpegData(quality: 95)), name: "x")
    }

    private func png(_ chunks: [[UInt8]], afterPixels: Bool = false) throws -> Image {
        try Image.decode(
            ImageBytes.png(chunks, in: ImageBytes.small.pngData(), afterPixels: afterPixels), name: "x")
    }

    func testOrientation_inEveryPlaceOfAJPEG_isObeyed() throws {
        let stored = try jpeg([])
        for value in 1...8 {
            let expected = try stored.upright(XCTUnwrap(Orientation(rawValue: value)))
            let xmp = ImageBytes.xmpHeader, text = String(value)
            let places: [(String, [(UInt8, [UInt8])])] = [
                ("EXIF", [(0xE1, ImageBytes.exif(value))]),
                ("EXIF with two headers", [(0xE1, Array("Exif\0\0".utf8) + ImageBytes.exif(value))]),
                ("XMP element", [(0xE1, xmp + ImageBytes.xmp(element: text))]),
                ("XMP attribute", [(0xE1, xmp + ImageBytes.xmp(attribute: text))]),
                ("XMP after others", [(0xE0, [1, 2]), (0xE2, [3]), (0xE1, xmp + ImageBytes.xmp(attribute: text))]),
                (
                    "XMP after EXIF without",
                    [
                        (0xE1, ImageBytes.exif(5, tag: 0x0113)), (0xE1, xmp + ImageBytes.xmp(element: text)),
                    ]
                ),
            ]
            for (place, segments) in places { XCTAssertEqual(try jpeg(segments), expected, "\(place) \(value)") }
        }
    }

    func testOrientation_inEveryPlaceOfAPNG_isObeyed() throws {
        let header = ImageBytes.xmpHeader
        for value in 1...8 {
            let expected = try ImageBytes.small.upright(XCTUnwrap(Orientation(rawValue: value)))
            let exif = ImageBytes.exif(value), xmp = ImageBytes.xmp(element: String(value))
            var chunks = [ImageBytes.chunk("eXIf", ImageBytes.tiff(value)), ImageBytes.chunk("eXIf", exif)]
            for (name, text) in [
                ("Raw profile type exif", ImageBytes.profile("exif", exif)),
                ("Raw profile type exif", ImageBytes.profile("exif", ImageBytes.tiff(value, big: false))),
                ("Raw profile type APP1", ImageBytes.profile("APP1", exif)),
                ("Raw profile type APP1", ImageBytes.profile("generic profile", header + xmp)),
                ("Raw profile type xmp", ImageBytes.profile("xmp", xmp)),
                ("XML:com.adobe.xmp", xmp), ("XML:com.adobe.xmp", ImageBytes.xmp(attribute: String(value))),
            ] { chunks += ImageBytes.texts(name, text) }
            XCTAssertEqual(chunks.count, 30)
            for (number, chunk) in chunks.enumerated() {
                XCTAssertEqual(try png([chunk]), expected, "place \(number), orientation \(value)")
                XCTAssertEqual(try png([chunk], afterPixels: true), expected, "place \(number), \(value), at the end")
            }
        }
    }

    /// As Pillow 13's `ImageOps.exif_transpose`.
    func testOrientation_whereSeveralDisagree_isEXIFs() throws {
        let stored = try jpeg([])
        func turned(_ value: Int) throws -> Image { try stored.upright(XCTUnwrap(Orientation(rawValue: value))) }
        func xmp(_ value: Int) -> (UInt8, [UInt8]) {
            (0xE1, ImageBytes.xmpHeader + ImageBytes.xmp(element: String(value)))
        }
        let exif: (UInt8, [UInt8]) = (0xE1, ImageBytes.exif(6))
        XCTAssertEqual(try jpeg([exif, xmp(3)]), try turned(6))
        XCTAssertEqual(try jpeg([xmp(3), exif]), try turned(6))
        XCTAssertEqual(try jpeg([xmp(3), (0xE1, ImageBytes.exif(1))]), stored)
        // The tag is there, though its value means nothing.
        XCTAssertEqual(try jpeg([xmp(3), (0xE1, ImageBytes.exif(9))]), stored)
        XCTAssertEqual(try jpeg([exif, (0xE1, ImageBytes.exif(3))]), try turned(6))
        XCTAssertEqual(try jpeg([xmp(3), xmp(8)]), try turned(8))
        XCTAssertEqual(try jpeg([xmp(3), (0xE1, Array("Exif\0\0".utf8) + [1, 2, 3])]), try turned(3))

        func turnedPNG(_ value: Int) throws -> Image {
            try ImageBytes.small.upright(XCTUnwrap(Orientation(rawValue: value)))
        }
        let chunk = ImageBytes.chunk("eXIf", ImageBytes.tiff(6))
        let profile = ImageBytes.texts("Raw profile type exif", ImageBytes.profile("exif", ImageBytes.exif(3)))[1]
        let app1 = ImageBytes.texts("Raw profile type APP1", ImageBytes.profile("APP1", ImageBytes.exif(5)))[0]
        let packet = ImageBytes.texts("XML:com.adobe.xmp", ImageBytes.xmp(element: "8"))[3]
        XCTAssertEqual(try png([packet, app1, profile, chunk]), try turnedPNG(6))
        XCTAssertEqual(try png([packet, app1, profile]), try turnedPNG(3))
        XCTAssertEqual(try png([packet, app1]), try turnedPNG(5))
        let untagged = ImageBytes.chunk("eXIf", ImageBytes.tiff(6, tag: 0x0113))
        XCTAssertEqual(try png([untagged, packet, profile]), try turnedPNG(8))
    }

    func testOrientation_inBothByteOrders_isRead() {
        func value(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { Orientation(exif: $0[...])?.rawValue } }
        for big in [true, false] {
            for type in [3, 4, 8, 9] {
                for orientation in 1...8 {
                    XCTAssertEqual(value(ImageBytes.tiff(orientation, big: big, type: type)), orientation)
                }
                for other in [0, 9, 65535] { XCTAssertEqual(value(ImageBytes.tiff(other, big: big, type: type)), 1) }
            }
            for type in [0, 1, 2, 5, 99] { XCTAssertEqual(value(ImageBytes.tiff(6, big: big, type: type)), 1) }
            for count in [0, 2, 0xFFFF_FFFF] { XCTAssertEqual(value(ImageBytes.tiff(6, big: big, count: count)), 1) }
            XCTAssertNil(value(ImageBytes.tiff(6, big: big, tag: 0x0113)))
            for offset in [0, 9, 1000, 0x7FFF_FFFF, 0xFFFF_FFFF] {
                XCTAssertNil(value(ImageBytes.tiff(6, big: big, offset: offset)))
            }
            XCTAssertEqual(value(ImageBytes.tiff(6, big: big, entries: 65535)), 6)
            let whole = ImageBytes.tiff(6, big: big)
            for count in 0..<whole.count { XCTAssertNil(value(Array(whole.prefix(count)))) }
        }
    }

    func testOrientation_inOddXMP_isReadOrPassedOver() {
        func value(_ text: String) -> Int? { Array(text.utf8).withUnsafeBytes { Orientation(xmp: $0[...])?.rawValue } }
        XCTAssertEqual(value("<a tiff:Orientation = '6'/>"), 6)
        XCTAssertEqual(value("<tiff:Orientation>\n 6 \n</tiff:Orientation>"), 6)
        XCTAssertEqual(value("tiff:Orientation, <tiff:Orientation/> <tiff:Orientation>6"), 6)
        XCTAssertEqual(value("<tiff:Orientation>3</tiff:Orientation><a tiff:Orientation=\"6\"/>"), 3)
        for text in ["0", "9", "16", "61"] { XCTAssertEqual(value("<a tiff:Orientation=\"\(text)\"/>"), 1) }
        for text in [
            "", "tiff:Orientation", "tiff:Orientation=", "tiff:Orientation=\"", "tiff:Orientation=6",
            "tiff:Orientation>x", "tiff:orientation=\"6\"", "Orientation=\"6\"", "tiff:Orientation=\"six\"",
        ] { XCTAssertNil(value(text), text) }
    }

    /// Each is more than is looked at, or damaged; the image is read as if it were not there.
    func testDecode_withHostileMetadata_isQuickAndUpright() throws {
        let late = [UInt8](repeating: 0x20, count: 1 << 20) + ImageBytes.xmp(element: "6")
        let nested = Array(String(repeating: "<a>", count: 300_000).utf8) + ImageBytes.xmp(element: "6")
        let name = "XML:com.adobe.xmp", bomb = Array(name.utf8) + [0, 0] + ImageBytes.zlibBomb(10_000)
        let chunks: [[UInt8]] =
            [late, [UInt8](repeating: 0, count: 100)].flatMap { ImageBytes.texts(name, $0) }
            + ImageBytes.texts("Raw profile type exif", Array("\nexif\n99999999999999999999\n45786g".utf8))
            + ImageBytes.texts("Raw profile type exif", Array("\nexif".utf8))
            + [
                ImageBytes.chunk("zTXt", bomb), ImageBytes.chunk("zTXt", Array(name.utf8)),
                ImageBytes.chunk("zTXt", Array(name.utf8) + [0]),
                ImageBytes.chunk("zTXt", Array(name.utf8) + [0, 1, 2]),
                ImageBytes.chunk("zTXt", Array(name.utf8) + [0, 0, 0x78, 0x01, 0xFF, 0xFF]),
                ImageBytes.chunk("iTXt", Array(name.utf8) + [0]),
                ImageBytes.chunk("iTXt", Array(name.utf8) + [0, 0, 0]),
                ImageBytes.chunk("iTXt", Array(name.utf8) + [0, 1, 1, 0, 0, 1]),
                ImageBytes.chunk("iTXt", Array(name.utf8) + [0, 0, 0, 0x41, 0]),
                ImageBytes.chunk("eXIf", []), ImageBytes.chunk("eXIf", Array("MM\0*".utf8)),
            ]
        for (number, chunk) in chunks.enumerated() {
            XCTAssertEqual(try png([chunk]), ImageBytes.small, "chunk \(number)")
        }
        let many = [[UInt8]](repeating: ImageBytes.chunk("zTXt", bomb), count: 200)
        XCTAssertEqual(try png(many), ImageBytes.small)
        XCTAssertEqual(try png([ImageBytes.texts(name, nested)[1]]), ImageBytes.small.upright(.turned90))

        let stored = try jpeg([])
        let full = [UInt8](repeating: 0x3C, count: 65_533 - ImageBytes.xmpHeader.count)
        XCTAssertEqual(try jpeg([(0xE1, ImageBytes.xmpHeader + full)]), stored)
        XCTAssertEqual(try jpeg([(0xE1, ImageBytes.xmpHeader)]), stored)
        XCTAssertEqual(try jpeg([(0xE1, Array("Exif\0\0".utf8))]), stored)
        // Extended XMP is not read.
        let extended = Array("http://ns.adobe.com/xmp/extension/\0".utf8) + ImageBytes.xmp(element: "6")
        XCTAssertEqual(try jpeg([(0xE1, extended)]), stored)
    }
}
