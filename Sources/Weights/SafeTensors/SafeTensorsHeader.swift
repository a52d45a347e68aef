/// A safetensors header, checked: every tensor lies inside the file, has the size that its shape says, and the
/// tensors fill the data without overlap or gap, as the format demands.
struct SafeTensorsHeader {
    struct Entry {
        let name: String
        let type: ElementType
        let shape: [Int]
        /// Its bytes, in the file.
        let range: Range<Int>
    }

    /// The format's own limit on the header.
    static let longest = 100_000_000

    private(set) var entries: [Entry] = []
    private(set) var metadata: [String: String] = [:]

    init(_ file: MappedFile) throws {
        let bytes = file.bytes
        var reader = ByteReader(bytes)
        if bytes.count < 8 {
            throw FileProblem("is \(bytes.count) bytes long; the length of its header alone takes 8")
        }
        let length = try reader.number(UInt64.self)
        if length > UInt64(Self.longest) {
            throw FileProblem(
                "says that its header is \(length) bytes long; the format allows \(Self.longest). "
                    + "Is it a safetensors file?"
            )
        }
        if length > UInt64(reader.remaining) {
            throw FileProblem("says that its header is \(length) bytes long, but only \(reader.remaining) bytes follow")
        }
        let header = try reader.take(Int(length))
        let start = reader.position
        let end = bytes.count
        if header.first != UInt8(ascii: "{") { throw FileProblem("has a header that does not begin with {") }

        var scanner = JSONScanner(header, file.budget)
        var names: Set<String> = []
        try scanner.object { name, scanner in
            if !names.insert(name).inserted { throw FileProblem("names '\(name)' twice in its header") }
            if name == "__metadata__" {
                try scanner.object { key, scanner in
                    if metadata.updateValue(try scanner.string(), forKey: key) != nil {
                        throw FileProblem("names '\(key)' twice in its __metadata__")
                    }
                }
            } else {
                entries.append(try Self.entry(name, &scanner, start: start, end: end))
            }
        }
        try scanner.finish()
        try checkCover(start..<end)
    }

    private static func entry(_ name: String, _ scanner: inout JSONScanner, start: Int, end: Int) throws -> Entry {
        var type: ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object { key, scanner in
            func once(_ isNew: Bool) throws {
                if !isNew { throw FileProblem("tensor '\(name)': '\(key)' is given twice") }
            }
            switch key {
            case "dtype":
                try once(type == nil)
                let text = try scanner.string()
                type = ElementType(rawValue: text)
                if type == nil {
                    throw FileProblem(
                        "tensor '\(name)': the type \(text.prefix(20)) is not known; F32, F16, BF16 and F64 can be read"
                    )
                }
            case "shape":
                try once(shape == nil)
                shape = try scanner.integers("the shape of '\(name)'", atMost: 64)
            case "data_offsets":
                try once(offsets == nil)
                offsets = try scanner.integers("the data_offsets of '\(name)'", atMost: 2)
            default: throw FileProblem("tensor '\(name)': '\(key)' is no part of the format")
            }
        }
        guard let type, let shape, let offsets, offsets.count == 2 else {
            throw FileProblem("tensor '\(name)': it needs a dtype, a shape and two data_offsets")
        }
        let size = end - start
        if offsets[0] > offsets[1] || offsets[1] > size {
            throw FileProblem(
                "tensor '\(name)': its data_offsets \(offsets[0])..\(offsets[1]) "
                    + "are not inside the \(size) bytes of data"
            )
        }
        guard let count = elementCount(shape) else {
            throw FileProblem("tensor '\(name)': the shape \(shape) has more elements than any file")
        }
        let (expected, overflow) = count.multipliedReportingOverflow(by: type.size)
        if overflow || expected != offsets[1] - offsets[0] {
            throw FileProblem(
                "tensor '\(name)': the shape \(shape) of \(type.rawValue) takes "
                    + "\(overflow ? "too many" : "\(expected)") bytes, "
                    + "but its data_offsets give it \(offsets[1] - offsets[0])"
            )
        }
        return Entry(name: name, type: type, shape: shape, range: start + offsets[0]..<start + offsets[1])
    }

    /// The format allows neither overlaps nor gaps: bytes that no tensor names could hide another file.
    private func checkCover(_ data: Range<Int>) throws {
        var position = data.lowerBound
        var previous = ""
        let sorted = entries.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        for entry in sorted {
            if entry.range.lowerBound < position {
                throw FileProblem("tensor '\(entry.name)': its data overlap those of '\(previous)'")
            }
            if entry.range.lowerBound > position {
                throw FileProblem(
                    "tensor '\(entry.name)': \(entry.range.lowerBound - position) bytes before its data "
                        + "belong to no tensor"
                )
            }
            position = entry.range.upperBound
            previous = entry.name
        }
        if position != data.upperBound {
            throw FileProblem("ends with \(data.upperBound - position) bytes that belong to no tensor")
        }
    }
}
