import Foundation
import Support
import Tensors

/// SHA-256 of images' contents. They are kept in a file, `images.json`, with what the file system tells of each image,
/// so that the images are not read again when nothing has changed.
///
/// An image with the same path, size, time of modification and time of its last change of state (which no program can
/// set) is taken to be the same. To have all images read again, remove the file.
final class ImageHashes {
    /// What the file system tells of a file.
    private struct Status: Codable, Equatable {
        var size: Int64
        /// In nanoseconds since 1970.
        var modified: Int64
        var changed: Int64

        /// Nil where there is no regular file.
        init?(_ path: String) {
            var information = stat()
            guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
            func nanoseconds(_ time: timespec) -> Int64 {
                Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ Int64(time.tv_nsec)
            }
            size = Int64(information.st_size)
            (modified, changed) = (nanoseconds(information.st_mtim), nanoseconds(information.st_ctim))
        }
    }

    private struct Entry: Codable, Equatable {
        var status: Status
        var sha256: String
    }

    private let file: URL
    /// By path.
    private var entries: [String: Entry]
    /// The images that had to be read.
    private(set) var readCount = 0

    /// - Parameter file: made when it is missing, and made anew when it is damaged.
    init(_ file: URL) {
        self.file = file
        let data = (try? SmallFile.read(file, atMost: 1 << 30)) ?? nil
        entries = data.flatMap { try? JSONDecoder().decode([String: Entry].self, from: $0) } ?? [:]
    }

    private static func path(_ image: URL) -> String { image.absoluteURL.standardizedFileURL.path }

    /// The hash of each image; empty for one that cannot be read.
    /// - Throws: `AtomicFileError` where the file cannot be written.
    func hashes(_ images: [URL]) throws -> [String] {
        let paths = images.map(Self.path)
        let old = entries
        // Entry and whether it is new; nil for an image that cannot be read.
        let found = Mutex([(entry: Entry, isNew: Bool)?](repeating: nil, count: paths.count))
        Parallel.forEach(paths.count) { i in
            // The status first: an image that is replaced meanwhile has another one afterwards.
            guard let status = Status(paths[i]) else { return }
            if let known = old[paths[i]], known.status == status {
                found.withLock { $0[i] = (known, false) }
            } else if let data = try? Data(contentsOf: URL(fileURLWithPath: paths[i]), options: .alwaysMapped) {
                let entry = Entry(status: status, sha256: sha256(data))
                found.withLock { $0[i] = (entry, true) }
            }
        }
        let all = found.withLock { $0 }
        for (path, item) in zip(paths, all) { entries[path] = item?.entry }
        let new = all.count { $0?.isNew == true }
        readCount += new
        if new > 0 { try AtomicFile.write(try JSON.file(entries), to: file) }
        return all.map { $0?.entry.sha256 ?? "" }
    }

    /// - Throws: ``DatasetError`` that names the first image that is not as it was hashed.
    func checkUnchanged(_ images: [URL]) throws {
        for image in images where Status(Self.path(image)) != entries[Self.path(image)]?.status {
            throw DatasetError(
                path: image.path, problem: "the image has changed while its features were computed; train again")
        }
    }
}
