import Foundation
import Support

/// One reader of bytes from outside: a file of a user's, of a data set or of a checkpoint. The fuzzer (`make fuzz`) and
/// the tests of mutated files run the same table of them.
public struct OutsideReader: Sendable {
    /// As `make fuzz PARSER=name` has it.
    public let name: String
    /// What mutations begin with.
    public let seeds: [Seed]
    /// What the bytes are made of, where changed bytes alone would seldom be read; nil for plain bytes.
    public let structure: Structure?
    /// Reads a file. Errors for people are the right answer to damaged files; everything else is a fault.
    let read: @Sendable (URL) throws -> Void

    /// A structure that mutations keep.
    public enum Structure: Sendable {
        /// A zip archive with right checksums and lengths; its members are mutated, and pickles among them by opcodes.
        case zip
        /// A pickle, mutated by opcodes.
        case pickle
        /// JSON, mutated by values.
        case json
        /// A PNG whose chunks have right lengths and checksums.
        case png
    }

    init(
        _ name: String, _ seeds: [Seed], _ structure: Structure? = nil, read: @escaping @Sendable (URL) throws -> Void
    ) {
        self.name = name
        self.seeds = seeds
        self.structure = structure
        self.read = read
    }

    /// How a reader took an input.
    public enum Outcome: Equatable, Sendable {
        case read
        case refused
    }

    /// Reads `bytes` as a file.
    /// - Throws: an error that is not for people: a fault of the reader.
    public func callAsFunction(_ bytes: UnsafeRawBufferPointer) throws -> Outcome {
        do {
            try read(InputFile.shared.holding(bytes))
            return .read
        } catch is any UserFacingError {
            return .refused
        }
    }

    /// The contents of the inputs to begin with.
    /// - Parameter tests: the folder `Tests`.
    public func seedBytes(tests: URL) throws -> [[UInt8]] {
        try seeds.flatMap { seed -> [[UInt8]] in
            switch seed {
            case .bytes(let bytes): return [bytes]
            case .text(let text): return [Array(text.utf8)]
            case .files(let folder, let ending):
                let url = tests.appendingPathComponent(folder)
                let names = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
                return try names.filter { $0.hasSuffix(ending) }.map {
                    [UInt8](try Data(contentsOf: url.appendingPathComponent($0)))
                }.filter { $0.count <= Self.largestSeed }
            }
        }
    }

    /// Larger files would make mutations slow and seldom harmful.
    private static let largestSeed = 64 << 10

    /// Inputs to begin with.
    public enum Seed: Sendable {
        case bytes([UInt8])
        case text(String)
        /// Files of a folder below `Tests`, by the end of their names.
        case files(String, String)
    }
}

/// A file in memory, written anew for each input: readers take files, and a disk would be the slowest part.
private final class InputFile: @unchecked Sendable {
    static let shared = InputFile()
    private let descriptor: Int32
    private let url: URL

    private init() {
        var template = Array("/dev/shm/mmx-reader-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        precondition(descriptor >= 0, "a file in /dev/shm cannot be made")
        url = URL(fileURLWithPath: String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        // It lives as long as the process.
        atexit { InputFile.shared.remove() }
    }

    private func remove() { unlink(url.path) }

    func holding(_ bytes: UnsafeRawBufferPointer) -> URL {
        precondition(ftruncate(descriptor, 0) == 0 && ftruncate(descriptor, bytes.count) == 0)
        precondition(pwrite(descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count)
        return url
    }
}
