import Crypto
import Foundation
import Synchronization

/// SHA-256 of data, in hexadecimal.
public func sha256(_ data: Data) -> String {
    SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
}

/// SHA-256 of a file, computed beside other work: while a photograph is decoded or a PNG is deflated, a core has
/// nothing to do.
public final class FileHash: Sendable {
    private let result = Mutex<Result<String, any Error>?>(nil)
    private let done = DispatchGroup()

    public init(_ url: URL) {
        DispatchQueue.global(qos: .userInitiated).async(group: done) {
            let hash = Result { sha256(try Data(contentsOf: url, options: .alwaysMapped)) }
            self.result.withLock { $0 = hash }
        }
    }

    /// Of a model's weights.
    public convenience init(model folder: URL) { self.init(folder.appendingPathComponent("model.safetensors")) }

    /// Waits for it.
    /// - Throws: what reading the file threw.
    public var value: String {
        get throws {
            done.wait()
            return try result.withLock { $0 }?.get() ?? ""
        }
    }
}
