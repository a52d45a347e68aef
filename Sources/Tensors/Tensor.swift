/// A dense, contiguous, row-major array of floats.
///
/// Images and feature maps are stored channels last, `[N, height, width, channels]`. A 1x1 convolution is then one
/// matrix product over all pixels, and every other kernel runs its vectors along the channels. Sequences are stored
/// time first, `[T, N, features]`.
///
/// A tensor is a value: nobody writes to it after a kernel has filled it. (The one exception is ``ParameterStore``: its
/// optimiser updates its own tensors between two steps.)
public struct Tensor: @unchecked Sendable {
    public let shape: [Int]
    public let storage: Storage
    /// Position of the first element in `storage`.
    public let offset: Int
    /// The number of elements.
    public let count: Int

    /// A tensor over part of existing storage.
    public init(shape: [Int], storage: Storage, offset: Int = 0) {
        self.shape = shape
        self.count = shape.reduce(1, *)
        self.storage = storage
        self.offset = offset
        precondition(offset >= 0 && offset + count <= storage.count, "shape \(shape) does not fit its storage")
    }

    /// A tensor of uninitialised memory, for the output of a kernel.
    public init(uninitialized shape: [Int]) {
        self.init(shape: shape, storage: Storage(count: shape.reduce(1, *)))
    }

    /// A tensor whose elements are all `value`.
    public init(_ shape: [Int], repeating value: Float = 0) {
        self.init(uninitialized: shape)
        pointer.update(repeating: value, count: count)
    }

    /// A tensor of `values` in row-major order.
    public init(_ shape: [Int], _ values: [Float]) {
        precondition(
            shape.reduce(1, *) == values.count, "shape \(shape) needs \(shape.reduce(1, *)) values, not \(values.count)"
        )
        self.init(uninitialized: shape)
        values.withUnsafeBufferPointer {
            if let base = $0.baseAddress { pointer.update(from: base, count: values.count) }
        }
    }

    /// The first element. Valid while this tensor, or another that shares its storage, is alive. If its pointer is the
    /// last use of a local tensor, keep the tensor alive with `withExtendedLifetime`.
    @inlinable public var pointer: UnsafeMutablePointer<Float> { storage.pointer + offset }

    /// The first element as a half, if the elements are stored as halves. Reading halves takes half the memory
    /// bandwidth.
    var halves: UnsafePointer<Half>? { storage.halves.map { $0 + offset } }

    /// A copy of the elements, in row-major order.
    public var array: [Float] {
        withExtendedLifetime(storage) { Array(UnsafeBufferPointer(start: pointer, count: count)) }
    }

    /// The only element of a tensor of one element.
    public var scalar: Float {
        precondition(count == 1, "a tensor of shape \(shape) is not a scalar")
        return withExtendedLifetime(storage) { pointer[0] }
    }

    /// The element at one index for each axis.
    public subscript(index: Int...) -> Float {
        precondition(index.count == shape.count)
        var position = 0
        for (axis, i) in index.enumerated() {
            precondition(i >= 0 && i < shape[axis])
            position = position * shape[axis] + i
        }
        return withExtendedLifetime(storage) { pointer[position] }
    }

    /// The same elements under another shape; one axis may be -1. No copy.
    public func reshaped(_ shape: [Int]) -> Tensor {
        var shape = shape
        if let free = shape.firstIndex(of: -1) {
            let known = shape.reduce(1, *) * -1
            shape[free] = known == 0 ? 0 : count / known
        }
        precondition(shape.reduce(1, *) == count, "\(self.shape) cannot be reshaped to \(shape)")
        return Tensor(shape: shape, storage: storage, offset: offset)
    }

    /// Rows `range` of the first axis. No copy.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(!shape.isEmpty && range.lowerBound >= 0 && range.upperBound <= shape[0])
        let row = shape.dropFirst().reduce(1, *)
        return Tensor(
            shape: [range.count] + shape.dropFirst(), storage: storage, offset: offset + range.lowerBound * row)
    }

    /// Element `index` of the first axis, without that axis. No copy.
    public func row(_ index: Int) -> Tensor { rows(index..<index + 1).reshaped(Array(shape.dropFirst())) }

    /// A copy in storage of its own.
    public func copy() -> Tensor {
        let result = Tensor(uninitialized: shape)
        withExtendedLifetime(storage) { result.pointer.update(from: pointer, count: count) }
        return result
    }

    /// The axes in the order `axes`: `result.shape[i] == shape[axes[i]]`. Copies, unless no element moves.
    public func permuted(_ axes: [Int]) -> Tensor {
        precondition(axes.sorted() == Array(shape.indices), "\(axes) does not permute the axes of \(shape)")
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in stride(from: shape.count - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        let size = axes.map { shape[$0] }, step = axes.map { strides[$0] }
        // Moving axes of length 1 moves no element.
        let longer = axes.filter { shape[$0] > 1 }
        if longer == longer.sorted() { return reshaped(size) }
        let result = Tensor(uninitialized: size)
        if count == 0 { return result }
        var index = [Int](repeating: 0, count: size.count)
        var source = 0
        let input = pointer, output = result.pointer
        for position in 0..<count {
            output[position] = input[source]
            var axis = size.count - 1
            while axis >= 0 {
                index[axis] += 1
                source += step[axis]
                if index[axis] < size[axis] { break }
                source -= step[axis] * size[axis]
                index[axis] = 0
                axis -= 1
            }
        }
        withExtendedLifetime(storage) {}
        return result
    }

    /// True if every element is a finite number.
    public var isFinite: Bool {
        withExtendedLifetime(storage) {
            for i in 0..<count where !pointer[i].isFinite { return false }
            return true
        }
    }
}
