import Foundation
import Tensors
import TestSupport
import XCTest

@testable import Weights

/// What Fixtures/make_keras.py wrote.
enum KerasFixtures {
    /// What an array holds: by Keras or h5py.
    struct Numbers: Decodable {
        let shape: [Int]
        let sum: Double
        let first: Float
        let last: Float
    }

    struct Layer: Decodable {
        let name: String
        let `class`: String
        let weights: [String: Numbers]
    }

    static func bytes(_ name: String) throws -> Data {
        let url = Fixture.url(name)
        if FileManager.default.fileExists(atPath: url.path) { return try Data(contentsOf: url) }
        let file = try MappedFile(Fixture.url("keras.zip"))
        return Data(try XCTUnwrap(ZipArchive(file).contents(name), name))
    }

    static func url(_ name: String) throws -> URL {
        let url = try Fixture.temporaryFolder().appendingPathComponent(name)
        try bytes(name).write(to: url)
        return url
    }

    static func expected<Value: Decodable>(_ name: String) throws -> [String: Value] {
        try JSONDecoder().decode([String: Value].self, from: Data(contentsOf: Fixture.url(name)))
    }

    static func assertEqual(
        _ tensor: Tensor?, _ expected: Numbers, _ name: String, line: UInt = #line, file: StaticString = #filePath
    ) throws {
        let tensor = try XCTUnwrap(tensor, name, file: file, line: line)
        XCTAssertEqual(tensor.shape, expected.shape, name, file: file, line: line)
        let values = tensor.array
        XCTAssertEqual(values.first, expected.first, name, file: file, line: line)
        XCTAssertEqual(values.last, expected.last, name, file: file, line: line)
        let sum = values.reduce(0.0) { $0 + Double($1) }
        XCTAssertEqual(sum, expected.sum, accuracy: 1e-9, name, file: file, line: line)
    }
}
