import Foundation
import Support
import Tensors

/// A safetensors file that cannot be read, or cannot be made.
public typealias SafeTensorsError = FileError<SafeTensors>

/// The safetensors format (https://github.com/huggingface/safetensors): eight bytes with the header's length, a
/// JSON header that gives each tensor's type, shape and place, and the elements.
public enum SafeTensors {
    /// The element types that ``write(_:to:type:metadata:)`` writes.
    public enum DataType: String, Sendable {
        case f32 = "F32"
        case f16 = "F16"
    }

    /// The tensors of a file, under their names and in the file's own layout.
    ///
    /// The file is mapped. F32 tensors borrow the mapped memory, and none of their pages is read here; F16 and BF16
    /// are widened at once, F64 is rounded to floats. Tensors of other types are an error, unless `skippingOtherTypes`.
    /// - Parameter isWanted: whether to read the tensor of this name.
    /// - Throws: ``SafeTensorsError``.
    public static func read(
        _ url: URL, skippingOtherTypes: Bool = false, where isWanted: (String) -> Bool = { _ in true }
    ) throws -> [String: Tensor] {
        try reading(url) { file, header in
            var result = [String: Tensor](minimumCapacity: header.entries.count)
            for entry in header.entries where isWanted(entry.name) {
                guard entry.type.isReadable else {
                    if skippingOtherTypes { continue }
                    throw unreadable(entry)
                }
                result[entry.name] = tensor(entry, file)
            }
            return result
        }
    }

    /// The names of all tensors, of whatever type, sorted.
    /// - Throws: ``SafeTensorsError``.
    public static func names(_ url: URL) throws -> [String] {
        try reading(url) { _, header in header.entries.map(\.name).sorted() }
    }

    /// The type of each tensor, as the file names it ("F32").
    /// - Throws: ``SafeTensorsError``.
    public static func types(_ url: URL) throws -> [String: String] {
        try reading(url) { _, header in
            Dictionary(header.entries.map { ($0.name, $0.type.rawValue) }) { first, _ in first }
        }
    }

    /// The strings under `__metadata__`; empty where the file has none.
    /// - Throws: ``SafeTensorsError``.
    public static func metadata(_ url: URL) throws -> [String: String] {
        try reading(url) { _, header in header.metadata }
    }

    /// The tensors of real numbers, and the names of the others (counters, masks).
    /// - Throws: ``SafeTensorsError``, also for real numbers of a type that cannot be read.
    static func realNumbers(_ url: URL) throws -> (tensors: [String: Tensor], leftOut: [String]) {
        try reading(url) { file, header in try realNumbers(file, header) }
    }

    /// The same of a file that is mapped already.
    static func realNumbers(_ file: MappedFile, at url: URL) throws -> (tensors: [String: Tensor], leftOut: [String]) {
        try SafeTensorsError.naming(url) { try realNumbers(file, SafeTensorsHeader(file)) }
    }

    private static func realNumbers(_ file: MappedFile, _ header: SafeTensorsHeader) throws
        -> (tensors: [String: Tensor], leftOut: [String])
    {
        var tensors = [String: Tensor](minimumCapacity: header.entries.count)
        var leftOut: [String] = []
        for entry in header.entries {
            switch entry.type {
            case .float8e4m3, .float8e5m2: throw unreadable(entry)
            case _ where entry.type.isReadable: tensors[entry.name] = tensor(entry, file)
            default: leftOut.append(entry.name)
            }
        }
        return (tensors, leftOut.sorted())
    }

    private static func tensor(_ entry: SafeTensorsHeader.Entry, _ file: MappedFile) -> Tensor {
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
        return Tensor(shape: entry.shape, storage: entry.type.floats(bytes, keeper: file))
    }

    private static func unreadable(_ entry: SafeTensorsHeader.Entry) -> FileProblem {
        FileProblem(
            "holds the tensor '\(entry.name)' of type \(entry.type.rawValue); F32, F16, BF16 and F64 can be read. "
                + "Convert it, for example with tensor.to(torch.float16) (8-bit floats may need their scales)")
    }

    private static func reading<Result>(
        _ url: URL, _ body: (MappedFile, SafeTensorsHeader) throws -> Result
    ) throws -> Result {
        try SafeTensorsError.naming(url) {
            let file = try MappedFile(url)
            return try body(file, SafeTensorsHeader(file))
        }
    }
}

extension SafeTensors: FileErrorSubject {
    public static let messageStart = "safetensors file "
    public static let messageSeparator = " "
}
