import Foundation
import Support
import Tensors

extension SafeTensors {
    /// Writes `tensors` to `url`, as F32 or F16 (rounded to nearest), in the order of their names: the same tensors
    /// make the same file. The header is padded to a multiple of 8 bytes, so that a mapped file is aligned.
    /// - Parameter durable: see `AtomicFile.write(to:durable:_:)`.
    /// - Throws: ``SafeTensorsError`` where a value is too large for F16 or a name is `__metadata__`;
    ///   ``AtomicFileError`` where the file cannot be written. Nothing is left behind.
    public static func write(
        _ tensors: [String: Tensor], to url: URL, type: DataType, metadata: [String: String] = [:],
        durable: Bool = false
    ) throws {
        let sorted = tensors.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        let header = try makeHeader(sorted, to: url, type: type, metadata: metadata)
        try AtomicFile.write(to: url, durable: durable) { writer in
            try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try writer.write($0) }
            try header.withUnsafeBytes { try writer.write($0) }
            for (name, tensor) in sorted {
                try withExtendedLifetime(tensor) {
                    let values = UnsafeBufferPointer(start: tensor.pointer, count: tensor.count)
                    switch type {
                    case .f32: try writer.write(UnsafeRawBufferPointer(values))
                    case .f16: try writeHalves(values, name, to: url, writer)
                    }
                }
            }
        }
    }

    private static func makeHeader(
        _ tensors: [(key: String, value: Tensor)], to url: URL, type: DataType, metadata: [String: String]
    ) throws -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            let strings = pairs.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(strings.joined(separator: ","))}")
        }
        var offset = 0
        for (name, tensor) in tensors {
            if name == "__metadata__" {
                throw SafeTensorsError(path: url.path, problem: "cannot hold a tensor of the name __metadata__")
            }
            let end = offset + tensor.count * (type == .f32 ? 4 : 2)
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(name)):{\"dtype\":\"\(type.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}"
            )
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        header.append(contentsOf: [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8))
        if header.count > SafeTensorsHeader.longest {
            throw SafeTensorsError(
                path: url.path,
                problem: "would need a header of \(header.count) bytes; the format allows \(SafeTensorsHeader.longest)")
        }
        return header
    }

    private static func writeHalves(
        _ values: UnsafeBufferPointer<Float>, _ name: String, to url: URL, _ writer: AtomicFile.Writer
    ) throws {
        var halves = [Float16](repeating: 0, count: min(values.count, 1 << 16))
        for start in stride(from: 0, to: values.count, by: 1 << 16) {
            let part = UnsafeBufferPointer(rebasing: values[start..<min(values.count, start + 1 << 16)])
            var lost = false
            for i in 0..<part.count {
                halves[i] = Float16(part[i])
                // 65520 is the first float that rounds to infinity.
                lost = lost || (part[i].magnitude >= 65520 && part[i].isFinite)
            }
            if lost {
                let value = part.first { $0.magnitude >= 65520 && $0.isFinite } ?? 0
                throw SafeTensorsError(
                    path: url.path,
                    problem: "cannot hold '\(name)' as F16: its value \(value) is beyond 65504; write F32")
            }
            try halves.withUnsafeBytes { try writer.write(UnsafeRawBufferPointer(rebasing: $0[..<(2 * part.count)])) }
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
