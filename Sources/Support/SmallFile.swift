import Foundation

/// Reads files that are small by nature (settings, lists of words) into memory.
public enum SmallFile {
    /// Why a file was not read, as the end of a sentence about it: "is a folder".
    public struct Problem: Error, CustomStringConvertible {
        public let description: String
    }

    /// The contents of a regular file, or of the one that a link leads to.
    /// - Parameters:
    ///   - url: the file's place.
    ///   - limit: the most bytes that the file may have.
    /// - Returns: nil where there is no file.
    /// - Throws: ``Problem``. A folder, a device and a pipe are refused; no pipe is waited for.
    public static func read(_ url: URL, atMost limit: Int) throws(Problem) -> Data? {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw Problem(description: "cannot be opened: \(systemMessage(errno))")
        }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else {
            throw Problem(description: "cannot be read: \(systemMessage(errno))")
        }
        switch information.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw Problem(description: "is a folder, not a file")
        default: throw Problem(description: "is not a regular file")
        }
        guard information.st_size <= limit else {
            throw Problem(description: "has \(information.st_size) bytes; it may have \(limit)")
        }
        // One byte more than there should be: the file may be growing.
        var bytes = Data(count: min(limit, Int(information.st_size)) + 1)
        var count = 0
        while count < bytes.count {
            let found = bytes.withUnsafeMutableBytes { bytes in
                systemRead(descriptor, UnsafeMutableRawBufferPointer(rebasing: bytes[count...]))
            }
            if found < 0 && errno == EINTR { continue }
            if found < 0 { throw Problem(description: "cannot be read: \(systemMessage(errno))") }
            if found == 0 { return bytes.prefix(count) }
            count += found
        }
        throw Problem(description: "changed while it was read")
    }
}

/// The system's `read`, which methods of the same name hide.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, bytes.baseAddress, bytes.count)
}
