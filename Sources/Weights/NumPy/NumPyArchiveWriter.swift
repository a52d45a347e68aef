import CFiles
import Foundation
import Support
import Tensors

/// Writes a `.npz` archive array by array, without compression, so that it can go on after an interruption.
///
/// Until ``finish()`` the file is called `NAME.npz.part` and has no directory. What it holds up to any size that
/// ``size`` had is enough to go on from there. The times in it are a constant: the same arrays give the same bytes.
public final class NumPyArchiveWriter {
    private struct Entry {
        let name: [UInt8]
        let checksum: UInt32
        let size: Int
        let offset: Int
    }

    private let url: URL
    private let part: URL
    private let file: AppendedFile
    private var entries: [Entry] = []

    /// Bytes so far, without the directory.
    public var size: Int { file.size }

    /// 1 January 1980, the first day that zip archives know.
    private static let day: UInt16 = 0x0021

    /// Opens the archive.
    /// - Parameters:
    ///   - url: the place of the finished archive. It may be there already, finished.
    ///   - kept: the bytes that stay; the rest is cut off.
    /// - Throws: `AtomicFileError`, also where the file has fewer bytes or others than were written.
    public init(_ url: URL, keeping kept: Int) throws {
        self.url = url
        part = url.appendingPathExtension("part")
        if kept > 0, !FileManager.default.fileExists(atPath: part.path) {
            try? FileManager.default.moveItem(at: url, to: part)
        }
        file = try AppendedFile(part, keeping: kept)
        try readEntries()
    }

    /// Appends arrays of names that the archive does not have yet.
    /// - Throws: `AtomicFileError`.
    public func append(_ arrays: [(name: String, array: Tensor)]) throws {
        var bytes: [UInt8] = [], added: [Entry] = []
        for (name, array) in arrays {
            var contents = NumPyArray.start(of: array.shape)
            array.array.withUnsafeBytes { contents.append(contentsOf: $0) }
            let entry = Entry(
                name: Array("\(name).npy".utf8), checksum: mmx_crc32(contents, contents.count), size: contents.count,
                offset: file.size + bytes.count)
            added.append(entry)
            // What the format has numbers for, with room for the directory.
            guard entry.offset + contents.count < Int(UInt32.max) - 1 << 26,
                entries.count + added.count <= Int(UInt16.max)
            else {
                throw AtomicFileError(
                    path: url.path, problem: "it would have more than 4 GiB or more than 65,535 arrays")
            }
            bytes += Self.localHeader(entry) + contents
        }
        try file.append(bytes)
        entries += added
    }

    /// Waits until the bytes so far are on the disk.
    /// - Throws: `AtomicFileError`.
    public func synchronise() throws { try file.synchronise() }

    /// Writes the directory and gives the archive its name.
    /// - Throws: `AtomicFileError`.
    public func finish() throws {
        var directory: [UInt8] = []
        for entry in entries {
            directory += Self.bytes(0x0201_4B50 as UInt32) + Self.bytes(20 as UInt16) + Self.fields(entry)
            directory += [UInt8](repeating: 0, count: 10) + Self.bytes(UInt32(entry.offset)) + entry.name
        }
        let count = UInt16(entries.count), start = UInt32(file.size)
        var end = Self.bytes(0x0605_4B50 as UInt32) + [0, 0, 0, 0] + Self.bytes(count) + Self.bytes(count)
        end += Self.bytes(UInt32(directory.count)) + Self.bytes(start) + [0, 0]
        try file.append(directory + end)
        try file.synchronise()
        guard rename(part.path, url.path) == 0 else {
            throw AtomicFileError(path: url.path, problem: systemMessage(errno))
        }
    }

    private static func localHeader(_ entry: Entry) -> [UInt8] {
        bytes(0x0403_4B50 as UInt32) + fields(entry) + entry.name
    }

    /// What a local header and an entry of the directory have alike: version, flags, method, time, checksum, sizes.
    private static func fields(_ entry: Entry) -> [UInt8] {
        let size = bytes(UInt32(entry.size))
        return bytes(20 as UInt16) + [0, 0, 0, 0, 0, 0] + bytes(day) + bytes(entry.checksum) + size + size
            + bytes(UInt16(entry.name.count)) + [0, 0]
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    /// Reads the local headers of what was kept.
    private func readEntries() throws {
        if file.size == 0 { return }
        let data = try Data(contentsOf: part, options: .alwaysMapped)
        var offset = 0
        func number(_ place: Int, _ count: Int) -> Int {
            (0..<count).reduce(0) { $0 | Int(data[offset + place + $1]) << (8 * $1) }
        }
        while offset < file.size {
            guard offset + 30 <= file.size, number(0, 4) == 0x0403_4B50,
                offset + 30 + number(26, 2) + number(18, 4) <= file.size
            else {
                throw AtomicFileError(path: part.path, problem: "it is not what mmx wrote; remove it and start again")
            }
            let name = Array(data[(offset + 30)..<(offset + 30 + number(26, 2))])
            entries.append(
                Entry(name: name, checksum: UInt32(number(14, 4)), size: number(18, 4), offset: offset))
            offset += 30 + name.count + number(18, 4)
        }
    }
}
