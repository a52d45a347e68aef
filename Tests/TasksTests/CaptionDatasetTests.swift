import Foundation
import Tasks
import TestSupport
import XCTest

final class CaptionDatasetTests: XCTestCase {
    private var folder = URL(fileURLWithPath: "/")

    override func setUpWithError() throws {
        folder = try Fixture.temporaryFolder()
        let images = folder.appendingPathComponent("images/sub")
        try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
        for name in ["a.jpg", "b.jpg", "c d.jpg", "sub/e.jpg"] {
            try Data().write(to: folder.appendingPathComponent("images/\(name)"))
        }
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func dataset(_ csv: Data, split: Data? = nil) throws -> CaptionDataset {
        let captions = folder.appendingPathComponent("captions.csv")
        let names = folder.appendingPathComponent("split.txt")
        try csv.write(to: captions)
        try split?.write(to: names)
        return try CaptionDataset(
            images: folder.appendingPathComponent("images"), captions: captions, split: split == nil ? nil : names)
    }

    private func dataset(_ csv: String, split: String? = nil) throws -> CaptionDataset {
        try dataset(Data(csv.utf8), split: split.map { Data($0.utf8) })
    }

    private func message(_ csv: String, split: String? = nil) -> String {
        do {
            _ = try dataset(csv, split: split)
            return "accepted"
        } catch {
            return "\(error)".replacingOccurrences(of: folder.path + "/", with: "")
        }
    }

    func testCaptionsFile_withQuotes_isReadAsRFC4180() throws {
        let data = try dataset(
            "image,caption\r\na.jpg,\"a dog , a \"\"big\"\" one\"\r\n\"b.jpg\",plain , with \"quotes\" inside\r\n"
                + "a.jpg,\"over\ntwo lines\"  \n\n  \nc d.jpg,no line feed at the end")
        XCTAssertEqual(data.entries.map(\.image), ["a.jpg", "b.jpg", "c d.jpg"])
        XCTAssertEqual(data.entries[0].captions, ["a dog , a \"big\" one", "over\ntwo lines"])
        XCTAssertEqual(data.entries[1].captions, ["plain , with \"quotes\" inside"])
        XCTAssertEqual(data.entries[2].captions, ["no line feed at the end"])
        XCTAssertEqual(data.imageURL("c d.jpg").path, folder.path + "/images/c d.jpg")
    }

    func testCaptionDataset_withASplit_hasItsImagesInItsOrder() throws {
        let csv = "\u{FEFF}image,caption\na.jpg,one\nb.jpg,two\nmissing.jpg,three\nsub/e.jpg,four\n"
        let data = try dataset(csv, split: "sub/e.jpg\r\n\n  a.jpg \n")
        XCTAssertEqual(data.entries.map(\.image), ["sub/e.jpg", "a.jpg"])
        XCTAssertEqual(data.entries.map(\.captions), [["four"], ["one"]])
    }

    func testCaptionsFile_withErrors_isRefusedWithItsLine() {
        let head = "image,caption\n"
        let cases: [(String, String)] = [
            ("", "captions.csv: the file is empty"),
            ("\u{FEFF}", "captions.csv: the file is empty"),
            (head, "captions.csv: has no captions"),
            ("a.jpg,one\n", "captions.csv, line 1: the header must be 'image,caption', found 'a.jpg,one'"),
            ("image\tcaption\n", "captions.csv, line 1: has no comma"),
            (head + "\na.jpg one\n", "captions.csv, line 3: has no comma"),
            (head + "a.jpg,one\na.jpg,\n", "captions.csv, line 3: the caption of a.jpg is empty"),
            (head + "a.jpg,\"\"\n", "captions.csv, line 2: the caption of a.jpg is empty"),
            (head + ",one\n", "captions.csv, line 2: the image's name is empty"),
            (
                head + "a.jpg,one\na.jpg,\"two\nb.jpg,three\n",
                "captions.csv, line 3: a quote is opened here and never closed"
            ),
            (head + "a.jpg,\"", "captions.csv, line 2: a quote is opened here and never closed"),
            (head + "a.jpg,\"one\" two\n", "captions.csv, line 2: text follows the closing quote"),
            (head + "missing.jpg,one\n", "images/missing.jpg: the image is missing"),
            (head + "x.jpg,one\na.jpg,one\ny.jpg,two\n", "images/x.jpg: the image is missing (2 of the 3 images are)"),
        ]
        for (csv, expected) in cases {
            let message = message(csv)
            XCTAssertTrue(message.hasPrefix(expected), "\(csv.debugDescription): \(message)")
        }
    }

    func testImageName_outsideTheFolder_isRefused() throws {
        try Data().write(to: folder.appendingPathComponent("secret.jpg"))
        for name in [
            "../secret.jpg", "/etc/passwd", "sub/../../secret.jpg", "..", ".", "sub//e.jpg", "a.jpg/", "a\u{1}.jpg",
        ] {
            let expected = "line 2: \(name.debugDescription) is no name of an image inside the image folder"
            XCTAssertTrue(
                message("image,caption\n\(name),one\n").contains(expected), message("image,caption\n\(name),one\n"))
        }
        XCTAssertTrue(
            message("image,caption\na.jpg,one\n", split: "a.jpg\n../secret.jpg\n").contains("split.txt, line 2:"))
    }

    func testSplit_withErrors_isRefusedWithItsLine() {
        let csv = "image,caption\na.jpg,one\nb.jpg,two\n"
        XCTAssertEqual(message(csv, split: ""), "split.txt: the split is empty: it names no image")
        XCTAssertEqual(message(csv, split: "\n \n"), "split.txt: the split is empty: it names no image")
        XCTAssertEqual(
            message(csv, split: "a.jpg\nz.jpg\n"), "split.txt, line 2: z.jpg has no captions in captions.csv")
        XCTAssertEqual(
            message(csv, split: "a.jpg\nb.jpg\na.jpg\n"), "split.txt, line 3: a.jpg is there already, on line 1")
    }

    func testCaptionDataset_ofInvalidUTF8_isRefusedWithItsLine() {
        XCTAssertThrowsError(try dataset(Data("image,caption\na.jpg,".utf8) + Data([0xC3, 0x28, 0x0A]))) {
            XCTAssertTrue("\($0)".hasSuffix("captions.csv, line 2: is not valid UTF-8"), "\($0)")
        }
        XCTAssertThrowsError(try dataset(Data("image,caption\na.jpg,one\n".utf8), split: Data([0x61, 0xFF, 0x0A]))) {
            XCTAssertTrue("\($0)".hasSuffix("split.txt, line 1: is not valid UTF-8"), "\($0)")
        }
    }

    func testCaptionDataset_ofMissingFiles_isRefused() {
        func message(_ images: String, _ captions: String) -> String {
            do {
                _ = try CaptionDataset(
                    images: folder.appendingPathComponent(images), captions: folder.appendingPathComponent(captions),
                    split: nil)
                return "accepted"
            } catch { return "\(error)".replacingOccurrences(of: folder.path + "/", with: "") }
        }
        XCTAssertEqual(message("nowhere", "x.csv"), "nowhere: the image folder is missing, or is no folder")
        XCTAssertEqual(message("images/a.jpg", "x.csv"), "images/a.jpg: the image folder is missing, or is no folder")
        XCTAssertEqual(message("images", "x.csv"), "x.csv: the file of captions is missing")
        XCTAssertEqual(message("images", "images"), "images: is a folder; a file of captions is needed")
    }
}
