import Foundation
import XCTest

@testable import Vision

/// A few thousand mutations, of a fixed seed, of files that the readers of outside bytes know. Each is read or refused
/// by an `ImageError`.
final class ImageMutationTests: XCTestCase {
    func testDecode_ofMutatedJPEGs_returnsOrThrows() throws {
        let names = ["ycc420", "ycc422", "progressive420", "restart", "gray", "cmyk", "grayprogressive", "rgb"]
        let xmp = ImageBytes.xmpHeader + ImageBytes.xmp(attribute: "6")
        let files = try names.map { try Data(contentsOf: ImagingCases.url("\($0).jpg")) }
        let seeds =
            files
            + files.prefix(3).flatMap { file in
                // The first byte of a frame's marker (SOF0, SOF2) becomes that of an arithmetic one (SOF9, SOF10).
                let frame = file.indices.dropLast().first { file[$0] == 0xFF && [0xC0, 0xC2].contains(file[$0 + 1]) }
                var arithmetic = file
                if let frame { arithmetic[frame + 1] = file[frame + 1] == 0xC0 ? 0xC9 : 0xCA }
                return [
                    ImageBytes.jpeg([(0xE1, ImageBytes.exif(6)), (0xE1, xmp)], before: file), arithmetic,
                    file.dropLast(2),
                ]
            }
        let read = try decoded(Mutations(of: seeds.map { [UInt8]($0) }, seed: 1), count: 10_000)
        XCTAssertTrue((400...9_000).contains(read), "\(read) were read")
    }

    func testDecode_ofMutatedPNGs_returnsOrThrows() throws {
        let names = ["rgb8", "rgba8i", "rgb16i", "palettetrns4", "gray1i", "graya16", "palette2i"]
        let files = try names.map { try Data(contentsOf: ImagingCases.url("\($0).png")) }
        let profile = ImageBytes.profile("exif", ImageBytes.exif(6)), packet = ImageBytes.xmp(element: "6")
        let chunks =
            [ImageBytes.chunk("eXIf", ImageBytes.tiff(6))] + ImageBytes.texts("Raw profile type exif", profile)
            + ImageBytes.texts("XML:com.adobe.xmp", packet)
        let seeds = files + chunks.enumerated().map { ImageBytes.png([$1], in: files[$0 % 3]) }
        let read = try decoded(Mutations(of: seeds.map { [UInt8]($0) }, seed: 2), count: 10_000) {
            // Most damage would end at a checksum; half of the files have right ones.
            $0.count % 2 == 0 ? Self.withChecksums($0) : $0
        }
        XCTAssertTrue((400...9_000).contains(read), "\(read) were read")
    }

    func testOrientation_ofMutatedMetadata_isOneOfEight() {
        let exif = [true, false].flatMap { big in [3, 4].map { ImageBytes.tiff(6, big: big, type: $0) } }
        let xmp = [
            ImageBytes.xmp(element: "6"), ImageBytes.xmp(attribute: "3"), Array("<tiff:Orientation>8</".utf8),
        ]
        var found = 0
        var mutations = Mutations(of: exif + exif.map { Array("Exif\0\0".utf8) + $0 }, seed: 3)
        for _ in 0..<5_000 {
            mutations.next().withUnsafeBytes { if Orientation(exif: $0[...]) != nil { found += 1 } }
        }
        XCTAssertTrue((500...4_500).contains(found), "\(found) had an orientation")
        found = 0
        mutations = Mutations(of: xmp, seed: 4)
        for _ in 0..<5_000 {
            mutations.next().withUnsafeBytes { if Orientation(xmp: $0[...]) != nil { found += 1 } }
        }
        XCTAssertTrue((500...4_950).contains(found), "\(found) had an orientation")
    }

    /// Reads mutations, every other one at a reduced size.
    /// - Returns: how many were read.
    private func decoded(
        _ mutations: Mutations, count: Int, mended: ([UInt8]) -> [UInt8] = { $0 }
    ) throws -> Int {
        var mutations = mutations
        let limits = ImageLimits(pixels: 1 << 18)
        var read = 0
        for number in 0..<count {
            do {
                let decoded = try DecodedImage(
                    Data(mended(mutations.next())), name: "x", limits: limits, most: number % 2 == 0 ? .max : 400)
                XCTAssertEqual(decoded.image.pixels.count, decoded.image.width * decoded.image.height * 3)
                read += 1
            } catch is ImageError {}
        }
        return read
    }

    /// A PNG whose chunks have the checksums of their bytes, as far as it has chunks.
    private static func withChecksums(_ file: [UInt8]) -> [UInt8] {
        var result = Array(file.prefix(8)), position = 8
        while position + 12 <= file.count {
            let length = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= file.count - position - 12 else { break }
            result += ImageBytes.chunk(
                kind: Array(file[position + 4..<position + 8]), Array(file[position + 8..<position + 8 + length]))
            position += 12 + length
        }
        return result + file[min(position, file.count)...]
    }
}

/// Files like the seeds, but damaged: bits and bytes changed, pieces left out, repeated, or taken from another seed.
struct Mutations {
    private let seeds: [[UInt8]]
    private var state: UInt64

    init(of seeds: [[UInt8]], seed: UInt64) {
        self.seeds = seeds
        state = seed
    }

    private mutating func random(_ count: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % max(1, count)
    }

    private mutating func piece(of bytes: [UInt8]) -> Range<Int> {
        let start = random(bytes.count + 1)
        return start..<min(bytes.count, start + random(1 << random(9)))
    }

    mutating func next() -> [UInt8] {
        var bytes = seeds[random(seeds.count)]
        for _ in 0...random(3) {
            if bytes.isEmpty { break }
            let at = random(bytes.count)
            switch random(9) {
            case 0: bytes[at] ^= 1 << UInt8(random(8))
            case 1: bytes[at] = UInt8(random(256))
            case 2: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random(5)]
            case 3: bytes[at] &+= random(2) == 0 ? 1 : 255
            case 4: bytes.removeSubrange(piece(of: bytes))
            case 5: bytes.insert(contentsOf: bytes[piece(of: bytes)], at: at)
            case 6:
                let other = seeds[random(seeds.count)]
                bytes.replaceSubrange(piece(of: bytes), with: other[piece(of: other)])
            case 7: bytes.removeLast(random(1 << random(9)) % bytes.count)
            default: for i in at..<min(bytes.count, at + 4) { bytes[i] = UInt8(random(256)) }
            }
        }
        return bytes
    }
}
