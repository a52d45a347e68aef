import Foundation
import Support
import Tensors
import Weights

/// Puts the folders of a batch's shards together. The result is that of one machine, byte for byte but for the times.
public enum BatchMerge {
    /// One shard's folder, read in the order of its photographs.
    private final class Part {
        let url: URL
        let description: BatchDescription
        let checkpoint: BatchCheckpoint
        let shard: Shard
        private var lines: [String: LineReader] = [:]
        private var archive = -1
        private var maps: [String: [(name: String, array: Tensor)]] = [:]

        init(_ url: URL) throws {
            guard let read = try BatchFolder.read(url) else {
                throw BatchFolderError(description: "\(url.path): it is no folder of results of many photographs")
            }
            guard let shard = Shard(read.description.shard) else {
                throw BatchFolderError(
                    description: "\(url.path)/run.json: the shard '\(read.description.shard)' is none")
            }
            (self.url, description, checkpoint, self.shard) = (url, read.description, read.checkpoint, shard)
            guard checkpoint.isComplete else {
                throw BatchFolderError(
                    description: "\(url.path): shard \(description.shard) is not finished (\(checkpoint.photographs) "
                        + "photographs are done); run its command again, it goes on from there")
            }
        }

        /// The next line of a file of lines, with its end.
        func line(of name: String) throws -> String {
            if lines[name] == nil {
                let path = url.appendingPathComponent(name).path
                let descriptor = RawPath.withBytes(path) { Foundation.open($0, O_RDONLY | O_CLOEXEC) }
                if descriptor < 0 {
                    throw BatchFolderError(description: "\(path): it cannot be read: \(systemMessage(errno))")
                }
                lines[name] = LineReader(descriptor, closes: true)
            }
            guard let line = lines[name]?.next() else {
                throw BatchFolderError(description: "\(url.path)/\(name): it has fewer lines than photographs are done")
            }
            return String(decoding: line, as: UTF8.self) + "\n"
        }

        func archiveName(of index: Int) -> String { BatchFolder.archiveName(description.archive(of: index)) }

        /// The maps of a photograph, in the archive's order.
        func maps(of index: Int) throws -> [(name: String, array: Tensor)] {
            let number = description.archive(of: index)
            if number != archive {
                archive = number
                let file = url.appendingPathComponent(BatchFolder.archiveName(number))
                let all =
                    FileManager.default.fileExists(atPath: file.path) ? try NumPyArray.readArchiveInOrder(file) : []
                maps = Dictionary(grouping: all) { String($0.name.prefix(9)) }
            }
            return maps[BatchFolder.digits(index, 9)] ?? []
        }
    }

    /// Merges the folders of all shards of one command.
    /// - Parameters:
    ///   - folders: the shards' folders, in any order.
    ///   - output: the folder of the result.
    ///   - progress: called with the photographs done and to do.
    /// - Returns: how many photographs there are, and how many of them have an error.
    /// - Throws: ``BatchFolderError`` where a shard is missing, unfinished, there twice, or of another command;
    ///   `AtomicFileError`.
    public static func merge(
        _ folders: [URL], to output: URL, progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> BatchProgress {
        let parts = try folders.map(Part.init)
        guard let first = parts.first else {
            throw BatchFolderError(description: "there is no folder to merge")
        }
        var description = first.description
        description.shard = Shard.all.description
        for part in parts {
            var other = part.description
            other.shard = Shard.all.description
            // A folder goes on with more photographs; shards have to be of the same ones.
            let named =
                other.inputs == description.inputs
                ? []
                : [
                    "photographs: \(description.inputs.joined(separator: " ")), there \(other.inputs.joined(separator: " "))"
                ]
            let differences = named + description.differences(from: other)
            guard differences.isEmpty else {
                throw BatchFolderError(
                    description:
                        "\(part.url.path): its results are of another command than those of \(first.url.path): "
                        + differences.joined(separator: "; "))
            }
        }
        let ordered = try inOrder(parts)
        let total = parts.reduce(0) { $0 + $1.checkpoint.photographs }
        for (place, part) in ordered.enumerated()
        where part.checkpoint.photographs != Shard(number: place + 1, count: ordered.count).count(of: total) {
            throw BatchFolderError(
                description: "\(part.url.path): shard \(part.description.shard) has \(part.checkpoint.photographs) of "
                    + "\(total) photographs; the shards did not have the same photographs")
        }
        let tables = parts.filter { $0.checkpoint.bytes[BatchFolder.table] != nil }
        let header = try tables.count == parts.count ? ordered.map { try $0.line(of: BatchFolder.table) }.first : nil
        let folder = try BatchFolder(output, description, header: header)
        let done = folder.checkpoint.photographs
        var result = BatchProgress(done: done, total: total)
        for index in 0..<total {
            let part = ordered[index % ordered.count]
            var lines: [String: String] = [:]
            for name in [BatchFolder.results, BatchFolder.times] + (header == nil ? [] : [BatchFolder.table]) {
                lines[name] = try part.line(of: name)
            }
            if index < done { continue }
            // A shard's archives hold other photographs than the whole's. No other text has these quotes unescaped.
            lines[BatchFolder.results] = lines[BatchFolder.results]?.replacing(
                "\"maps\":\"\(part.archiveName(of: index))\"", with: "\"maps\":\"\(folder.archiveName(of: index))\"",
                maxReplacements: 1)
            // Keys are sorted, so that no other key's text can stand before an error's own.
            let isFailed = lines[BatchFolder.results].map { !$0.contains("\"error\":null") } ?? false
            try folder.append(index: index, lines: lines, maps: part.maps(of: index), isFailed: isFailed)
            result.done = index + 1
            progress(result.done, total)
        }
        for part in ordered { try copyFiles(of: part.url, to: output) }
        try folder.finish(isComplete: true)
        result.failed = folder.checkpoint.failed
        return result
    }

    /// The shards by their numbers.
    private static func inOrder(_ parts: [Part]) throws -> [Part] {
        let count = parts.first?.shard.count ?? 0
        var found: [Int: Part] = [:]
        for part in parts {
            guard part.shard.count == count else {
                throw BatchFolderError(
                    description: "\(part.url.path): it is shard \(part.description.shard), others are of \(count)")
            }
            if let other = found.updateValue(part, forKey: part.shard.number) {
                throw BatchFolderError(
                    description: "\(part.url.path): shard \(part.description.shard) is in \(other.url.path) too")
            }
        }
        let missing = (1...max(1, count)).filter { found[$0] == nil }
        guard missing.isEmpty else {
            throw BatchFolderError(
                description: "shard\(missing.count == 1 ? "" : "s") "
                    + missing.map { "\($0)/\(count)" }.joined(separator: ", ") + " missing")
        }
        return (1...max(1, count)).compactMap { found[$0] }
    }

    /// Maps and pictures that have files of their own; their names hold the photographs' numbers.
    private static func copyFiles(of part: URL, to output: URL) throws {
        let manager = FileManager.default
        let source = part.appendingPathComponent("files")
        for place in (try? manager.contentsOfDirectory(atPath: source.path))?.sorted() ?? [] {
            let folder = output.appendingPathComponent("files/\(place)")
            try AtomicFile.makeFolder(folder)
            let from = source.appendingPathComponent(place)
            for name in try manager.contentsOfDirectory(atPath: from.path) where !name.hasPrefix(".") {
                try AtomicFile.write(
                    Data(contentsOf: from.appendingPathComponent(name), options: .alwaysMapped),
                    to: folder.appendingPathComponent(name))
            }
        }
    }
}
