import Foundation
import Support
import Tensors
import Weights

/// What is wrong with a folder of results of many photographs.
public struct BatchFolderError: UserFacingError, Equatable {
    public static let failureCode = FailureCode.output
    public let description: String
}

/// `run.json`: what a folder's results were made of. The same command goes on in the folder; another is refused.
struct BatchDescription: Codable, Equatable {
    /// "mmx" and its version.
    var tool: String
    var task: String
    /// SHA-256 of the models' weights, by the models' names.
    var models: [String: String]
    /// Every option that shapes the results, as text.
    var options: [String: String]
    /// What the command names, in its order.
    var inputs: [String]
    /// "3/16"; "1/1" for all photographs.
    var shard: String
    /// Photographs in each archive of maps.
    var photographsInArchive: Int

    /// The archive of a photograph. A shard's archives have as many photographs as those of one machine.
    func archive(of index: Int) -> Int { index / (photographsInArchive * (Shard(shard)?.count ?? 1)) }

    /// What differs, a line each: "beam: 3, in the folder 5". The photographs are compared by their names, one by one,
    /// and not here: a command may name more than before.
    func differences(from other: BatchDescription) -> [String] {
        func line(_ what: String, _ own: String?, _ theirs: String?) -> String? {
            own == theirs ? nil : "\(what): \(own ?? "not given"), in the folder \(theirs ?? "not given")"
        }
        let names = Set(options.keys).union(other.options.keys).sorted()
        let modelNames = Set(models.keys).union(other.models.keys).sorted()
        return
            ([
                line("version", tool, other.tool), line("task", task, other.task),
                line("shard", shard, other.shard),
                line("photographs in an archive", "\(photographsInArchive)", "\(other.photographsInArchive)"),
            ] + modelNames.map { line("model \($0)", models[$0], other.models[$0]) }
            + names.map { line($0, options[$0], other.options[$0]) }).compactMap(\.self)
    }
}

/// How far the results in a folder are on the disk; the files beside it are cut to these sizes when work goes on.
struct BatchCheckpoint: Codable, Equatable {
    /// Photographs whose records are written.
    var photographs = 0
    /// Of these, how many have an error.
    var failed = 0
    /// Bytes of each file of lines, by its name.
    var bytes: [String: Int] = [:]
    /// The archive that maps are written to, and its bytes without a directory.
    var archive = 0
    var archiveBytes = 0
    /// Whether all photographs are done.
    var isComplete = false
}

/// A folder of results of many photographs: `results.jsonl`, `times.jsonl`, `maps-00000.npz` and so on, `results.csv`
/// where it is asked for, `run.json`, `checkpoint.json`.
///
/// Records come in the photographs' order and are appended. Every now and then the files are brought to the disk, and
/// then the checkpoint says how far they are. Whatever ends the program, the next one cuts the files to the checkpoint
/// and goes on there: nothing in the results tells that they were interrupted. `times.jsonl` alone differs from run to
/// run.
final class BatchFolder {
    static let results = "results.jsonl"
    static let times = "times.jsonl"
    static let table = "results.csv"
    private static let descriptionName = "run.json"
    private static let checkpointName = "checkpoint.json"

    let url: URL
    private(set) var checkpoint = BatchCheckpoint()
    private var files: [String: AppendedFile] = [:]
    private var archive: NumPyArchiveWriter?
    private let description: BatchDescription
    private var lastCheckpoint = Date()
    private var wasComplete = false
    private let lock: Int32

    /// Seconds of work that a power failure may cost.
    private static let interval: TimeInterval = 2

    /// Opens the folder, makes it where it does not exist, and goes back to its checkpoint.
    /// - Parameters:
    ///   - description: what the results are to be made of.
    ///   - header: the first line of the table; nil for no table.
    /// - Throws: ``BatchFolderError`` for results of another command, or where another process is at work;
    ///   `AtomicFileError`.
    init(_ url: URL, _ description: BatchDescription, header: String?) throws {
        self.url = url
        self.description = description
        try AtomicFile.makeFolder(url)
        lock = RawPath.withBytes(url.path) { Foundation.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        if lock >= 0, flock(lock, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            close(lock)
            throw BatchFolderError(
                description: "\(url.path): another process is at work in this folder; wait until it has ended, or give "
                    + "another folder with --output")
        }
        do {
            let known = try Self.read(url)
            if let known, known.checkpoint.photographs > 0 {
                let differences = description.differences(from: known.description)
                guard differences.isEmpty else {
                    throw BatchFolderError(
                        description: "\(url.path): the folder has the results of another command. "
                            + "Give another folder with --output. What differs: "
                            + differences.joined(separator: "; "))
                }
                checkpoint = known.checkpoint
                wasComplete = checkpoint.isComplete
                // It goes on from here.
                checkpoint.isComplete = false
            } else if known == nil {
                for name in [Self.results, "maps-00000.npz"]
                where FileManager.default.fileExists(atPath: url.appendingPathComponent(name).path) {
                    throw BatchFolderError(
                        description: "\(url.path): the folder has \(name) but no \(Self.descriptionName); give another "
                            + "folder with --output")
                }
            }
            if known?.description != description {
                try AtomicFile.write(
                    JSON.file(description), to: url.appendingPathComponent(Self.descriptionName), durable: true)
            }
            for name in [Self.results, Self.times] + (header == nil ? [] : [Self.table]) {
                files[name] = try AppendedFile(
                    url.appendingPathComponent(name), keeping: try kept(of: name))
            }
            if let header, let table = files[Self.table], table.size == 0 { try table.append(Array(header.utf8)) }
            for (name, file) in files { checkpoint.bytes[name] = file.size }
            // A finished folder's last archive has its directory, and keeps it where no photograph follows.
            if checkpoint.archiveBytes > 0, !wasComplete { archive = try open(archive: checkpoint.archive) }
        } catch {
            if lock >= 0 { close(lock) }
            throw error
        }
    }

    deinit { if lock >= 0 { close(lock) } }

    /// The bytes of a file of lines that stay. A finished folder's checkpoint does not say those of the times, which
    /// differ from run to run.
    private func kept(of name: String) throws -> Int {
        if let bytes = checkpoint.bytes[name] { return bytes }
        guard wasComplete, name == Self.times else { return 0 }
        let size = try? FileManager.default.attributesOfItem(atPath: url.appendingPathComponent(name).path)[.size]
        return size as? Int ?? 0
    }

    /// A folder's description and checkpoint; nil where it has none.
    /// - Throws: ``BatchFolderError`` for files that are damaged.
    static func read(_ url: URL) throws -> (description: BatchDescription, checkpoint: BatchCheckpoint)? {
        func decode<T: Decodable>(_ name: String, _ type: T.Type) throws -> T? {
            let file = url.appendingPathComponent(name)
            do {
                return try SmallFile.read(file, atMost: 16 << 20).map { try JSONDecoder().decode(type, from: $0) }
            } catch {
                throw BatchFolderError(
                    description: "\(file.path): it is not what mmx wrote; remove the folder and start again")
            }
        }
        guard let description = try decode(descriptionName, BatchDescription.self) else { return nil }
        let checkpoint = try decode(checkpointName, BatchCheckpoint.self) ?? BatchCheckpoint()
        let numbers =
            [checkpoint.photographs, checkpoint.failed, checkpoint.archive, checkpoint.archiveBytes]
            + checkpoint.bytes.values
        guard numbers.allSatisfy({ (0...1 << 52).contains($0) }),
            (1...1_000_000).contains(description.photographsInArchive)
        else {
            throw BatchFolderError(
                description:
                    "\(url.path): its \(checkpointName) or run.json is not what mmx wrote; remove the folder and "
                    + "start again")
        }
        return (description, checkpoint)
    }

    /// The names of the photographs whose records are written, in order.
    func names() throws -> [String] {
        struct Line: Decodable { let image: String }
        var names: [String] = []
        try Self.forEachLine(of: url.appendingPathComponent(Self.results)) {
            names.append(try JSONDecoder().decode(Line.self, from: $0).image)
        }
        return names
    }

    /// Calls `body` with each line of a file, without its end.
    static func forEachLine(of file: URL, _ body: (Data) throws -> Void) throws {
        let data = try Data(contentsOf: file, options: .alwaysMapped)
        var rest = data[...]
        while let end = rest.firstIndex(of: 0x0A) {
            try body(Data(rest[rest.startIndex..<end]))
            rest = rest[(end + 1)...]
        }
    }

    /// The name of the archive with a photograph's maps.
    func archiveName(of index: Int) -> String { Self.archiveName(description.archive(of: index)) }

    static func archiveName(_ number: Int) -> String { "maps-\(digits(number, 5)).npz" }

    /// A number with zeros before it.
    static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    private func open(archive number: Int) throws -> NumPyArchiveWriter {
        try NumPyArchiveWriter(
            url.appendingPathComponent(Self.archiveName(number)), keeping: checkpoint.archiveBytes)
    }

    /// Appends the results of the next photograph.
    /// - Parameters:
    ///   - index: the photograph's place among all, which decides the archive.
    ///   - lines: a line for each file of lines, by its name.
    ///   - maps: the arrays for the archive.
    /// - Throws: `AtomicFileError`; the checkpoint stays as it was.
    func append(
        index: Int, lines: [String: String], maps: [(name: String, array: Tensor)], isFailed: Bool
    ) throws {
        if wasComplete {
            // The finished archive loses its directory now: the checkpoint must not call it finished any more.
            wasComplete = false
            try writeCheckpoint()
        }
        let number = description.archive(of: index)
        if number != checkpoint.archive {
            try archive?.finish()
            archive = nil
            checkpoint.archive = number
            checkpoint.archiveBytes = 0
            try writeCheckpoint()
        }
        if !maps.isEmpty {
            let archive = try archive ?? open(archive: number)
            self.archive = archive
            try archive.append(maps)
        }
        for (name, file) in files { try file.append(Array((lines[name] ?? "").utf8)) }
        // Only here, when all is written: what a full disk cut short belongs to no photograph that is done.
        checkpoint.archiveBytes = archive?.size ?? checkpoint.archiveBytes
        for (name, file) in files { checkpoint.bytes[name] = file.size }
        checkpoint.photographs += 1
        if isFailed { checkpoint.failed += 1 }
        if Date().timeIntervalSince(lastCheckpoint) >= Self.interval { try writeCheckpoint() }
    }

    /// Brings all to the disk; the folder can be left then.
    /// - Parameter isComplete: whether all photographs are done.
    /// - Throws: `AtomicFileError`.
    func finish(isComplete: Bool) throws {
        if isComplete {
            try archive?.finish()
            archive = nil
        }
        checkpoint.isComplete = isComplete
        try writeCheckpoint()
    }

    private func writeCheckpoint() throws {
        try archive?.synchronise()
        for file in files.values { try file.synchronise() }
        var written = checkpoint
        // Times differ from run to run, finished folders do not.
        if written.isComplete { written.bytes[Self.times] = nil }
        try AtomicFile.write(
            JSON.file(written), to: url.appendingPathComponent(Self.checkpointName), durable: true)
        lastCheckpoint = Date()
    }
}
