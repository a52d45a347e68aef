import Foundation

/// Paths whose bytes are not UTF-8, as old file systems and archives leave them, in Swift's strings.
///
/// Linux gives a path any bytes but 0 and `/`. A byte that is part of no UTF-8 character is kept as one character of
/// the private range U+10FF80...U+10FFFF, which no file is named with in practice, and written back as that byte where
/// the file is opened. Python's `surrogateescape` (PEP 383) does the same with characters that Swift does not have.
public enum RawPath {
    /// The text of an argument or of a directory's entry.
    public static func text(of bytes: some Collection<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var result = String.UnicodeScalarView()
        var rest = Array(bytes)[...]
        while let first = rest.first {
            let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
            if rest.count >= length, let character = String(validating: rest.prefix(length), as: UTF8.self) {
                result.append(contentsOf: character.unicodeScalars)
                rest = rest.dropFirst(length)
            } else {
                if let scalar = Unicode.Scalar(0x10FF00 + UInt32(first)) { result.append(scalar) }
                rest = rest.dropFirst()
            }
        }
        return String(result)
    }

    /// The byte that `scalar` stands for; nil for every other character.
    public static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        scalar.value >= 0x10FF80 ? UInt8(truncatingIfNeeded: scalar.value) : nil
    }

    /// Calls `body` with the path's bytes as the system takes them, with a zero behind them.
    public static func withBytes<T>(_ path: String, _ body: (UnsafePointer<CChar>) throws -> T) rethrows -> T {
        guard path.unicodeScalars.contains(where: { byte(of: $0) != nil }) else { return try path.withCString(body) }
        var bytes: [CChar] = []
        for scalar in path.unicodeScalars {
            if let byte = byte(of: scalar) {
                bytes.append(CChar(bitPattern: byte))
            } else {
                bytes.append(contentsOf: String(scalar).utf8.map { CChar(bitPattern: $0) })
            }
        }
        return try (bytes + [0]).withUnsafeBufferPointer { buffer in
            // The array is not empty: it ends with the zero.
            guard let base = buffer.baseAddress else { return try path.withCString(body) }
            return try body(base)
        }
    }
}

// The system's functions for paths as this module calls them: with the bytes that a path stands for.

func open(_ path: String, _ flags: Int32) -> Int32 { RawPath.withBytes(path) { Foundation.open($0, flags) } }

func open(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
    RawPath.withBytes(path) { Foundation.open($0, flags, mode) }
}

func stat(_ path: String, _ information: inout stat) -> Int32 {
    RawPath.withBytes(path) { fstatat(AT_FDCWD, $0, &information, 0) }
}

func mkdir(_ path: String, _ mode: mode_t) -> Int32 { RawPath.withBytes(path) { Foundation.mkdir($0, mode) } }

func rename(_ old: String, _ new: String) -> Int32 {
    RawPath.withBytes(old) { old in RawPath.withBytes(new) { Foundation.rename(old, $0) } }
}

@discardableResult
func unlink(_ path: String) -> Int32 { RawPath.withBytes(path) { Foundation.unlink($0) } }
