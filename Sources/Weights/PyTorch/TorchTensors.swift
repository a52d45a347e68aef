import Tensors

/// Makes tensors of the storages and arrays of a checkpoint. Each storage is turned into floats once, when first used;
/// contiguous tensors are views of that, others are copied.
struct TorchTensors {
    private let contents: TorchContents
    private var file: MappedFile { contents.file }
    private var storages: [String: (reference: StorageReference, floats: Storage)] = [:]

    /// The file's bytes of storages that were turned into floats elsewhere.
    private var copied: [UnsafeRawBufferPointer] = []

    init(_ contents: TorchContents) { self.contents = contents }

    /// Gives back the memory of what was copied. At the end, because the system maps a file's pages in large groups:
    /// what is given back at once would be there again after the next storage was read.
    func discardCopied() { for bytes in copied { file.discard(bytes) } }

    mutating func tensor(_ reference: TensorReference, _ name: String) throws -> Tensor {
        try reference.tensor(of: floats(reference.storage, name), name, file.budget)
    }

    /// The tensor of a NumPy array, row-major.
    mutating func tensor(_ array: NumPyReference, _ name: String) throws -> Tensor {
        try array.tensor(name, of: file)
    }

    private mutating func floats(_ reference: StorageReference, _ name: String) throws -> Storage {
        if let known = storages[reference.key] {
            if known.reference != reference {
                throw FileProblem("tensor '\(name)': its storage '\(reference.key)' has two descriptions")
            }
            return known.floats
        }
        guard let bytes = try contents.storage(reference.key) else {
            throw FileProblem("tensor '\(name)': its storage '\(reference.key)' is missing from the file")
        }
        if bytes.count != reference.count * reference.type.size {
            throw FileProblem(
                "tensor '\(name)': its storage '\(reference.key)' of \(reference.count) elements of "
                    + "\(reference.type.rawValue) takes \(reference.count * reference.type.size) bytes, "
                    + "but has \(bytes.count)"
            )
        }
        let floats = reference.type.floats(bytes, keeper: file)
        if floats.isOwned { copied.append(bytes) }
        storages[reference.key] = (reference, floats)
        return floats
    }
}

extension ReadingBudget {
    /// Counts the memory of `count` floats, for the tensor `name`.
    func allocate(floats count: Int, for name: String) throws {
        do { try allocate(4 * count) } catch let problem as FileProblem {
            throw FileProblem("\(problem.text) (at the tensor '\(name)')")
        }
    }
}

extension NumPyReference {
    /// The tensor of the array, row-major.
    func tensor(_ name: String, of file: MappedFile) throws -> Tensor {
        // Many arrays may be made of the same bytes.
        try file.budget.allocate(floats: bytes.count / type.size, for: name)
        let floats = type.floats(bytes, keeper: file)
        if !isFortran { return Tensor(shape: shape, storage: floats) }
        return Tensor(shape: shape.reversed(), storage: floats).permuted(Array(shape.indices.reversed()))
    }
}

extension TensorReference {
    /// The tensor `name` of the floats of its storage: a view where it is contiguous, or else a copy.
    func tensor(of storage: Storage, _ name: String, _ budget: ReadingBudget) throws -> Tensor {
        if count == 0 { return Tensor(shape) }
        if isContiguous { return Tensor(shape: shape, storage: storage, offset: offset) }
        // Many transposed or expanded views of one storage could ask for far more memory than the file has bytes.
        try budget.allocate(floats: count, for: name)
        let result = Tensor(uninitialized: shape)
        withExtendedLifetime(storage) { gather(from: storage.pointer, to: result.pointer) }
        return result
    }

    /// Copies the elements in row-major order; the innermost axis in a loop of its own.
    private func gather(from input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>) {
        let inner = shape[shape.count - 1]
        let step = strides[strides.count - 1]
        var index = [Int](repeating: 0, count: shape.count)
        var source = offset
        for row in stride(from: 0, to: count, by: inner) {
            for i in 0..<inner { output[row + i] = input[source + i * step] }
            var axis = shape.count - 2
            while axis >= 0 {
                index[axis] += 1
                source += strides[axis]
                if index[axis] < shape[axis] { break }
                source -= strides[axis] * shape[axis]
                index[axis] = 0
                axis -= 1
            }
        }
    }

    /// True where the elements lie in row-major order without gaps. The stride of an axis of length 1 does not matter.
    var isContiguous: Bool {
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size != 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }
}
