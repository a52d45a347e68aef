import Foundation

/// A file that grows at its end and can go on after an interruption from any size that it had.
public final class AppendedFile {
    private let descriptor: Int32
    private let path: String
    /// Bytes so far.
    public private(set) var size: Int

    /// Opens the file, makes it where it does not exist, and cuts off what lies behind the first `kept` bytes.
    /// - Throws: ``AtomicFileError``, also for a file that has fewer bytes.
    public init(_ url: URL, keeping kept: Int) throws {
        path = url.path
        size = kept
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        if descriptor < 0 { throw AtomicFileError(path: path, problem: systemMessage(errno)) }
        var information = stat()
        guard fstat(descriptor, &information) == 0, Int(information.st_size) >= kept else {
            throw AtomicFileError(
                path: path, problem: "it has fewer bytes than were written; remove the folder and start again")
        }
        guard ftruncate(descriptor, off_t(kept)) == 0 else {
            throw AtomicFileError(path: path, problem: systemMessage(errno))
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends bytes. Where they cannot all be written, the file keeps its size.
    /// - Throws: ``AtomicFileError``.
    public func append(_ bytes: some Collection<UInt8>) throws {
        let bytes = Array(bytes)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(
                    descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written, off_t(size + written))
            }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 {
                let code = errno
                ftruncate(descriptor, off_t(size))
                throw AtomicFileError(path: path, problem: systemMessage(code))
            }
            written += count
        }
        size += written
    }

    /// Waits until the bytes so far are on the disk.
    /// - Throws: ``AtomicFileError``.
    public func synchronise() throws {
        guard fdatasync(descriptor) == 0 || errno == EINVAL else {
            throw AtomicFileError(path: path, problem: systemMessage(errno))
        }
    }
}
