import Foundation

/// Keeps a folder to one process at a time: a lock (`flock`) on the file `lock` in it, which holds the process's
/// number. The kernel releases the lock when the process ends, however it ends; the file stays.
///
/// File systems without locks go without.
public final class FolderLock {
    private var descriptor: Int32

    /// Locks `folder`, which exists.
    /// - Throws: ``AtomicFileError`` that names the folder and the process that holds it, or the file that cannot be
    ///   made.
    public init(_ folder: URL) throws {
        let path = folder.path + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        if descriptor < 0 { throw AtomicFileError(path: path, problem: systemMessage(errno)) }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            let holder = Self.holder(descriptor).map { "process \($0)" } ?? "another process"
            close(descriptor)
            throw AtomicFileError(
                path: folder.path,
                problem: "\(holder) is at work in this folder; wait until it has ended, or take another folder")
        }
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        pwrite(descriptor, text, text.count, 0)
    }

    deinit { release() }

    /// Unlocks the folder.
    public func release() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// The process that has locked the file; nil where the file does not tell.
    private static func holder(_ descriptor: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes.prefix(count).prefix { $0 != 0x0A }, as: UTF8.self))
    }
}
