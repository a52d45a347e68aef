import Foundation
import Vision
import Weights

/// What a golden file holds of one file that the program wrote.
enum GoldenFile {
    /// SHA-256 of a raw map's file, or the first 16 digits of that of an image's pixels. It is compared only on the
    /// processor that made the golden file.
    static let bytesKey = "bytes"
    /// A raw map in thousandths of its largest magnitude, one string for each row.
    static let mapKey = "thousandths"
    /// A map with more rows or columns than this is reduced to the means of `blocks` x `blocks` blocks.
    private static let largestMap = 16
    private static let blocks = 8

    /// A raw map `[rows, columns]` in NumPy's format.
    static func map(_ file: URL, sha256: String) throws -> JSONValue {
        let array = try NumPyArray.read(file)
        let (rows, columns) = (array.shape[0], array.shape[1])
        let largest = array.array.reduce(0) { max($0, abs($1)) }
        var values = array.array
        var width = columns
        if max(rows, columns) > largestMap {
            values = means(values, rows: rows, columns: columns)
            width = blocks
        }
        let thousandths = values.map { value -> String in
            let part = largest > 0 ? value / largest * 1000 : value
            return part.isFinite ? String(Int(part.rounded())) : "nan"
        }
        let lines = stride(from: 0, to: thousandths.count, by: width).map {
            thousandths[$0..<min($0 + width, thousandths.count)].joined(separator: " ")
        }
        return .object([
            bytesKey: .text(sha256), "shape": .list(array.shape.map { .number(Double($0)) }),
            "largest": .number(Double(largest)), mapKey: .list(lines.map { .text($0) }),
        ])
    }

    /// The values of a map that a golden file holds; nil for anything else.
    static func values(_ map: JSONValue) -> [Double]? {
        guard case .list(let rows) = map else { return nil }
        return rows.flatMap { row -> [Double] in
            guard case .text(let line) = row else { return [.nan] }
            return line.split(separator: " ").map { Double($0) ?? .nan }
        }
    }

    /// - Parameter sha256: of the pixels; the bytes of a PNG file depend on the version of zlib.
    static func image(width: Int, height: Int, sha256: String) -> JSONValue {
        let size = [width, height].map { JSONValue.number(Double($0)) }
        return .object([bytesKey: .text(String(sha256.prefix(16))), "size": .list(size)])
    }

    private static func means(_ values: [Float], rows: Int, columns: Int) -> [Float] {
        (0..<blocks * blocks).map { block in
            let (i, j) = (block / blocks, block % blocks)
            let ys = i * rows / blocks..<max(i * rows / blocks + 1, (i + 1) * rows / blocks)
            let xs = j * columns / blocks..<max(j * columns / blocks + 1, (j + 1) * columns / blocks)
            let sum = ys.reduce(Float(0)) { sum, y in xs.reduce(sum) { $0 + values[y * columns + $1] } }
            return sum / Float(ys.count * xs.count)
        }
    }
}

/// The processor and the kind of build: what the rounding of sums depends on.
enum Processor {
    /// Vendor, family, model and vector instructions.
    static let name: String = {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        var fields: [String: String] = [:]
        for line in text.components(separatedBy: "\n").prefix(while: { !$0.isEmpty }) {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if parts.count == 2 { fields[parts[0]] = parts[1] }
        }
        let model = ["vendor_id", "cpu family", "model", "CPU implementer", "CPU part"].compactMap { fields[$0] }
        let flags = Set((fields["flags"] ?? fields["Features"] ?? "").split(separator: " "))
        let vectors = ["avx2", "fma", "avx512f", "avx512bw", "avx512vl", "asimd", "sve"].filter {
            flags.contains($0[...])
        }
        let environment = ProcessInfo.processInfo.environment
        let kernels = ["MMX_INSTRUCTIONS", "OPENBLAS_CORETYPE"].compactMap { environment[$0] }
        return (model + vectors + kernels).joined(separator: " ")
    }()
}
