import CFiles
import Tensors

extension HDF5Source {
    /// Reads the elements of a data set; see ``HDF5File/tensor(_:)``.
    func tensor(_ dataset: HDF5File.Dataset) throws -> Tensor {
        guard case .real(let type) = dataset.type.kind else {
            throw FileProblem("holds \(dataset.type.name), not little-endian real numbers")
        }
        let (size, overflow) = (elementCount(dataset.shape) ?? 0).multipliedReportingOverflow(by: type.size)
        if overflow { throw FileProblem("has the shape \(dataset.shape), which is larger than any file") }
        if size == 0 { return Tensor(shape: dataset.shape, storage: Storage(count: 0)) }
        let data = try elements(dataset, size: size)
        let isAligned = Int(bitPattern: data.baseAddress) % type.size == 0
        // What is not borrowed is copied as floats.
        if !isAligned || !(type == .float32 || type == .float16) { try budget.allocate(size / type.size * 4) }
        return Tensor(shape: dataset.shape, storage: type.floats(data, keeper: file))
    }

    /// The `size` bytes of all elements, in C order.
    private func elements(_ dataset: HDF5File.Dataset, size: Int) throws -> UnsafeRawBufferPointer {
        if dataset.messages.contains(where: { $0.type == 0x07 }) {
            throw FileProblem("keeps its elements in another file")
        }
        guard let layout = dataset.messages.first(where: { $0.type == 0x08 }) else {
            throw FileProblem("has no layout")
        }
        var reader = ByteReader(layout.body)
        let version = try reader.number(UInt8.self)
        guard version == 3 || version == 4 else {
            throw FileProblem("has a layout of HDF5's version \(version); versions 3 and 4 can be read: save it again")
        }
        let kind = try reader.number(UInt8.self)
        let filters = try filters(dataset)
        if kind < 2 && !filters.isEmpty { throw FileProblem("is damaged: it is compressed, but not in chunks") }
        switch kind {
        case 0:
            let count = Int(try reader.number(UInt16.self))
            if count != size { throw Self.lies(dataset, size, count) }
            return try reader.take(count)
        case 1:
            guard let address = try reader.address() else { throw Self.notWritten }
            let count = try reader.length()
            if count != size { throw Self.lies(dataset, size, count) }
            var data = try self.reader(at: address, "its elements")
            return try data.take(count)
        case 2 where version == 3:
            let rank = Int(try reader.number(UInt8.self)) - 1
            guard rank == dataset.shape.count, rank > 0 else {
                throw FileProblem("has chunks of other axes than its own")
            }
            guard let tree = try reader.address() else { throw Self.notWritten }
            let chunk = try (0..<rank).map { _ in Int(try reader.number(UInt32.self)) }
            guard Int(try reader.number(UInt32.self)) == dataset.type.size else {
                throw FileProblem("is damaged: its chunks have elements of another size")
            }
            return try HDF5Chunks(self, dataset, chunk: chunk, filters: filters, size: size).read(tree: tree)
        default:
            throw FileProblem(
                "is stored in a form of HDF5 that is not read (layout \(kind) of version \(version)): write the file "
                    + "with h5py's own defaults (no libver=\"latest\")")
        }
    }

    private static let notWritten = FileProblem("was never written")

    private static func lies(_ dataset: HDF5File.Dataset, _ size: Int, _ count: Int) -> FileProblem {
        FileProblem("has the shape \(dataset.shape), which takes \(size) bytes, but holds \(count)")
    }

    enum Filter: UInt16 {
        case gzip = 1
        /// The first bytes of all elements, then the second ones...
        case shuffle = 2
    }

    /// In the order in which they were used to write.
    private func filters(_ dataset: HDF5File.Dataset) throws -> [Filter] {
        guard let message = dataset.messages.first(where: { $0.type == 0x0B }) else { return [] }
        var reader = ByteReader(message.body)
        let version = try reader.number(UInt8.self)
        guard version == 1 || version == 2 else { throw FileProblem("has filters of HDF5's version \(version)") }
        let count = try reader.number(UInt8.self)
        if version == 1 { _ = try reader.take(6) }
        var result: [Filter] = []
        for _ in 0..<count {
            let id = try reader.number(UInt16.self)
            let nameSize = version == 1 || id >= 256 ? Int(try reader.number(UInt16.self)) : 0
            _ = try reader.take(2)
            let values = Int(try reader.number(UInt16.self))
            guard let filter = Filter(rawValue: id) else {
                let names: [UInt16: String] = [3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"]
                throw FileProblem(
                    "is compressed with \(names[id] ?? "the filter \(id)"); gzip and shuffle can be read: save it with "
                        + "compression=\"gzip\", or without")
            }
            _ = try reader.take(version == 1 ? (nameSize + 7) / 8 * 8 : nameSize)
            _ = try reader.take(4 * (version == 1 ? (values + 1) / 2 * 2 : values))
            result.append(filter)
        }
        guard result.isEmpty || result == [.gzip] || result == [.shuffle] || result == [.shuffle, .gzip] else {
            throw FileProblem("uses the filters gzip and shuffle in an order that no program writes")
        }
        return result
    }
}

/// Puts the chunks of a data set together.
private final class HDF5Chunks {
    let source: HDF5Source
    let shape: [Int]
    let elementSize: Int
    let chunk: [Int]
    /// Chunks along each axis, the last of which may reach beyond the data set.
    let grid: [Int]
    let filters: [HDF5Source.Filter]
    /// Bytes of a chunk.
    let chunkSize: Int
    let output: UnsafeMutableRawBufferPointer
    private var isRead: [Bool]
    private var first: [UInt8], second: [UInt8]

    init(
        _ source: HDF5Source, _ dataset: HDF5File.Dataset, chunk: [Int], filters: [HDF5Source.Filter], size: Int
    ) throws {
        self.source = source
        shape = dataset.shape
        elementSize = dataset.type.size
        self.chunk = chunk
        self.filters = filters
        guard !chunk.contains(0), let count = elementCount(chunk) else {
            throw FileProblem("has chunks of the impossible shape \(chunk)")
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: elementSize)
        if overflow || bytes > Int(UInt32.max) { throw FileProblem("has chunks of the shape \(chunk), too large") }
        chunkSize = bytes
        grid = zip(shape, chunk).map { $0 / $1 + ($0 % $1 == 0 ? 0 : 1) }
        // An entry of the index takes more than 24 bytes.
        guard let chunks = elementCount(grid), chunks <= source.bytes.count / 24 else {
            throw FileProblem("has the shape \(shape) in chunks of \(chunk), more than the file has room for")
        }
        isRead = .init(repeating: false, count: chunks)
        try source.budget.allocate(chunks)
        output = try source.file.allocate(size)
        let scratch = filters.isEmpty ? 0 : chunkSize
        try source.budget.allocate(2 * scratch)
        first = .init(repeating: 0, count: scratch)
        second = filters.count == 2 ? .init(repeating: 0, count: scratch) : []
    }

    func read(tree: Int) throws -> UnsafeRawBufferPointer {
        try visit(tree, level: nil)
        let missing = isRead.count { !$0 }
        if missing > 0 { throw FileProblem("lacks \(missing) of its \(isRead.count) chunks: they were never written") }
        return UnsafeRawBufferPointer(output)
    }

    private func visit(_ address: Int, level expected: Int?) throws {
        var (node, level, count) = try source.treeNode(at: address, type: 1, level: expected)
        for _ in 0..<count {
            try source.budget.step()
            let stored = Int(try node.number(UInt32.self)), mask = try node.number(UInt32.self)
            var offsets: [Int] = []
            for _ in shape.indices { offsets.append(try node.length()) }
            _ = try node.take(8)
            let child = try node.length()
            if level > 0 {
                try visit(child, level: level - 1)
            } else {
                var place = 0
                for axis in shape.indices {
                    guard offsets[axis] < shape[axis], offsets[axis] % chunk[axis] == 0 else {
                        throw FileProblem("is damaged: it has a chunk at \(offsets), where none can be")
                    }
                    place = place * grid[axis] + offsets[axis] / chunk[axis]
                }
                if isRead[place] { throw FileProblem("is damaged: it has two chunks at \(offsets)") }
                isRead[place] = true
                // Each unpacks to a whole chunk, however little of it lies in the data set.
                try source.budget.allocate(chunkSize)
                var data = try source.reader(at: child, "a chunk")
                try unpack(data.take(stored), mask: mask, at: offsets)
            }
        }
    }

    private func unpack(_ stored: UnsafeRawBufferPointer, mask: UInt32, at offsets: [Int]) throws {
        // A bit for each filter that was left out for this chunk.
        let used = filters.enumerated().filter { mask >> UInt32($0.offset) & 1 == 0 }.map(\.element)
        if !used.contains(.gzip) && stored.count != chunkSize {
            throw FileProblem("has a chunk of \(stored.count) bytes at \(offsets), where \(chunkSize) are due")
        }
        switch used {
        case []: copy(stored, at: offsets)
        case [.gzip]:
            try inflate(stored, at: offsets)
            first.withUnsafeBytes { copy($0, at: offsets) }
        case [.shuffle]:
            first.withUnsafeMutableBytes { unshuffle(stored, $0) }
            first.withUnsafeBytes { copy($0, at: offsets) }
        default:
            try inflate(stored, at: offsets)
            second.withUnsafeMutableBytes { output in first.withUnsafeBytes { unshuffle($0, output) } }
            second.withUnsafeBytes { copy($0, at: offsets) }
        }
    }

    private func inflate(_ stored: UnsafeRawBufferPointer, at offsets: [Int]) throws {
        let state = first.withUnsafeMutableBytes {
            mmx_inflate_zlib(stored.baseAddress, stored.count, $0.baseAddress, $0.count)
        }
        if Int(state) != MMX_INFLATE_OK {
            throw FileProblem("has a chunk at \(offsets), whose compressed data are damaged")
        }
    }

    private func unshuffle(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) {
        let count = chunkSize / elementSize
        for byte in 0..<elementSize {
            for index in 0..<count { output[index * elementSize + byte] = input[byte * count + index] }
        }
    }

    /// Copies the part of a chunk that lies in the data set, a run along the last axis at a time.
    private func copy(_ data: UnsafeRawBufferPointer, at offsets: [Int]) {
        let extent = shape.indices.map { min(chunk[$0], shape[$0] - offsets[$0]) }
        let last = shape.count - 1
        let run = extent[last] * elementSize
        var index = [Int](repeating: 0, count: shape.count)
        while true {
            var from = 0, to = 0
            for axis in shape.indices {
                from = from * chunk[axis] + index[axis]
                to = to * shape[axis] + offsets[axis] + index[axis]
            }
            UnsafeMutableRawBufferPointer(rebasing: output[to * elementSize..<to * elementSize + run])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: data[from * elementSize..<from * elementSize + run]))
            var axis = last - 1
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < extent[axis] { break }
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
