import CNettle
import Foundation

/// SHA-256 (FIPS 180-4) of `data`, in hexadecimal.
public func sha256(_ data: Data) -> String {
    var context = sha256_ctx()
    nettle_sha256_init(&context)
    data.withUnsafeBytes { bytes in
        nettle_sha256_update(&context, bytes.count, bytes.bindMemory(to: UInt8.self).baseAddress)
    }
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
    nettle_sha256_digest(&context, digest.count, &digest)
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
