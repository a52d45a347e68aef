import Foundation
import TestSupport
import XCTest

@testable import Vision

/// The output of `Fixtures/make_imaging.py`.
struct ImagingCases: Decodable {
    struct Decoded: Decodable {
        let file: String, width: Int, height: Int, offset: Int
    }
    struct Resized: Decodable {
        let offset: Int, width: Int, height: Int, filter: ResizeFilter, box: [Double]?
    }
    struct Cropped: Decodable {
        let file: String, offset: Int, width: Int, height: Int, short: Int, filter: ResizeFilter
    }
    struct Squashed: Decodable {
        let file: String, offset: Int, width: Int, height: Int, side: Int, filter: ResizeFilter
    }
    /// The inputs that a row of outputs of the filter `nearest` reads.
    struct Nearest: Decodable {
        let inputs: Int, low: Double, high: Double, read: [Int]
    }
    struct PlaneCases: Decodable {
        struct Case: Decodable {
            let width: Int, height: Int, filter: ResizeFilter, values: [Float]
        }
        let width: Int, height: Int, values: [Float], cases: [Case]
    }
    let decoded: [Decoded], resized: [Resized], cropped: [Cropped], squashed: [Squashed], nearest: [Nearest]
    let plane: PlaneCases

    static func load() throws -> ImagingCases {
        try JSONDecoder().decode(ImagingCases.self, from: Data(contentsOf: url("cases.json")))
    }

    static func url(_ name: String) -> URL { Fixture.url("imaging/\(name)") }

    static func image(_ name: String) throws -> Image { try Image.read(url(name)) }

    static func expected() throws -> [UInt8] { [UInt8](try Data(contentsOf: url("expected.bin"))) }
}

/// The largest difference between an image and its expected pixels.
func difference(_ image: Image, _ expected: ArraySlice<UInt8>) -> Int {
    zip(image.pixels, expected).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
}

extension XCTestCase {
    /// Fails unless `body` throws an ``ImageError`` of this kind whose text contains all of `words`.
    func assertImageError<T>(
        _ kind: ImageError.Kind, _ words: String..., file: StaticString = #filePath, line: UInt = #line,
        _ body: () throws -> T
    ) {
        XCTAssertThrowsError(try body(), file: file, line: line) { error in
            guard let error = error as? ImageError else {
                return XCTFail("\(error) is no ImageError", file: file, line: line)
            }
            XCTAssertEqual(error.kind, kind, error.description, file: file, line: line)
            for word in words {
                XCTAssertTrue(error.description.contains(word), "'\(error)' lacks '\(word)'", file: file, line: line)
            }
        }
    }
}
