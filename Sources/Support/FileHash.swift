import Foundation

/// SHA-256 of a file, computed on another thread: while a photograph is decoded or a PNG is compressed, a core is idle.
public final class FileHash: Sendable {
    private let result = Mutex<Result<String, any Error>?>(nil)
    private let done = DispatchGroup()

    /// Starts to hash the file at `url`.
    public init(_ url: URL) {
        DispatchQueue.global(qos: .userInitiated).async(group: done) {
            let hash = Result { sha256(try Data(contentsOf: url, options: .alwaysMapped)) }
            self.result.withLock { $0 = hash }
        }
    }

    /// Starts to hash a model's weights.
    public convenience init(model folder: URL) { self.init(folder.appendingPathComponent("model.safetensors")) }

    /// The hash, in hexadecimal; waits for it.
    /// - Throws: what reading the file threw.
    public var value: String {
        get throws {
            done.wait()
            return try result.withLock { $0 }?.get() ?? ""
        }
    }
}
