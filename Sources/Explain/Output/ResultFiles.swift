import Foundation
import Support

/// The files of one run, in a folder that other runs write to as well.
///
/// Two requests never share a file. A file gets its plain name, as `photo-02-dog-map.npy`, where no file has that name
/// or where an earlier run of the same request wrote it: then it is replaced. Elsewhere the name gets the request's key,
/// as `photo-02-dog-3f9a1c20-map.npy`. Which files an earlier run wrote stands in its manifest, beside its request.
/// Other processes that write results wait meanwhile.
final class ResultFiles {
    /// What tells the request from others, sixteen hexadecimal digits; a manifest's `request`.
    let request: String
    private let folder: URL
    /// Names of files that the same request wrote before.
    private var own = Set<String>()
    /// Names of this run, in lower case: some file systems do not tell case apart.
    private var taken = Set<String>()
    private let manifestName: String
    private var lock: Int32 = -1
    /// What stands before every name, with its folder: a batch's photograph.
    private let prefix: String
    /// Whether raw maps get a file each.
    let hasRawMaps: Bool
    /// Whether images and sheets are drawn.
    let hasImages: Bool

    /// Makes the folder and waits until no other process writes results to it.
    /// - Parameters:
    ///   - request: see ``key(of:)``.
    ///   - manifest: the manifest's name, without `.json`.
    /// - Throws: `AtomicFileError`.
    init(_ folder: URL, request: String, manifest: String) throws {
        self.folder = folder
        self.request = request
        manifestName = manifest
        (prefix, hasRawMaps, hasImages) = ("", true, true)
        try AtomicFile.makeFolder(folder)
        try takeLock()
        for name in [manifest, "\(manifest)-\(request.prefix(8))"] {
            own = Self.files(of: request, in: folder.appendingPathComponent("\(name).json"))
            if !own.isEmpty { break }
        }
    }

    /// The files of one photograph of a batch, whose folder is locked already. The photograph's number is in their
    /// names, so that no other's are called the same: files that are there are its own, of a run that was interrupted.
    /// - Parameters:
    ///   - place: the folder of the files inside `folder`.
    ///   - prefix: what stands before every name.
    init(_ folder: URL, place: String, prefix: String, hasRawMaps: Bool, hasImages: Bool) {
        self.folder = folder
        (request, manifestName) = ("", "")
        self.prefix = "\(place)/\(prefix)"
        (self.hasRawMaps, self.hasImages) = (hasRawMaps, hasImages)
    }

    deinit {
        // Closing it gives the lock back.
        if lock >= 0 { close(lock) }
    }

    /// What tells a request from others: the text of all its values.
    static func key(of request: some Any) -> String { Fingerprint(of: [String(reflecting: request)]).hexadecimal }

    /// The place of a file.
    func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    /// The manifest's place.
    /// - Throws: `AtomicFileError`; see ``name(_:endings:)``.
    func manifest() throws -> URL { url(try name(manifestName, endings: [".json"]) + ".json") }

    /// The common part of the names of files that belong together.
    /// - Parameters:
    ///   - name: the plain one.
    ///   - endings: what comes behind it, one for each file.
    /// - Throws: `AtomicFileError` where other files have the name with the request's key too.
    func name(_ name: String, endings: [String]) throws -> String {
        let name = prefix + name
        let keyed = "\(name)-\(request.prefix(8))"
        for candidate in [name, keyed] {
            var numbered = candidate, count = 1
            // Two targets of one run that are called the same have numbers behind them.
            while endings.contains(where: { taken.contains((numbered + $0).lowercased()) }) {
                count += 1
                numbered = "\(candidate)-\(count)"
            }
            if endings.allSatisfy({ isFree(numbered + $0) }) {
                for ending in endings { taken.insert((numbered + ending).lowercased()) }
                return numbered
            }
        }
        throw AtomicFileError(
            path: url(keyed + (endings.first ?? "")).path,
            problem: "a file of another request has this name; move it away, or give another folder with --output")
    }

    private func isFree(_ name: String) -> Bool {
        if !prefix.isEmpty { return true }
        var information = stat()
        return own.contains(name) || RawPath.withBytes(url(name).path) { lstat($0, &information) } != 0
    }

    /// The names of the files that a manifest's own request wrote; none where it is of another request, or is no
    /// manifest.
    private static func files(of request: String, in manifest: URL) -> Set<String> {
        let largest = 64 << 20
        guard let data = try? SmallFile.read(manifest, atMost: largest),
            let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
            object["request"] as? String == request
        else { return [] }
        var names = Set<String>()
        // The answers in a caption's manifest are another request, with a manifest of its own.
        collect(object.filter { $0.key != "answers" }, into: &names)
        return names
    }

    private static func collect(_ value: Any, into names: inout Set<String>) {
        for item in value as? [Any] ?? [] { collect(item, into: &names) }
        guard let object = value as? [String: Any] else { return }
        for (key, value) in object {
            if let path = value as? String, pathKeys.contains(key) {
                names.insert(URL(fileURLWithPath: path).lastPathComponent)
            } else {
                collect(value, into: &names)
            }
        }
    }

    /// The keys of a manifest under which a file's name stands; older manifests have its whole path there.
    private static let pathKeys: Set = [
        "drawnMap", "heatMap", "manifest", "methodSheet", "overlay", "rawMap", "sheet", "toolMap",
    ]

    /// - Throws: `AtomicFileError` where another process keeps the folder for too long.
    private func takeLock() throws {
        lock = RawPath.withBytes(folder.path) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        let deadline = Date(timeIntervalSinceNow: 60)
        while lock >= 0, flock(lock, LOCK_EX | LOCK_NB) != 0 {
            // A file system without locks has none to wait for.
            guard errno == EWOULDBLOCK || errno == EINTR else { return }
            guard Date() < deadline else {
                throw AtomicFileError(
                    path: folder.path, problem: "another process has been writing results there for a minute")
            }
            usleep(5_000)
        }
    }
}
