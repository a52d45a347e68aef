import Foundation
import Support
import Tensors

/// A `.npy` file that cannot be read.
public typealias NumPyArrayError = FileError<NumPyArray>

/// NumPy's `.npy` format (numpy.lib.format): one array in a file.
public enum NumPyArray {
    private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

    /// Writes `tensor` as version 1.0, little-endian 32-bit floats, C order.
    /// - Throws: ``AtomicFileError``.
    public static func write(_ tensor: Tensor, to url: URL) throws {
        let start = start(of: tensor.shape)
        try AtomicFile.write(to: url) { writer in
            try start.withUnsafeBytes { try writer.write($0) }
            try withExtendedLifetime(tensor) {
                try writer.write(UnsafeRawBufferPointer(start: tensor.pointer, count: 4 * tensor.count))
            }
        }
    }

    /// What stands before the elements of 32-bit floats in C order.
    static func start(of shape: [Int]) -> [UInt8] {
        let sizes = shape.map(String.init)
        let shape = sizes.count == 1 ? "(\(sizes[0]),)" : "(\(sizes.joined(separator: ", ")))"
        var header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }".utf8)
        // The elements begin at a multiple of 64 bytes, after 10 bytes, the header and a newline.
        header.append(contentsOf: [UInt8](repeating: 0x20, count: (64 - (header.count + 11) % 64) % 64))
        header.append(0x0A)
        return magic + [1, 0, UInt8(header.count & 0xFF), UInt8(header.count >> 8)] + header
    }

    /// The array in the file at `url`: little-endian floats of 16, 32 or 64 bits (the last are rounded to floats),
    /// integers that a float holds exactly, or booleans. C or Fortran order.
    /// - Throws: ``NumPyArrayError``.
    public static func read(_ url: URL) throws -> Tensor {
        try NumPyArrayError.naming(url) {
            let file = try MappedFile(url)
            return try withExtendedLifetime(file) { try read(file.bytes, keeper: file) }
        }
    }

    /// - Parameter keeper: the object that keeps `bytes` in memory.
    static func read(_ bytes: UnsafeRawBufferPointer, keeper: AnyObject) throws -> Tensor {
        var reader = ByteReader(bytes)
        let header = try header(&reader)
        guard let type = header.type else {
            throw FileProblem(
                "holds elements of type '|O', Python's objects; little-endian floats and integers are read")
        }
        guard let count = elementCount(header.shape) else {
            throw FileProblem("has the shape \(header.shape), which is larger than any file")
        }
        let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
        if overflow || size != reader.remaining {
            throw FileProblem(
                "has the shape \(header.shape) of \(type.rawValue), "
                    + "which takes \(overflow ? "too many" : "\(size)") bytes, "
                    + "but \(reader.remaining) follow its header")
        }
        let data = try reader.take(size)
        let storage =
            type.isReadable ? type.floats(data, keeper: keeper) : try integers(data, type)
        if !header.isFortran { return Tensor(shape: header.shape, storage: storage) }
        let axes = Array(header.shape.indices.reversed())
        return Tensor(shape: header.shape.reversed(), storage: storage).permuted(axes)
    }

    /// The header, with which a `.npy` file begins.
    static func header(_ reader: inout ByteReader) throws -> NumPyHeader {
        if try reader.remaining < 10 || !reader.take(6).elementsEqual(magic) {
            throw FileProblem("does not begin as NumPy's .npy files do")
        }
        let version = try reader.number(UInt8.self)
        _ = try reader.number(UInt8.self)
        if version < 1 || version > 3 {
            throw FileProblem("is of version \(version) of the format; 1 to 3 can be read")
        }
        let length = version == 1 ? Int(try reader.number(UInt16.self)) : Int(try reader.number(UInt32.self))
        if length > 1 << 16 {
            throw FileProblem("has a header of \(length) bytes; 65,536 are enough for any array of numbers")
        }
        return try NumPyHeader(try reader.take(length))
    }

    private static func integers(_ bytes: UnsafeRawBufferPointer, _ type: ElementType) throws -> Storage {
        switch type {
        case .int64: try converted(bytes, Int64.self)
        case .int32: try converted(bytes, Int32.self)
        case .int16: try converted(bytes, Int16.self)
        case .int8: try converted(bytes, Int8.self)
        case .uint64: try converted(bytes, UInt64.self)
        case .uint32: try converted(bytes, UInt32.self)
        case .uint16: try converted(bytes, UInt16.self)
        default: try converted(bytes, UInt8.self)
        }
    }

    private static func converted<T: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ type: T.Type) throws
        -> Storage
    {
        let size = MemoryLayout<T>.size
        let storage = Storage(count: bytes.count / size)
        for i in 0..<storage.count {
            let value = T(littleEndian: bytes.loadUnaligned(fromByteOffset: i * size, as: type))
            guard let float = Float(exactly: value) else {
                throw FileProblem("holds the integer \(value), which a 32-bit float cannot hold exactly")
            }
            storage.pointer[i] = float
        }
        return storage
    }
}

/// The Python dictionary at the head of a `.npy` file: `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
struct NumPyHeader {
    /// Nil for Python's objects.
    private(set) var type: ElementType?
    private(set) var isFortran = false
    private(set) var shape: [Int] = []

    private static let types: [String: ElementType] = [
        "<f8": .float64, "<f4": .float32, "<f2": .float16, "<i8": .int64, "<i4": .int32, "<i2": .int16, "|i1": .int8,
        "<u8": .uint64, "<u4": .uint32, "<u2": .uint16, "|u1": .uint8, "|b1": .bool,
    ]

    fileprivate init(_ bytes: UnsafeRawBufferPointer) throws {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileProblem("has a header that is not text")
        }
        var rest = text[...]
        func skipSpace() { rest = rest.drop { $0 == " " || $0 == "\n" } }
        func skip(_ token: String) -> Bool {
            skipSpace()
            guard rest.hasPrefix(token) else { return false }
            rest.removeFirst(token.count)
            return true
        }
        func expect(_ token: String) throws {
            if !skip(token) { throw FileProblem("has a broken header: \(token) expected before '\(rest.prefix(20))'") }
        }
        func word() throws -> String {
            try expect("'")
            let word = rest.prefix { $0 != "'" }
            rest = rest[word.endIndex...]
            try expect("'")
            return String(word)
        }
        var seen: Set<String> = []
        try expect("{")
        while !skip("}") {
            let key = try word()
            if !seen.insert(key).inserted { throw FileProblem("names '\(key)' twice in its header") }
            try expect(":")
            switch key {
            case "descr":
                if !rest.drop(while: { $0 == " " }).hasPrefix("'") {
                    throw FileProblem("holds records, not one type of number")
                }
                let name = try word()
                if name == "|O" || name == "O" { break }
                guard let known = Self.types[name] else {
                    throw FileProblem("holds elements of type '\(name)'; little-endian floats and integers can be read")
                }
                type = known
            case "fortran_order":
                isFortran = skip("True")
                if !isFortran { try expect("False") }
            case "shape":
                try expect("(")
                while !skip(")") {
                    skipSpace()
                    let digits = rest.prefix { $0.isASCII && $0.isNumber }
                    guard let size = Int(digits), shape.count < 64 else {
                        throw FileProblem("has a broken shape in its header")
                    }
                    shape.append(size)
                    rest = rest[digits.endIndex...]
                    if !skip(",") {
                        try expect(")")
                        break
                    }
                }
            default: throw FileProblem("has '\(key)' in its header, which is no part of the format")
            }
            if !skip(",") {
                try expect("}")
                break
            }
        }
        skipSpace()
        if !rest.isEmpty { throw FileProblem("has text after its header's end") }
        for key in ["descr", "fortran_order", "shape"] where !seen.contains(key) {
            throw FileProblem("lacks '\(key)' in its header")
        }
    }
}

extension NumPyArray: FileErrorSubject {
    public static let messageStart = "NumPy file "
    public static let messageSeparator = " "
}
