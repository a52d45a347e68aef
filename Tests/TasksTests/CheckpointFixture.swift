import Foundation
import Language
import TestSupport
import XCTest

@testable import Tasks
@testable import Tensors
@testable import Weights

/// The checkpoints of other people's programs in Fixtures/checkpoints, as the frameworks wrote them. Large weights are
/// hashes, which are put in here.
struct CheckpointFixture {
    let folder: URL

    init() throws { folder = try Fixture.temporaryFolder() }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// A name with a folder in it is of another folder of fixtures.
    private static func url(_ name: String) -> URL {
        Fixture.url(name.contains("/") ? name : "checkpoints/\(name)")
    }

    /// The expected values of a family.
    static func expected(_ family: String) throws -> [String: Any] {
        let data = try Data(contentsOf: url("\(family).json"))
        return try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// A small file: copied, or decompressed where it ends with .gz.
    func file(_ name: String, as newName: String? = nil) throws -> URL {
        let isCompressed = name.hasSuffix(".gz")
        let own = name.split(separator: "/").last.map(String.init) ?? name
        let target = folder.appendingPathComponent(newName ?? (isCompressed ? String(own.dropLast(3)) : own))
        try (isCompressed ? Self.unzipped(name) : Data(contentsOf: Self.url(name))).write(to: target)
        return target
    }

    /// A checkpoint in zip form of `NAME.data.pkl.gz` and `NAME.storages.json.gz`.
    func archive(_ name: String) throws -> URL {
        let target = folder.appendingPathComponent("\(name).pth")
        var members = [
            ("archive/data.pkl", try Self.unzipped("\(name).data.pkl.gz")), ("archive/byteorder", Data("little".utf8)),
        ]
        for (key, data) in try Self.storages(name) { members.append(("archive/data/\(key)", data)) }
        try Self.zip(members).write(to: target)
        return target
    }

    /// A checkpoint in the form of PyTorch before 1.6, of `NAME.head.gz` and `NAME.storages.json.gz`.
    func stream(_ name: String) throws -> URL {
        let target = folder.appendingPathComponent("\(name).pth")
        var data = try Self.unzipped("\(name).head.gz")
        for (_, contents, count) in try Self.counted(name) {
            withUnsafeBytes(of: UInt64(count).littleEndian) { data.append(contentsOf: $0) }
            data.append(contents)
        }
        try data.write(to: target)
        return target
    }

    private static func storages(_ name: String) throws -> [(String, Data)] {
        try counted(name).map { ($0.0, $0.1) }
    }

    /// Each storage's key, its bytes and its number of elements.
    private static func counted(_ name: String) throws -> [(String, Data, Int)] {
        let json = try JSONSerialization.jsonObject(with: unzipped("\(name).storages.json.gz"))
        return try XCTUnwrap(json as? [[Any]]).map { entry in
            let key = try XCTUnwrap(entry[0] as? String), name = try XCTUnwrap(entry[1] as? String)
            let shape = try XCTUnwrap(entry[3] as? [Int])
            let count = shape.reduce(1, *)
            if entry[2] as? String != "float32" { return (key, Data(count: 8 * count), count) }
            if name.isEmpty { return (key, Data(count: 4 * count), count) }
            var values = ReproducibleWeights.parameter(name, shape, gain: 0.7).array
            let change = entry.count > 4 ? entry[4] as? [String: Any] : nil
            if let scale = change?["scale"] as? Double { values = values.map { $0 * Float(scale) } }
            if let add = change?["add"] as? [Double] { values[Int(add[0])] += Float(add[1]) }
            if let step = change?["step"] as? Double {
                values = values.map { ($0 / Float(step)).rounded(.toNearestOrEven) * Float(step) }
            }
            return (key, values.withUnsafeBytes { Data($0) }, count)
        }
    }

    private static func unzipped(_ name: String) throws -> Data { try unzipped(url(name)) }

    /// A gzip file's contents: its deflated data as the member of a zip archive.
    static func unzipped(_ url: URL) throws -> Data {
        let data = try Data(contentsOf: url)
        let tail = data.suffix(8)
        func number(_ start: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(tail[tail.startIndex + start + $1]) << UInt32(8 * $1) }
        }
        let archive = zip([("x", Data(data.dropFirst(10).dropLast(8)))], deflated: (number(0), number(4)))
        let place = try Fixture.temporaryFolder().appendingPathComponent("x.zip")
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        try archive.write(to: place)
        let file = try MappedFile(place)
        return Data(try XCTUnwrap(ZipArchive(file).contents("x")))
    }

    /// - Parameter deflated: the only member's checksum and size, where its data are deflated.
    static func zip(_ members: [(name: String, data: Data)], deflated: (UInt32, UInt32)? = nil) -> Data {
        var archive = Data(), directory = Data()
        func put(_ value: UInt32, _ bytes: Int, in data: inout Data) {
            for i in 0..<bytes { data.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * i))) }
        }
        for (name, data) in members {
            let start = archive.count
            func header(in target: inout Data, isLocal: Bool) {
                put(isLocal ? 0x0403_4B50 : 0x0201_4B50, 4, in: &target)
                if !isLocal { put(20, 2, in: &target) }
                for value in [20, 0, deflated == nil ? 0 : 8, 0, 0] as [UInt32] { put(value, 2, in: &target) }
                put(deflated?.0 ?? 0, 4, in: &target)
                put(UInt32(data.count), 4, in: &target)
                put(deflated?.1 ?? UInt32(data.count), 4, in: &target)
                put(UInt32(name.utf8.count), 2, in: &target)
                put(0, 2, in: &target)
                if !isLocal {
                    put(0, 2, in: &target)
                    put(0, 4, in: &target)
                    put(0, 4, in: &target)
                    put(UInt32(start), 4, in: &target)
                }
                target.append(contentsOf: Array(name.utf8))
            }
            header(in: &archive, isLocal: true)
            archive.append(data)
            header(in: &directory, isLocal: false)
        }
        let start = archive.count
        archive.append(directory)
        put(0x0605_4B50, 4, in: &archive)
        put(0, 4, in: &archive)
        put(UInt32(members.count), 2, in: &archive)
        put(UInt32(members.count), 2, in: &archive)
        put(UInt32(directory.count), 4, in: &archive)
        put(UInt32(start), 4, in: &archive)
        put(0, 2, in: &archive)
        return archive
    }

    /// The map that make.py's `features` gives.
    static func features(_ json: [String: Any]) throws -> Tensor {
        let entry = try XCTUnwrap(json["features"] as? [String: Any])
        let noise = ReproducibleWeights.noise(
            try XCTUnwrap(entry["name"] as? String), try XCTUnwrap(entry["shape"] as? [Int]))
        return Tensor(noise.shape, noise.array.map { abs($0) * 4 })
    }

    /// make.py's picture, normalised by ImageNet's mean and deviation, `[1, 64, 64, 3]`.
    static let picture: Tensor = {
        let noise = ReproducibleWeights.noise("checkpoints.picture", [64, 64, 3])
        let (mean, deviation): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        return Tensor(
            [1, 64, 64, 3],
            noise.array.enumerated().map { index, value in
                (((value + 0.5) * 256).rounded(.down) / 255 - mean[index % 3]) / deviation[index % 3]
            })
    }()
}

/// Compares a gradient with what make.py's `gradient` wrote: within 1e-4 of its largest value.
func assertGradient(
    _ found: Tensor, _ expected: Any?, _ name: String, file: StaticString = #filePath, line: UInt = #line
) throws {
    let expected = try XCTUnwrap(expected as? [String: Any], name, file: file, line: line)
    let every = try XCTUnwrap(expected["every"] as? Int), values = try XCTUnwrap(expected["values"] as? [Double])
    let all = found.array.map(Double.init)
    let largest = all.map(abs).max() ?? 0
    XCTAssertGreaterThan(largest, 0, name, file: file, line: line)
    for (index, value) in values.enumerated() {
        XCTAssertEqual(
            all[index * every], value, accuracy: 1e-4 * largest, "\(name): \(index * every)", file: file, line: line)
    }
    XCTAssertEqual(values.count, (all.count + every - 1) / every, name, file: file, line: line)
    let norm = try XCTUnwrap(expected["norm"] as? Double)
    XCTAssertEqual(
        all.reduce(0) { $0 + $1 * $1 }.squareRoot(), norm, accuracy: 1e-4 * norm, name, file: file, line: line)
}
