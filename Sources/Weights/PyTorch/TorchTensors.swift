import Tensors

/// Makes tensors of the storages and arrays of a checkpoint. Each storage is turned into floats once, when first used;
/// contiguous tensors are views of that, others are copied.
struct TorchTensors {
    private let contents: TorchContents
    private var file: MappedFile { contents.file }
    private var storages: [String: (reference: StorageReference, floats: Storage)] = [:]

    init(_ contents: TorchContents) { self.contents = contents }

    mutating func tensor(_ reference: TensorReference, _ name: String) throws -> Tensor {
        let storage = try floats(reference.storage, name)
        if reference.count == 0 { return Tensor(reference.shape) }
        if reference.isContiguous { return Tensor(shape: reference.shape, storage: storage, offset: reference.offset) }
        // Many transposed or expanded views of one storage could ask for far more memory than the file has bytes.
        try copy(reference.count, name)
        let result = Tensor(uninitialized: reference.shape)
        withExtendedLifetime(storage) { gather(reference, from: storage.pointer, to: result.pointer) }
        return result
    }

    /// The tensor of a NumPy array, row-major.
    mutating func tensor(_ array: NumPyReference, _ name: String) throws -> Tensor {
        // Many arrays may be made of the same bytes.
        try copy(array.bytes.count / array.type.size, name)
        let floats = array.type.floats(array.bytes, keeper: file)
        if !array.isFortran { return Tensor(shape: array.shape, storage: floats) }
        return Tensor(shape: array.shape.reversed(), storage: floats).permuted(Array(array.shape.indices.reversed()))
    }

    /// Counts the memory of `count` floats.
    private func copy(_ count: Int, _ name: String) throws {
        do { try file.budget.allocate(4 * count) } catch let problem as FileProblem {
            throw FileProblem("\(problem.text) (at the tensor '\(name)')")
        }
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
        storages[reference.key] = (reference, floats)
        return floats
    }

    /// Copies the elements in row-major order; the innermost axis in a loop of its own.
    private func gather(
        _ tensor: TensorReference, from input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>
    ) {
        let inner = tensor.shape[tensor.shape.count - 1]
        let step = tensor.strides[tensor.strides.count - 1]
        var index = [Int](repeating: 0, count: tensor.shape.count)
        var source = tensor.offset
        for row in stride(from: 0, to: tensor.count, by: inner) {
            for i in 0..<inner { output[row + i] = input[source + i * step] }
            var axis = tensor.shape.count - 2
            while axis >= 0 {
                index[axis] += 1
                source += tensor.strides[axis]
                if index[axis] < tensor.shape[axis] { break }
                source -= tensor.strides[axis] * tensor.shape[axis]
                index[axis] = 0
                axis -= 1
            }
        }
    }
}

extension TensorReference {
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
