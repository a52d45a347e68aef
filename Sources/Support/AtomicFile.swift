import Foundation

/// A file that could not be written.
public typealias AtomicFileError = FileError<AtomicFile>

/// Writes files whole or not at all: a temporary file in the same folder is written and then renamed. A process that
/// reads the file meanwhile, or has it mapped, keeps the old contents.
public enum AtomicFile: FileErrorSubject {
    public static let messageStart = "cannot write "
    public static let failureCode = FailureCode.output

    /// Writes `data` to `url` and replaces an existing file.
    /// - Throws: ``AtomicFileError``; nothing is left behind.
    public static func write(_ data: Data, to url: URL) throws {
        try write(to: url) { try $0.write(data) }
    }

    /// Calls `body` to write the file piece by piece. A device or a pipe (`/dev/stdout`) is written to directly.
    /// - Throws: ``AtomicFileError``, or what `body` throws; nothing is left behind.
    public static func write(to url: URL, _ body: (Writer) throws -> Void) throws {
        let path = url.path
        var information = stat()
        let exists = stat(path, &information) == 0
        switch exists ? information.st_mode & S_IFMT : S_IFREG {
        case S_IFREG: break
        case S_IFDIR: throw AtomicFileError(path: path, problem: "it is a folder")
        default: return try writeDirectly(path, body)
        }
        // A link stays a link; its target is replaced.
        let target = exists ? url.resolvingSymlinksInPath() : url
        let folder = target.deletingLastPathComponent().path
        let temporary = folder + "/.mmx-\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 36)).part"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        if descriptor < 0 { throw AtomicFileError(path: path, problem: explain(errno, folder: folder)) }
        do {
            let writer = Writer(descriptor, path: path)
            do {
                try body(writer)
                try writer.flush()
            } catch {
                close(descriptor)
                throw error
            }
            if close(descriptor) != 0 { throw AtomicFileError(path: path, problem: explain(errno, folder: folder)) }
            if rename(temporary, target.path) != 0 {
                throw AtomicFileError(path: path, problem: explain(errno, folder: folder))
            }
        } catch {
            unlink(temporary)
            throw error
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

    /// Makes the folder `url` and its parents where they do not exist.
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
