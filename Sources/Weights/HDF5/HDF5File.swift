import Tensors

/// The groups, attributes and data sets of an HDF5 file, as far as Keras and h5py write them: superblocks 0 to 3, old
/// groups, new ones of a few members, data sets in one piece or in chunks (gzip, shuffle). It reads bytes by itself:
/// libhdf5 is large, and is not made for files from strangers.
struct HDF5File {
    struct Group {
        /// The names from the root on, joined with slashes; empty for the root.
        let path: String
        /// A dictionary.
        let attributes: PlainValue
    }

    struct Dataset {
        let path: String
        let shape: [Int]
        let type: HDF5Type
        let attributes: PlainValue
        let messages: [HDF5Source.Message]

        /// True where ``HDF5File/tensor(_:)`` can give its elements.
        var isReal: Bool { if case .real = type.kind { true } else { false } }
    }

    /// In the file's order (by name, in old groups), a group before its members.
    private(set) var groups: [Group] = []
    private(set) var datasets: [Dataset] = []
    private var groupPlaces: [String: Int] = [:]
    private var datasetPlaces: [String: Int] = [:]
    private let source: HDF5Source
    /// The groups' headers that were read.
    private var seen: Set<Int> = []
    private static let deepest = 32

    /// - Parameters:
    ///   - bytes: the HDF5 file: a whole file, or a member of a zip archive.
    ///   - file: the file that keeps `bytes` in memory.
    init(_ bytes: UnsafeRawBufferPointer, file: MappedFile) throws {
        source = HDF5Source(bytes, file)
        let root = try Self.rootAddress(bytes)
        try visit(root, path: "", depth: 0)
        guard !groups.isEmpty else { throw FileProblem("is damaged: its root is no group") }
    }

    static func looksLike(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: signature) }

    private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    func group(_ path: String) -> Group? { groupPlaces[path].map { groups[$0] } }
    func dataset(_ path: String) -> Dataset? { datasetPlaces[path].map { datasets[$0] } }

    /// The elements of a data set of real numbers. They borrow the file where they lie in it in one piece, aligned.
    func tensor(_ dataset: Dataset) throws -> Tensor {
        do { return try source.tensor(dataset) } catch let problem as FileProblem {
            throw FileProblem("has the data set '\(dataset.path)', which \(problem.text)")
        }
    }

    /// Reads the superblock.
    /// - Returns: the address of the root's object header.
    private static func rootAddress(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        guard looksLike(bytes) else { throw FileProblem("does not begin as HDF5 files do") }
        var reader = ByteReader(bytes, at: 8)
        let version = try reader.number(UInt8.self)
        if version > 3 { throw FileProblem("is of HDF5's version \(version); versions 0 to 3 can be read") }
        if version < 2 { _ = try reader.take(4) }
        let offsets = try reader.number(UInt8.self), lengths = try reader.number(UInt8.self)
        guard offsets == 8, lengths == 8 else {
            throw FileProblem("is an HDF5 file of addresses of \(offsets) and \(lengths) bytes; those of 8 can be read")
        }
        _ = try reader.take(version == 0 ? 9 : version == 1 ? 13 : 1)
        let base = try reader.length()
        if base != 0 { throw FileProblem("is an HDF5 file within another file, which is not read") }
        _ = try reader.take(8)
        let end = try reader.length()
        if end > bytes.count {
            throw FileProblem("should have \(end) bytes, but has \(bytes.count): was the file cut short?")
        }
        if version < 2 { _ = try reader.take(16) }
        return try reader.length()
    }

    private mutating func visit(_ address: Int, path: String, depth: Int) throws {
        try source.budget.step()
        let messages = try source.messages(at: address)
        if let members = try source.members(messages) {
            guard seen.insert(address).inserted else {
                throw FileProblem("has the group '\(path)' twice, or within itself: no file of weights has")
            }
            if depth > Self.deepest {
                throw FileProblem("has more than \(Self.deepest) groups within each other, far more than weights need")
            }
            try source.budget.allocate(256 + path.utf8.count)
            groupPlaces[path] = groups.count
            groups.append(Group(path: path, attributes: try source.attributes(messages)))
            var names: Set<String> = []
            for member in members {
                guard names.insert(member.name).inserted else {
                    throw FileProblem("has two members of the name '\(member.name)' in the group '\(path)'")
                }
                let inner = path.isEmpty ? member.name : "\(path)/\(member.name)"
                try visit(member.address, path: inner, depth: depth + 1)
            }
        } else if messages.contains(where: { $0.type == 0x08 }) {
            try source.budget.allocate(512 + path.utf8.count)
            guard let space = messages.first(where: { $0.type == 0x01 }),
                let type = messages.first(where: { $0.type == 0x03 })
            else { throw FileProblem("has the data set '\(path)' without a shape or a type") }
            if space.isShared || type.isShared {
                throw FileProblem("has the data set '\(path)', whose type has a name of its own, which is not read")
            }
            // Without a space there are no elements.
            let shape = try HDF5Type.shape(space.body) ?? [0]
            datasetPlaces[path] = datasets.count
            datasets.append(
                Dataset(
                    path: path, shape: shape, type: try HDF5Type(type.body),
                    attributes: try source.attributes(messages), messages: messages))
        }
    }
}
