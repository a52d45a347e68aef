import CCrypto
import Foundation

/// SHA-256 (FIPS 180-4) of `data`, in hexadecimal.
public func sha256(_ data: Data) -> String {
    var context = SHA256_CTX()
    SHA256_Init(&context)
    data.withUnsafeBytes { bytes in
        _ = SHA256_Update(&context, bytes.baseAddress, bytes.count)
    }
    return finish(&context)
}

/// SHA-256 of the file at `url`, in hexadecimal. It is read in parts, so that a large file takes little memory.
/// - Throws: what reading the file throws.
public func sha256(file url: URL) throws -> String {
    let file = try FileHandle(forReadingFrom: url)
    defer { try? file.close() }
    var context = SHA256_CTX()
    SHA256_Init(&context)
    while let part = try file.read(upToCount: 1 << 20), !part.isEmpty {
        part.withUnsafeBytes { bytes in
            _ = SHA256_Update(&context, bytes.baseAddress, bytes.count)
        }
    }
    return finish(&context)
}

private func finish(_ context: inout SHA256_CTX) -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    SHA256_Final(&digest, &context)
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
