import Foundation
import Readers
import XCTest

/// A few thousand damaged inputs of a fixed seed, and the inputs that the fuzzer found, for every reader of bytes from
/// outside: each is read or refused with an error for people, and none takes long.
final class MutatedInputTests: XCTestCase {
    private static let tests = URL(fileURLWithPath: "\(#filePath)").deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let found = tests.appendingPathComponent("ReadersTests/Fixtures/found")
    /// The longest that one input may take, in seconds; generous, as tests run beside other work.
    private static let limit = 2.0

    /// Reads an input in time.
    /// - Returns: whether it was read.
    @discardableResult
    private func read(_ bytes: [UInt8], _ reader: OutsideReader, _ what: String) -> Bool {
        let start = ContinuousClock.now
        var outcome: OutsideReader.Outcome?
        do { outcome = try bytes.withUnsafeBytes { try reader($0) } } catch {
            XCTFail("\(reader.name), \(what): \(type(of: error)) is no error for people: \(error)")
        }
        let seconds = start.duration(to: .now) / .seconds(1)
        XCTAssertLessThan(seconds, Self.limit, "\(reader.name), \(what)")
        return outcome == .read
    }

    func testReaders_ofTheirSeeds_readSome() throws {
        for reader in OutsideReader.all {
            let seeds = try reader.seedBytes(tests: Self.tests)
            let count = seeds.enumerated().filter { read($1, reader, "seed \($0)") }.count
            XCTAssertGreaterThan(count, 0, reader.name)
        }
    }

    func testReaders_ofMutatedInputs_readOrRefuse() throws {
        for (index, reader) in OutsideReader.all.enumerated() {
            let seeds = try reader.seedBytes(tests: Self.tests)
            var mutations = Mutations(of: seeds, structure: reader.structure, seed: UInt64(index + 1))
            let count = 6_000
            var accepted = 0
            for number in 0..<count where read(mutations.next(), reader, "mutation \(number)") { accepted += 1 }
            // Inputs that are all refused at the first byte would test nothing.
            XCTAssertGreaterThan(accepted, count / 100, "\(reader.name): \(accepted) of \(count) were read")
            XCTAssertLessThanOrEqual(accepted, count, reader.name)
        }
    }

    /// What `make fuzz` found, and what people met: one folder for each reader.
    func testReaders_ofFoundInputs_readOrRefuse() throws {
        var count = 0
        for reader in OutsideReader.all {
            let folder = Self.found.appendingPathComponent(reader.name)
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
                read([UInt8](try Data(contentsOf: folder.appendingPathComponent(name))), reader, name)
                count += 1
            }
        }
        XCTAssertGreaterThan(count, 30)
    }
}
