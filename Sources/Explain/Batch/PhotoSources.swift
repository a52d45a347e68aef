import Foundation
import Support
import Vision

/// The photographs that a command names, one after the other: files, folders, archives (`.tar`), lists (`.jsonl`) and
/// what comes over standard input. Folders are read in the order of their names' bytes, so that the photographs have
/// the same order on every machine.
final class PhotoSources {
    /// What a command names.
    enum Input: Equatable {
        case file(String)
        case folder(String)
        case archive(String)
        case list(String)
        case standardInput

        /// - Parameter path: "-" is standard input.
        init(_ path: String) {
            let ending = (path as NSString).pathExtension.lowercased()
            self =
                path == "-"
                ? .standardInput
                : Self.isFolder(path)
                    ? .folder(path) : ending == "tar" ? .archive(path) : ending == "jsonl" ? .list(path) : .file(path)
        }

        /// Whether it may hold several photographs.
        var isMany: Bool { if case .file = self { false } else { true } }

        static func isFolder(_ path: String) -> Bool {
            var information = stat()
            return RawPath.withBytes(path) { stat($0, &information) } == 0
                && information.st_mode & S_IFMT == S_IFDIR
        }
    }

    private var inputs: [Input]
    private var current: (any IteratorProtocol<PhotoItem>)?
    private let excluded: FolderFiles.Identity?
    private let shard: Shard
    private var count = 0
    /// Files in folders that are no photographs by their names, by their endings.
    private(set) var passedOver: [String: Int] = [:]

    /// - Parameters:
    ///   - output: a folder that is passed over wherever it lies: that of the results.
    ///   - shard: the part of the photographs that is wanted.
    init(_ inputs: [Input], output: URL?, shard: Shard = .all) {
        self.inputs = inputs.reversed()
        excluded = output.flatMap { FolderFiles.Identity($0.path) }
        self.shard = shard
    }

    /// How many photographs a command names; nil where only reading them tells.
    static func count(_ inputs: [Input], output: URL?, shard: Shard) -> Int? {
        var count = 0
        let excluded = output.flatMap { FolderFiles.Identity($0.path) }
        for input in inputs {
            switch input {
            case .file: count += 1
            case .folder(let path):
                var files = FolderFiles(path, excluding: excluded)
                while files.next() != nil { count += 1 }
            case .archive, .list, .standardInput: return nil
            }
        }
        return shard.count(of: count)
    }

    /// Whether the next photograph is known without waiting for standard input.
    var hasNextAtOnce: Bool {
        if let list = current as? ListedPhotographs { return list.hasNextAtOnce }
        return inputs.last != .standardInput
    }

    /// The next photograph of the shard; nil at the end.
    /// - Parameter readsBytes: whether bytes out of an archive are wanted; they are not where the photograph is passed
    ///   over.
    func next(readsBytes: Bool = true) -> PhotoItem? {
        while true {
            if var iterator = current {
                if var archive = iterator as? TarPhotographs {
                    archive.readsBytes = readsBytes && shard.has(count)
                    iterator = archive
                }
                let item = iterator.next()
                current = iterator
                if var item {
                    item.index = count
                    count += 1
                    if shard.has(item.index) { return item }
                    continue
                }
                if let files = iterator as? FolderFiles {
                    passedOver.merge(files.passedOver, uniquingKeysWith: +)
                }
                current = nil
            }
            guard let input = inputs.popLast() else { return nil }
            current = Self.iterator(input, excluding: excluded)
        }
    }

    private static func iterator(
        _ input: Input, excluding excluded: FolderFiles.Identity?
    ) -> any IteratorProtocol<PhotoItem> {
        switch input {
        case .file(let path): IteratorOverOne(PhotoItem(name: path, contents: .file(URL(fileURLWithPath: path))))
        case .folder(let path): FolderFiles(path, excluding: excluded)
        case .archive(let path): TarPhotographs(path)
        case .list(let path): ListedPhotographs(file: path)
        case .standardInput: ListedPhotographs()
        }
    }
}

/// A part of a command's photographs: each n-th, from the i-th on.
public struct Shard: Equatable, Sendable {
    /// Counted from 1.
    public let number: Int
    public let count: Int

    /// All photographs.
    public static let all = Shard(number: 1, count: 1)

    public init(number: Int, count: Int) {
        self.number = number
        self.count = count
    }

    private static let mostShards = 1_000_000

    /// "3/16".
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let number = parts[0], let count = parts[1],
            (1...Self.mostShards).contains(count), (1...count).contains(number)
        else { return nil }
        self.init(number: number, count: count)
    }

    /// That of a task of a Slurm array (`SLURM_ARRAY_TASK_ID` and its neighbours); nil outside.
    /// - Throws: ``PhotoListError`` for an array with gaps, whose tasks cannot tell how many there are in all.
    public static func ofSlurmTask(_ environment: [String: String]) throws -> Shard? {
        func number(_ name: String) -> Int? { environment["SLURM_ARRAY_TASK_\(name)"].flatMap { Int($0) } }
        guard let task = number("ID") else { return nil }
        let range = -(1 << 40)...(1 << 40)
        if let count = number("COUNT"), let first = number("MIN"), let last = number("MAX"),
            (1...mostShards).contains(count), [task, first, last].allSatisfy(range.contains)
        {
            let step = count > 1 ? (last - first) / (count - 1) : 1
            if step >= 1, step == max(1, number("STEP") ?? step), first + step * (count - 1) == last,
                (first...last).contains(task), (task - first) % step == 0
            {
                return Shard(number: (task - first) / step + 1, count: count)
            }
        }
        throw PhotoListError(
            description: "task \(task) of a Slurm array with gaps does not tell its part of the photographs "
                + "(SLURM_ARRAY_TASK_MIN, MAX, COUNT); give it with --shard i/n, or --shard 1/1 for all photographs")
    }

    public var description: String { "\(number)/\(count)" }

    func has(_ index: Int) -> Bool { index % count == number - 1 }

    func count(of all: Int) -> Int { (all + count - number) / count }
}

/// The photographs in a folder and the folders in it: names that end in .jpg, .jpeg or .png. Links to files are
/// followed, links to folders are not, hidden names are passed over.
struct FolderFiles: IteratorProtocol {
    /// A folder, whatever it is called.
    struct Identity: Equatable {
        let device: dev_t
        let number: ino_t

        init?(_ path: String) {
            var information = stat()
            guard RawPath.withBytes(path, { stat($0, &information) }) == 0 else { return nil }
            (device, number) = (information.st_dev, information.st_ino)
        }
    }

    /// The entries that are left, the next one last, of each folder down to the current one.
    private var open: [[(path: String, isFolder: Bool)]] = []
    private var failed: [PhotoItem] = []
    private let excluded: Identity?
    private(set) var passedOver: [String: Int] = [:]

    init(_ path: String, excluding excluded: Identity?) {
        self.excluded = excluded
        enter(path)
    }

    mutating func next() -> PhotoItem? {
        while true {
            if let item = failed.popLast() { return item }
            guard let entries = open.last else { return nil }
            guard let entry = entries.last else {
                open.removeLast()
                continue
            }
            open[open.count - 1].removeLast()
            if !entry.isFolder {
                return PhotoItem(name: entry.path, contents: .file(URL(fileURLWithPath: entry.path)))
            }
            if excluded == nil || Identity(entry.path) != excluded { enter(entry.path) }
        }
    }

    private mutating func enter(_ path: String) {
        guard let folder = RawPath.withBytes(path, { opendir($0) }) else {
            let problem = "the folder cannot be read: \(systemMessage(errno))"
            failed.append(
                PhotoItem(name: path, contents: .missing(ImageError(.unreadable, path, problem))))
            return
        }
        defer { closedir(folder) }
        var entries: [(name: [UInt8], path: String, isFolder: Bool)] = []
        let parent = path.hasSuffix("/") ? path : path + "/"
        while let entry = readdir(folder) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if bytes.first == UInt8(ascii: ".") { continue }
            let name = RawPath.text(of: bytes), full = parent + name
            var information = stat()
            var isFolder = entry.pointee.d_type == UInt8(DT_DIR)
            if entry.pointee.d_type == UInt8(DT_UNKNOWN) {
                isFolder =
                    RawPath.withBytes(full) { lstat($0, &information) } == 0 && information.st_mode & S_IFMT == S_IFDIR
            }
            if isFolder || Image.isNamed(name) {
                entries.append((bytes, full, isFolder))
            } else {
                let ending = (name as NSString).pathExtension.lowercased()
                passedOver[ending.isEmpty ? "no ending" : ".\(ending)", default: 0] += 1
            }
        }
        entries.sort { $1.name.lexicographicallyPrecedes($0.name) }
        open.append(entries.map { ($0.path, $0.isFolder) })
    }
}

private struct IteratorOverOne: IteratorProtocol {
    private var item: PhotoItem?

    init(_ item: PhotoItem) { self.item = item }

    mutating func next() -> PhotoItem? {
        defer { item = nil }
        return item
    }
}
