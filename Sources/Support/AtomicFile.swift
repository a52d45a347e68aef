import Foundation

/// A file that could not be written.
public typealias AtomicFileError = FileError<AtomicFile>

/// Writes files whole or not at all: a temporary file in the same folder is written and then renamed. A process that
/// reads the file meanwhile, or has it mapped, keeps the old contents.
///
/// A temporary name is `.mmx-<process>-<random>.part`. Whoever writes it holds a lock on it (`flock`), which the kernel
/// releases when the process ends, however it ends: what is not locked is a leftover (``removeLeftovers(in:)``).
public enum AtomicFile: FileErrorSubject {
    public static let messageStart = "cannot write "
    public static let failureCode = FailureCode.output

    /// Writes `data` to `url` and replaces an existing file.
    /// - Parameters:
    ///   - data: the contents.
    ///   - url: the file's place.
    ///   - durable: see ``write(to:durable:_:)``.
    /// - Throws: ``AtomicFileError``; nothing is left behind.
    public static func write(_ data: Data, to url: URL, durable: Bool = false) throws {
        try write(to: url, durable: durable) { try $0.write(data) }
    }

    /// Calls `body` to write the file piece by piece. A device or a pipe (`/dev/stdout`) is written to directly.
    /// - Parameters:
    ///   - url: the file's place.
    ///   - durable: whether the file outlives a power failure once this returns (`fsync` of the file before it is
    ///     renamed, and of its folder after it). For files that others rely on; it costs a wait for the disk.
    ///   - body: writes the contents.
    /// - Throws: ``AtomicFileError``, or what `body` throws; nothing is left behind.
    public static func write(to url: URL, durable: Bool = false, _ body: (Writer) throws -> Void) throws {
        let path = url.path
        var information = stat()
        let exists = stat(path, &information) == 0
        switch exists ? information.st_mode & S_IFMT : S_IFREG {
        case S_IFREG: break
        case S_IFDIR: throw AtomicFileError(path: path, problem: "it is a folder")
        default: return try writeDirectly(path, body)
        }
        // A link stays a link; its target is replaced.
        try Timings.measure(.files) {
            try writeWhole(exists ? url.resolvingSymlinksInPath() : url, path: path, durable: durable, body)
        }
    }

    /// Writes a file under a temporary name and gives it its own then.
    /// - Parameters:
    ///   - target: where the file lies.
    ///   - path: its name in errors.
    private static func writeWhole(
        _ target: URL, path: String, durable: Bool, _ body: (Writer) throws -> Void
    ) throws {
        let folder = target.deletingLastPathComponent().path
        let (temporary, descriptor) = try makeTemporary(in: folder, for: path, isFolder: false)
        // The lock ends here, after the file has its name.
        defer { close(descriptor) }
        do {
            let writer = Writer(descriptor, path: path)
            try body(writer)
            try writer.flush()
            guard finishWriting(descriptor, durable: durable), rename(temporary, target.path) == 0 else {
                throw AtomicFileError(path: path, problem: explain(errno, folder: folder))
            }
        } catch {
            unlink(temporary)
            throw error
        }
        if durable { synchronise(folder: folder) }
    }

    /// Calls `body` to fill a new folder under a temporary name, and then names it `url`. The folder outlives a power
    /// failure if `body` writes its files durably.
    /// - Returns: false where `url` exists and has files; nothing has changed then.
    /// - Throws: ``AtomicFileError``, or what `body` throws; nothing is left behind.
    public static func writeFolder(to url: URL, _ body: (URL) throws -> Void) throws -> Bool {
        let above = url.deletingLastPathComponent().path
        let (temporary, descriptor) = try makeTemporary(in: above, for: url.path, isFolder: true)
        defer { close(descriptor) }
        do {
            try body(URL(fileURLWithPath: temporary, isDirectory: true))
            synchronise(folder: temporary)
            if rename(temporary, url.path) != 0 {
                let code = errno
                guard code == ENOTEMPTY || code == EEXIST else {
                    throw AtomicFileError(path: url.path, problem: explain(code, folder: above))
                }
                try? FileManager.default.removeItem(atPath: temporary)
                return false
            }
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw error
        }
        synchronise(folder: above)
        return true
    }

    /// Makes a file, open for writing, or a folder under a temporary name, and locks it.
    private static func makeTemporary(
        in folder: String, for path: String, isFolder: Bool
    ) throws -> (path: String, descriptor: Int32) {
        while true {
            let temporary = folder + "/.mmx-\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 36)).part"
            let flags = isFolder ? O_RDONLY | O_DIRECTORY : O_WRONLY | O_CREAT | O_EXCL
            let isMade = !isFolder || mkdir(temporary, 0o777) == 0
            let descriptor = isMade ? open(temporary, flags | O_CLOEXEC, 0o666) : -1
            if descriptor < 0 {
                // Another process may have removed the new folder; see below.
                if isMade, isFolder, errno == ENOENT { continue }
                throw AtomicFileError(path: path, problem: explain(errno, folder: folder))
            }
            // File systems without locks go without: there, nothing is taken for a leftover either.
            flock(descriptor, LOCK_EX)
            var information = stat()
            if fstat(descriptor, &information) == 0, information.st_nlink > 0 { return (temporary, descriptor) }
            // Another process took it for a leftover before it was locked.
            close(descriptor)
        }
    }

    /// Waits for the disk, or asks for the errors that some file systems (NFS, quotas) tell only when a file is
    /// closed; the lock goes on.
    private static func finishWriting(_ descriptor: Int32, durable: Bool) -> Bool {
        if durable { return fsync(descriptor) == 0 }
        let copy = dup(descriptor)
        return copy < 0 || close(copy) == 0
    }

    /// Makes the names in a folder durable. Not every file system can; there is nothing to be done then.
    public static func synchronise(folder path: String) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0 { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Removes what killed processes have left in `folder` under temporary names. What a living process writes stays.
    public static func removeLeftovers(in folder: URL) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        where name.hasPrefix(".mmx-") && name.hasSuffix(".part") {
            let path = folder.path + "/" + name
            let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            if descriptor < 0 { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { try? FileManager.default.removeItem(atPath: path) }
            close(descriptor)
        }
    }

    private static func writeDirectly(_ path: String, _ body: (Writer) throws -> Void) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        if descriptor < 0 { throw AtomicFileError(path: path, problem: systemMessage(errno)) }
        defer { close(descriptor) }
        let writer = Writer(descriptor, path: path)
        try body(writer)
        try writer.flush()
    }

    /// Makes the folder `url` and its parents where they do not exist, and removes what killed processes left in it.
    /// - Throws: ``AtomicFileError`` with the file that is in the way.
    public static func makeFolder(_ url: URL) throws {
        func isFolder(_ path: String) -> Bool {
            var information = stat()
            return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
        }
        var missing: [String] = []
        var folder = url.absoluteURL.standardizedFileURL
        while !isFolder(folder.path), folder.path != "/" {
            missing.append(folder.path)
            folder.deleteLastPathComponent()
        }
        for path in missing.reversed() {
            let code = mkdir(path, 0o777) == 0 ? 0 : errno
            if code == 0 || isFolder(path) { continue }
            let above = URL(fileURLWithPath: path).deletingLastPathComponent().path
            throw AtomicFileError(
                path: url.path, problem: code == EEXIST ? "\(path) is not a folder" : explain(code, folder: above))
        }
        removeLeftovers(in: url)
    }

    private static func explain(_ code: Int32, folder: String) -> String {
        switch code {
        case ENOENT: "the folder \(folder) does not exist"
        case ENOTDIR: "\(folder) is not a folder"
        case EACCES, EPERM: "the folder \(folder) is not writable"
        case EROFS: "the folder \(folder) is on a read-only file system"
        default: systemMessage(code)
        }
    }

    /// Writes a file piece by piece.
    public final class Writer {
        private let descriptor: Int32
        private let path: String
        private var buffer: [UInt8] = []

        fileprivate init(_ descriptor: Int32, path: String) {
            self.descriptor = descriptor
            self.path = path
        }

        public func write(_ data: Data) throws { try data.withUnsafeBytes { try write($0) } }
        public func write(_ text: String) throws { try write(Data(text.utf8)) }

        /// Appends `bytes` to the file.
        public func write(_ bytes: UnsafeRawBufferPointer) throws {
            if buffer.count + bytes.count < 1 << 16 {
                buffer.append(contentsOf: bytes)
                return
            }
            try flush()
            try put(bytes)
        }

        fileprivate func flush() throws {
            try buffer.withUnsafeBytes { try put($0) }
            buffer.removeAll(keepingCapacity: true)
        }

        private func put(_ bytes: UnsafeRawBufferPointer) throws {
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
                if written < 0 && errno == EINTR { continue }
                if written < 0 { throw AtomicFileError(path: path, problem: systemMessage(errno)) }
                rest = rest.dropFirst(written)
            }
        }
    }
}

/// The system's `write`, which methods of the same name hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
