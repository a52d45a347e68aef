import Foundation
import Support
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Tasks

/// The cache of features: which file is taken, which is computed again.
final class FeatureCacheTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory
    private let preprocessing = Preprocessing(
        width: 4, height: 4, fit: .squash, filter: .bilinear, mean: [0, 0, 0], std: [1, 1, 1])

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func image(_ name: String, gray: UInt8) throws -> URL {
        let url = folder.appendingPathComponent(name)
        try Image(width: 4, height: 4, color: (gray, gray, gray)).write(to: url)
        return url
    }

    /// The cache, and whether it was computed.
    private func open(
        _ images: [URL], key: String = "key", factor: Float = 1, flips: Bool = false, check: () throws -> Void = {}
    ) throws -> (cache: FeatureCache, isNew: Bool) {
        var isNew = false
        let cache = try FeatureCache(
            images: images, preprocessing: preprocessing, augmentation: Augmentation(flips: flips), folder: folder,
            name: "c", key: key, front: { Variable($0).scaled(by: factor).value }, check: check,
            progress: { _, _ in isNew = true })
        return (cache, isNew)
    }

    func testFeatureCache_openedAgain_isReadAndNotComputed() throws {
        let images = [try image("a.png", gray: 10), try image("b.png", gray: 20)]
        XCTAssertTrue(try open(images).isNew)
        let (cache, isNew) = try open(images, factor: 2)
        XCTAssertFalse(isNew)
        XCTAssertEqual(cache.shape, [4, 4, 3])
        XCTAssertEqual(cache.batch([1, 0]).array, [20, 10].flatMap { [Float](repeating: $0, count: 48) })
        // Another key, number of images or number of copies is another cache.
        XCTAssertTrue(try open(images, key: "other").isNew)
        XCTAssertTrue(try open(images + images, key: "other").isNew)
        XCTAssertTrue(try open(images + images, key: "other", flips: true).isNew)
        XCTAssertFalse(try open(images + images, key: "other", flips: true).isNew)
    }

    /// Every damage is noticed before a row is read: a file that is too short would end the process.
    func testFeatureCache_damaged_isComputedAgain() throws {
        let images = [try image("a.png", gray: 10), try image("b.png", gray: 20)]
        _ = try open(images)
        let url = folder.appendingPathComponent("c.f16")
        let good = try Data(contentsOf: url)
        XCTAssertEqual(good.count, 128 + 2 * 48 * 2)
        func number(_ value: UInt64, at place: Int) -> Data {
            var data = good
            data.replaceSubrange(place..<place + 8, with: withUnsafeBytes(of: value.littleEndian) { Data($0) })
            return data
        }
        let damages: [(String, Data)] = [
            ("empty", Data()), ("cut in its header", good.prefix(100)), ("cut", good.dropLast()),
            ("longer", good + Data([0])), ("of another kind", Data("x".utf8) + good.dropFirst()),
            ("without rows", number(0, at: 72)), ("of fewer rows", number(1, at: 72)),
            ("of more rows", number(3, at: 72)), ("of a huge shape", number(.max, at: 80)),
            ("whose size overflows", number(1 << 62, at: 96)), ("of another shape", number(8, at: 80)),
        ]
        for (what, data) in damages {
            try data.write(to: url)
            let (cache, isNew) = try open(images)
            XCTAssertTrue(isNew, "a file \(what)")
            XCTAssertEqual(cache.batch([1]).array, [Float](repeating: 20, count: 48), what)
            XCTAssertEqual(try Data(contentsOf: url), good, what)
        }
    }

    func testFeatureCache_thatMustNotBeKept_leavesNoFile() throws {
        struct Failure: Error {}
        let images = [try image("a.png", gray: 10)]
        XCTAssertThrowsError(try open(images, check: { throw Failure() }))
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["a.png"])
        XCTAssertTrue(try open(images).isNew)
    }

    // MARK: The images' hashes

    func testImageHashes_ofUnchangedImages_areKnownWithoutReading() throws {
        let images = [try image("a.png", gray: 10), try image("b.png", gray: 20)]
        let file = folder.appendingPathComponent("images.json")
        let first = ImageHashes(file)
        let hashes = try first.hashes(images + [folder.appendingPathComponent("none.png")])
        XCTAssertEqual(hashes, [sha256(try Data(contentsOf: images[0])), sha256(try Data(contentsOf: images[1])), ""])
        XCTAssertEqual(first.readCount, 2)
        let second = ImageHashes(file)
        XCTAssertEqual(try second.hashes(images), Array(hashes.prefix(2)))
        XCTAssertEqual(second.readCount, 0)
        // Damaged, it is made anew.
        try Data("{\"/a\":{\"status\":7}}".utf8).write(to: file)
        let third = ImageHashes(file)
        XCTAssertEqual(try third.hashes(images), Array(hashes.prefix(2)))
        XCTAssertEqual(third.readCount, 2)
    }

    /// An image of the same size is put in an image's place, with the same time of modification.
    func testImageHashes_ofAReplacedImageWithTheOldTime_areNew() throws {
        let images = [try image("a.png", gray: 10), try image("b.png", gray: 20)]
        let file = folder.appendingPathComponent("images.json")
        let hashes = ImageHashes(file)
        let old = try hashes.hashes(images)
        XCTAssertNoThrow(try hashes.checkUnchanged(images))
        var information = stat()
        XCTAssertEqual(stat(images[0].path, &information), 0)
        var data = try Data(contentsOf: images[0])
        data[data.count - 1] ^= 1
        try data.write(to: images[0])
        let times = [information.st_atim, information.st_mtim]
        XCTAssertEqual(utimensat(AT_FDCWD, images[0].path, times, 0), 0)
        XCTAssertThrowsError(try hashes.checkUnchanged(images)) {
            XCTAssertTrue("\($0)".contains("a.png") && "\($0)".contains("has changed while"), "\($0)")
        }
        let again = ImageHashes(file)
        let new = try again.hashes(images)
        XCTAssertEqual(again.readCount, 1)
        XCTAssertEqual(new, [sha256(data), old[1]])
    }
}
