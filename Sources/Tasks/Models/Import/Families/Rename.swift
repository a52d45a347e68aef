import Tensors

/// How one of mmx's tensors is made of a checkpoint's.
struct Rename: Sendable {
    enum Change: Sendable {
        case none
        /// The sum of all (PyTorch's two biases).
        case sum
        /// `[a, b] -> [b, a]`
        case transposed
        /// Parts of one length along the first axis, in this order: gates i, j, f, o to i, f, j, o is `[0, 2, 1, 3]`.
        case parts([Int])
        /// Columns `range` of a matrix.
        case columns(Range<Int>)
        /// All axes of length 1 after the first are left out; a vector where `flat`.
        case squeezed(flat: Bool)
        /// Zeros of this shape: a bias that the checkpoint does not have.
        case zeros([Int])
        /// Several changes in turn.
        case all([Change])
        /// A change of its own.
        case made(@Sendable ([Tensor]) throws -> Tensor)
    }

    let name: String
    /// The checkpoint's names; a module in braces is filled in.
    let from: [String]
    let change: Change
    /// Full names of tensors that a change of its own has used.
    var used: [String] = []

    init(_ name: String, _ from: String..., change: Change = .none) {
        self.name = name
        self.from = from
        self.change = change
    }

    init(_ name: String, used: [String], change: Change) {
        self.name = name
        from = []
        self.used = used
        self.change = change
    }

    /// A layer's weight and bias.
    static func linear(_ name: String, _ from: String, hasBias: Bool = true) -> [Rename] {
        [Rename("\(name).weight", "\(from).weight")] + (hasBias ? [Rename("\(name).bias", "\(from).bias")] : [])
    }

    /// A layer of PyTorch's LSTM, whose two biases become one.
    /// - Parameter suffix: `_l0`, or "" for a cell.
    static func lstm(_ name: String, _ from: String, suffix: String = "_l0") -> [Rename] {
        [
            Rename("\(name).weight_ih_l0", "\(from).weight_ih\(suffix)"),
            Rename("\(name).weight_hh_l0", "\(from).weight_hh\(suffix)"),
            Rename("\(name).bias_l0", "\(from).bias_ih\(suffix)", "\(from).bias_hh\(suffix)", change: .sum),
        ]
    }

    /// TensorFlow's LSTM: rows of the inputs, then of h; gates i, j, f, o; and a forget gate that adds 1 to its bias.
    /// - Parameters:
    ///   - inputs: the rows of the inputs in mmx's order.
    ///   - hidden: the rows of h.
    static func tensorFlowLSTM(
        _ name: String, kernel: String, bias: String, inputs: [Range<Int>], hidden: Range<Int>
    ) -> [Rename] {
        func columns(_ ranges: [Range<Int>]) -> Change {
            let gates: [Change] = [.transposed, .parts([0, 2, 1, 3])]
            if ranges.count == 1, let range = ranges.first { return .all(gates + [.columns(range)]) }
            return .all(gates + [.made { $0[0].columns(ranges) }])
        }
        return [
            Rename("\(name).weight_ih_l0", kernel, change: columns(inputs)),
            Rename("\(name).weight_hh_l0", kernel, change: columns([hidden])),
            Rename(
                "\(name).bias_l0", bias,
                change: .all([
                    .parts([0, 2, 1, 3]),
                    .made { tensors in
                        let gate = hidden.count..<2 * hidden.count
                        return Tensor(
                            tensors[0].shape, tensors[0].array.enumerated().map { gate ~= $0 ? $1 + 1 : $1 })
                    },
                ])),
        ]
    }

    func apply(_ tensors: [Tensor]) throws -> Tensor { try Self.apply(change, tensors) }

    private static func apply(_ change: Change, _ tensors: [Tensor]) throws -> Tensor {
        if case .zeros(let shape) = change { return Tensor(shape) }
        if case .made(let make) = change { return try make(tensors) }
        guard let first = tensors.first else { return Tensor([0]) }
        switch change {
        case .none, .zeros: return first
        case .sum:
            guard tensors.allSatisfy({ $0.shape == first.shape }) else {
                throw FamilyProblem("two of its biases, which are added, have the shapes \(tensors.map(\.shape))")
            }
            return tensors.dropFirst().reduce(first) { $0.adding($1) }
        case .transposed: return first.shape.count == 2 ? first.permuted([1, 0]) : first
        case .parts(let order):
            guard let rows = first.shape.first, rows % order.count == 0 else {
                throw FamilyProblem("a tensor of shape \(first.shape) has no \(order.count) gates")
            }
            return first.reorderingRows(parts: order)
        case .columns(let range): return first.columns(range)
        case .squeezed(let flat):
            if flat { return first.reshaped([first.count]) }
            return first.reshaped([first.shape[0]] + first.shape.dropFirst().filter { $0 != 1 })
        case .all(let changes): return try changes.reduce(tensors) { [try apply($1, $0)] }.first ?? first
        case .made(let make): return try make(tensors)
        }
    }
}

extension Tensor {
    /// Element by element; both have the same shape.
    func adding(_ other: Tensor) -> Tensor {
        Tensor(shape, zip(array, other.array).map { $0 + $1 })
    }

    /// The parts of equal length along the first axis, in another order.
    func reorderingRows(parts: [Int]) -> Tensor {
        let rows = shape[0] / parts.count
        let width = count / Swift.max(1, shape[0])
        let result = Tensor(uninitialized: shape)
        for (place, part) in parts.enumerated() {
            (result.pointer + place * rows * width).update(from: pointer + part * rows * width, count: rows * width)
        }
        return result
    }

    /// `[a, b] -> [a, range.count]`
    func columns(_ range: Range<Int>) -> Tensor {
        let (rows, width) = (shape[0], shape[1])
        let result = Tensor(uninitialized: [rows, range.count])
        for row in 0..<rows {
            (result.pointer + row * range.count).update(
                from: pointer + row * width + range.lowerBound, count: range.count)
        }
        return result
    }

    /// Several parts of the columns of a matrix, side by side.
    func columns(_ ranges: [Range<Int>]) -> Tensor {
        let parts = ranges.map { columns($0) }
        let result = Tensor(uninitialized: [shape[0], parts.reduce(0) { $0 + $1.shape[1] }])
        var target = result.pointer
        for row in 0..<shape[0] {
            for part in parts {
                target.update(from: part.pointer + row * part.shape[1], count: part.shape[1])
                target += part.shape[1]
            }
        }
        return withExtendedLifetime(parts) { result }
    }

    /// Row `rows[i]` as row i; `missing` in all places of a row that is nil.
    func selectingRows(_ rows: [Int?], missing: Float) -> Tensor {
        let width = count / Swift.max(1, shape[0])
        let result = Tensor(uninitialized: [rows.count] + shape.dropFirst())
        for (place, row) in rows.enumerated() {
            let target = result.pointer + place * width
            if let row {
                target.update(from: pointer + row * width, count: width)
            } else {
                target.update(repeating: missing, count: width)
            }
        }
        return result
    }
}
