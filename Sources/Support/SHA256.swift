import CCrypto
import Foundation

/// SHA-256 (FIPS 180-4) of `data`, in hexadecimal.
public func sha256(_ data: Data) -> String {
    var context = SHA256_CTX()
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    SHA256_Init(&context)
    data.withUnsafeBytes { bytes in
        _ = SHA256_Update(&context, bytes.baseAddress, bytes.count)
    }
    SHA256_Final(&digest, &context)
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
