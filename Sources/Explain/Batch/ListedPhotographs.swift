import Foundation
import Support
import Vision

/// The photographs of a list: names, one a line (or with a zero behind each, as `find -print0` writes them), or JSON
/// objects, one a line (``ListLine``). Standard input may hold one picture's bytes, too.
struct ListedPhotographs: IteratorProtocol {
    private let lines: LineReader
    private let place: String
    /// Names in a list are relative to the list; those on standard input to the current folder.
    private let folder: URL?
    private let isJSON: Bool
    /// Whether the next item is known without waiting for a program that writes to standard input.
    var hasNextAtOnce: Bool { lines !== LineReader.standardInput || lines.hasLine }
    private var number = 0
    private var pending: [PhotoItem] = []

    /// A list in a file (`.jsonl`).
    init(file path: String) {
        let url = URL(fileURLWithPath: path)
        place = path
        folder = url.deletingLastPathComponent()
        isJSON = true
        let descriptor = RawPath.withBytes(path) { Foundation.open($0, O_RDONLY | O_CLOEXEC) }
        if descriptor < 0 {
            pending = [
                PhotoItem(
                    name: path,
                    contents: .missing(
                        PhotoListError(description: "\(path): the list cannot be read: \(systemMessage(errno))")))
            ]
        }
        lines = LineReader(descriptor, closes: true)
    }

    /// What comes over standard input.
    init() {
        place = "standard input"
        folder = nil
        isJSON = false
        lines = LineReader.standardInput
        if Self.standardInputIsPhotograph() {
            pending = [
                PhotoItem(
                    name: "standard input", contents: .bytes(lines.rest(atMost: ImageLimits.standard.bytes)))
            ]
        }
    }

    /// Whether standard input begins as a JPEG or PNG file does. Waits for its first bytes, which stay.
    static func standardInputIsPhotograph() -> Bool {
        Image.isBegun(by: LineReader.standardInput.peek(8))
    }

    mutating func next() -> PhotoItem? {
        if let item = pending.popLast() { return item }
        while true {
            guard var line = lines.next() else {
                if let problem = lines.takeProblem() {
                    number += 1
                    return PhotoItem(
                        name: "\(place), line \(number)",
                        contents: .missing(PhotoListError(description: "\(place), line \(number): \(problem)")))
                }
                return nil
            }
            number += 1
            if line.last == 0x0D { line.removeLast() }
            if line.isEmpty { continue }
            let here = "\(place), line \(number)"
            if isJSON || line.first == UInt8(ascii: "{") {
                return ListLine.item(Data(line), relativeTo: folder, place: here)
            }
            let name = RawPath.text(of: line)
            if PhotoSources.Input.isFolder(name) {
                return PhotoItem(
                    name: name,
                    contents: .missing(
                        PhotoListError(
                            description: "\(here): it is a folder; name it on the command line to read what is in it")))
            }
            return PhotoItem(name: name, contents: .file(URL(fileURLWithPath: name)))
        }
    }
}

/// Lines of a stream, of any length up to a limit, without more in memory than one line and a block.
final class LineReader {
    /// Read by one thread at a time, under the lock of the sources.
    nonisolated(unsafe) static let standardInput = LineReader(STDIN_FILENO, closes: false)

    /// A line of JSON with a photograph in base64 may be as long as the largest photograph's file.
    static let longestLine = 720 << 20
    private let descriptor: Int32
    private let closes: Bool
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd: Bool
    private var separator: UInt8?
    private var problem: String?

    init(_ descriptor: Int32, closes: Bool) {
        self.descriptor = descriptor
        self.closes = closes
        isAtEnd = descriptor < 0
    }

    /// Why reading ended before the end, once.
    func takeProblem() -> String? {
        defer { problem = nil }
        return problem
    }

    /// Whether a whole line was read already.
    var hasLine: Bool { buffer[position...].contains(separator ?? 0x0A) }

    /// The first bytes, which stay.
    func peek(_ count: Int) -> [UInt8] {
        while buffer.count - position < count, fill() {}
        return Array(buffer[position...].prefix(count))
    }

    /// All that is left, one byte more than the limit at most.
    func rest(atMost limit: Int) -> Data {
        while buffer.count - position <= limit, fill() {}
        defer {
            buffer = []
            position = 0
            end()
        }
        return Data(buffer[position...].prefix(limit + 1))
    }

    /// The next line without its end; nil at the end of the stream.
    func next() -> [UInt8]? {
        var searched = position
        while true {
            if separator == nil { separator = Self.separator(buffer[position...]) }
            let end = buffer[searched...].firstIndex(of: separator ?? 0x0A)
            if let end {
                let line = Array(buffer[position..<end])
                position = end + 1
                if position > 1 << 20 || position == buffer.count {
                    buffer.removeFirst(position)
                    position = 0
                }
                return line
            }
            searched = buffer.count
            if buffer.count - position > Self.longestLine {
                problem = "is longer than \(Self.longestLine >> 20) MiB"
                self.end()
                buffer = []
                position = 0
                return nil
            }
            let before = position
            if !fill() {
                defer {
                    buffer = []
                    position = 0
                }
                return position < buffer.count ? Array(buffer[position...]) : nil
            }
            searched -= before - position
        }
    }

    /// A zero before the first end of a line separates names; nil where there is neither yet.
    private static func separator(_ bytes: ArraySlice<UInt8>) -> UInt8? {
        bytes.first { $0 == 0 || $0 == 0x0A }
    }

    /// Reads another block; false at the end.
    private func fill() -> Bool {
        if isAtEnd { return false }
        if position > 0 {
            buffer.removeFirst(position)
            position = 0
        }
        let start = buffer.count, block = 1 << 16
        buffer.append(contentsOf: repeatElement(0, count: block))
        var count: Int
        repeat {
            count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress?.advanced(by: start), block) }
        } while count < 0 && errno == EINTR && !Interruption.isAsked
        if count < 0, errno != EINTR { problem = "cannot be read: \(systemMessage(errno))" }
        buffer.removeLast(block - max(0, count))
        if count <= 0 { end() }
        return count > 0
    }

    private func end() {
        if !isAtEnd, closes { close(descriptor) }
        isAtEnd = true
    }
}
