import Foundation
import Support
import Vision

/// The photographs in a tar archive, in its order: plain files whose names end in .jpg, .jpeg or .png. POSIX archives
/// (ustar, pax) and GNU's, as tar and webdataset write them; not compressed ones.
struct TarPhotographs: IteratorProtocol {
    /// Whether the next photograph's bytes are wanted; without, only its name is read.
    var readsBytes = true
    private let path: String
    private var descriptor: Int32
    private var isDone = false
    /// What the next member is called, where a member before it says so.
    private var longName: [UInt8]?
    private var longSize: Int?
    private static let block = 512

    init(_ path: String) {
        self.path = path
        descriptor = RawPath.withBytes(path) { Foundation.open($0, O_RDONLY | O_CLOEXEC) }
    }

    mutating func next() -> PhotoItem? {
        if isDone { return nil }
        if descriptor < 0 { return end("the archive cannot be read: \(systemMessage(errno))") }
        while true {
            guard let header = read(Self.block) else {
                return end("the archive cannot be read: \(systemMessage(errno))")
            }
            // Two blocks of zeros end an archive; some programs leave them out.
            if header.isEmpty || header.allSatisfy({ $0 == 0 }) { return end(nil) }
            guard header.count == Self.block else { return end("the archive ends in the middle of a member's header") }
            guard Self.checksum(header) == Self.number(header[148..<156]) else {
                return end(
                    header.starts(with: [0x1F, 0x8B])
                        ? "the archive is compressed; unpack it first (gunzip)" : "it is no tar archive, or damaged")
            }
            guard let size = longSize ?? Self.number(header[124..<136]), size >= 0, size < 1 << 40 else {
                return end("the archive has a member of a wrong size")
            }
            longSize = nil
            let name = longName ?? Self.name(header)
            longName = nil
            let padded = (size + Self.block - 1) / Self.block * Self.block
            let text = RawPath.text(of: name)
            switch header[156] {
            case UInt8(ascii: "L"), UInt8(ascii: "x"):
                guard size <= 1 << 20, let data = read(padded), data.count == padded else {
                    return end("the archive ends in the middle of a name")
                }
                if header[156] == UInt8(ascii: "L") {
                    longName = Array(data.prefix(size).prefix { $0 != 0 })
                } else {
                    readAttributes(data.prefix(size))
                }
                continue
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): break
            default:
                guard skip(padded) else { return end("the archive ends in the middle of '\(text)'") }
                continue
            }
            guard Image.isNamed(text) else {
                guard skip(padded) else { return end("the archive ends in the middle of '\(text)'") }
                continue
            }
            let item = "\(path)/\(text)"
            guard size <= ImageLimits.standard.bytes else {
                guard skip(padded) else { return end("the archive ends in the middle of '\(text)'") }
                return PhotoItem(
                    name: item,
                    contents: .missing(
                        ImageError(
                            .tooLarge, item, "\(size >> 20) MiB; at most \(ImageLimits.standard.bytes >> 20) are read"))
                )
            }
            if !readsBytes {
                guard skip(padded) else { return end("the archive ends in the middle of '\(text)'") }
                return PhotoItem(name: item, contents: .bytes(Data()))
            }
            guard let data = read(padded), data.count >= size else {
                return end("the archive ends in the middle of '\(text)'")
            }
            return PhotoItem(name: item, contents: .bytes(Data(data.prefix(size))))
        }
    }

    /// The end, with the record of a problem.
    private mutating func end(_ problem: String?) -> PhotoItem? {
        isDone = true
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        return problem.map {
            PhotoItem(name: path, contents: .missing(PhotoListError(description: "\(path): \($0)")))
        }
    }

    /// The next bytes, fewer at the archive's end; nil where they cannot be read. Memory grows with what is there.
    private func read(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let start = bytes.count, step = min(count - start, 1 << 22)
            bytes.append(contentsOf: repeatElement(0, count: step))
            let got = bytes.withUnsafeMutableBytes {
                Foundation.read(descriptor, $0.baseAddress?.advanced(by: start), step)
            }
            bytes.removeLast(step - max(0, got))
            if got < 0 && errno == EINTR { continue }
            if got < 0 { return nil }
            if got == 0 { break }
        }
        return bytes
    }

    /// False where the archive ends before.
    private func skip(_ count: Int) -> Bool {
        var information = stat()
        let here = lseek(descriptor, 0, SEEK_CUR)
        guard here >= 0, fstat(descriptor, &information) == 0 else {
            // A pipe is read.
            return read(count)?.count == count
        }
        return here + off_t(count) <= information.st_size && lseek(descriptor, off_t(count), SEEK_CUR) >= 0
    }

    private static func checksum(_ header: [UInt8]) -> Int {
        header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    }

    /// Octal digits, or GNU's large numbers; nil for anything else.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        if let first = field.first, first & 0x80 != 0 {
            return field.dropFirst().reduce(Int(first & 0x7F)) { total, byte in
                guard let total, total < 1 << 54 else { return nil }
                return total << 8 | Int(byte)
            }
        }
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        return Int(String(decoding: digits, as: UTF8.self), radix: 8)
    }

    private static func name(_ header: [UInt8]) -> [UInt8] {
        let name = Array(header[0..<100].prefix { $0 != 0 })
        guard header[257..<262].elementsEqual("ustar".utf8), header[262] == 0 else { return name }
        let prefix = Array(header[345..<500].prefix { $0 != 0 })
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    /// Records of a pax header: "LENGTH KEY=VALUE" and the end of a line.
    private mutating func readAttributes(_ data: ArraySlice<UInt8>) {
        var rest = data
        while let space = rest.firstIndex(of: 0x20),
            let length = Int(String(decoding: rest[rest.startIndex..<space], as: UTF8.self)),
            length > space - rest.startIndex + 1, length <= rest.count
        {
            let record = rest[(space + 1)..<(rest.startIndex + length)].dropLast()
            if let equals = record.firstIndex(of: UInt8(ascii: "=")) {
                let value = Array(record[(equals + 1)...])
                switch String(decoding: record[..<equals], as: UTF8.self) {
                case "path": longName = value
                case "size": longSize = Int(String(decoding: value, as: UTF8.self))
                default: break
                }
            }
            rest = rest.dropFirst(length)
        }
    }
}
