import Foundation
import Support
import Tensors

/// A checkpoint of TensorFlow's second format ("tensor bundle"), as `tf.compat.v1.train.Saver` and
/// `tf.train.Checkpoint` write it: `model.ckpt-N.index`, which names the variables, and `model.ckpt-N.data-00000-of-
/// 00001` (or more of them) with their elements.
public struct TensorFlowCheckpoint: Sendable {
    /// The variables under TensorFlow's names ("InceptionV3/Mixed_7c/Branch_0/Conv2d_0a_1x1/weights"), in its layouts:
    /// convolutions are [height, width, in, out], matrices [in, out]. The values are a dictionary of the names, with
    /// whole numbers (`global_step`) as such.
    public let contents: CheckpointContents
    /// The names of the variables that were left out: they hold no real numbers, or are written in parts.
    public let leftOut: [String]
    /// The `.index` file, and the data files in their order.
    public let files: [URL]

    /// Reads a checkpoint. Variables of 32-bit floats borrow the mapped data file where they are aligned.
    /// - Parameter url: the `.index` file, a data file, or the prefix that they share ("model.ckpt-2000000").
    /// - Throws: ``WeightsFileError`` that names the file at fault.
    public init(_ url: URL) throws {
        let prefix = Self.prefix(url)
        let index = try Self.index(prefix)
        files = [index.url] + Self.shards(prefix, index.contents.shards)
        var shards: [Int: MappedFile] = [:]
        var tensors: [String: Tensor] = [:]
        var values: [PlainValue.Entry] = []
        var leftOut: [String] = []
        for shard in 0..<index.contents.shards { shards[shard] = try Self.shard(files[shard + 1], index.url) }
        var names: Set<String> = []
        for entry in index.contents.entries {
            let layout = try WeightsFileError.naming(index.url) {
                if !names.insert(entry.name).inserted { throw FileProblem("has the tensor '\(entry.name)' twice") }
                return try entry.layout(shards: index.contents.shards)
            }
            guard let layout, let shard = shards[entry.shard] else {
                leftOut.append(entry.name)
                continue
            }
            try WeightsFileError.naming(files[entry.shard + 1]) {
                let end = entry.offset + entry.size
                guard end <= shard.bytes.count else {
                    throw FileProblem(
                        "ends too early: the tensor '\(entry.name)' takes bytes \(entry.offset) to \(end), "
                            + "but the file has \(shard.bytes.count)")
                }
                let data = UnsafeRawBufferPointer(rebasing: shard.bytes[entry.offset..<end])
                if layout.type.isReadable {
                    // Entries may lie on the same bytes.
                    try shard.budget.allocate(4 * layout.count)
                    tensors[entry.name] = Tensor(
                        shape: layout.shape, storage: layout.type.floats(data, keeper: shard))
                    values.append(PlainValue.Entry(.text(entry.name), .tensor(entry.name)))
                } else if layout.shape.isEmpty, let number = Self.integer(data, layout.type) {
                    values.append(PlainValue.Entry(.text(entry.name), .integer(number)))
                } else {
                    leftOut.append(entry.name)
                }
            }
        }
        contents = CheckpointContents(tensors: tensors, values: .dictionary(values))
        self.leftOut = leftOut
    }

    /// The files of a checkpoint: the `.index` file, and the data files in their order. Only the first is read.
    /// - Parameter url: one of them, or the prefix that they share.
    /// - Throws: ``WeightsFileError`` where the index cannot be read.
    public static func files(of url: URL) throws -> [URL] {
        let prefix = prefix(url)
        let index = try index(prefix)
        return [index.url] + shards(prefix, index.contents.shards)
    }

    /// True where the path is one of a checkpoint's files, or the prefix of an `.index` file that exists.
    public static func looksLike(_ url: URL) -> Bool {
        FileManager.default.fileExists(atPath: prefix(url) + ".index")
    }

    // MARK: Files

    /// The path without the ending of a checkpoint's file.
    private static func prefix(_ url: URL) -> String {
        let path = url.path
        for ending in [".index", ".meta"] where path.hasSuffix(ending) { return String(path.dropLast(ending.count)) }
        let ending = path.suffix(".data-00000-of-00001".count)
        let digits = ending.filter { $0.isASCII && $0.isNumber }
        if digits.count == 10, ending.hasPrefix(".data-"), ending.dropFirst(11).hasPrefix("-of-") {
            return String(path.dropLast(ending.count))
        }
        return path
    }

    private static func index(_ prefix: String) throws -> (url: URL, contents: TensorFlowIndex) {
        let index = URL(fileURLWithPath: prefix + ".index")
        let isThere = FileManager.default.fileExists(atPath: index.path)
        // A file of another name may be an index, too, or a checkpoint of the first format, which has no other file.
        let isAlone = !isThere && FileManager.default.fileExists(atPath: prefix)
        let url = isAlone ? URL(fileURLWithPath: prefix) : index
        return try WeightsFileError.naming(url) {
            if !isThere && !isAlone {
                throw FileProblem("is missing: a TensorFlow checkpoint is an .index file and its data files")
            }
            return (url, try TensorFlowIndex(MappedFile(url)))
        }
    }

    private static func shards(_ prefix: String, _ count: Int) -> [URL] {
        func padded(_ number: Int) -> String {
            String(repeating: "0", count: max(0, 5 - String(number).count)) + String(number)
        }
        return (0..<count).map { URL(fileURLWithPath: "\(prefix).data-\(padded($0))-of-\(padded(count))") }
    }

    private static func shard(_ url: URL, _ index: URL) throws -> MappedFile {
        try WeightsFileError.naming(url) {
            if !FileManager.default.fileExists(atPath: url.path) {
                throw FileProblem("is missing; \(index.lastPathComponent) says that tensors lie in it")
            }
            return try MappedFile(url)
        }
    }

    /// A number that is written as an integer of 32 or 64 bits.
    private static func integer(_ bytes: UnsafeRawBufferPointer, _ type: ElementType) -> Int? {
        switch type {
        case .int64: Int(Int64(littleEndian: bytes.loadUnaligned(as: Int64.self)))
        case .int32: Int(Int32(littleEndian: bytes.loadUnaligned(as: Int32.self)))
        default: nil
        }
    }
}
