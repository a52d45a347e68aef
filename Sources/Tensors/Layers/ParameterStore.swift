import Foundation
import Support

/// The layout of a parameter in memory. Files use PyTorch's layouts.
public enum ParameterLayout: Sendable {
    case plain
    /// OIHW in files, OHWI in memory, because the kernels run along the channels.
    case convolution
}

/// The initial values of a new parameter.
public enum Initialization: Sendable {
    case zeros, ones
    case constant(Float)
    /// Uniform in [-bound, bound].
    case uniform(Float)
    /// Normal, with the given standard deviation.
    case normal(Float)
}

/// The parameters that do not fit a model when they are loaded.
public struct ParameterError: UserFacingError, Equatable {
    public static let failureCode = FailureCode.model
    /// Where the parameters are from, such as a path.
    public var origin: String
    /// The names that a layer asked for and the file does not have.
    public var missing: [String] = []
    /// The names that no layer asked for.
    public var unused: [String] = []
    /// The names of parameters of another shape, with both shapes.
    public var misshapen: [String] = []

    public init(origin: String, missing: [String] = [], unused: [String] = [], misshapen: [String] = []) {
        (self.origin, self.missing, self.unused, self.misshapen) = (origin, missing, unused, misshapen)
    }

    /// Whether everything fits.
    public var isEmpty: Bool { missing.isEmpty && unused.isEmpty && misshapen.isEmpty }

    public var description: String {
        func list(_ title: String, _ names: [String]) -> String? {
            if names.isEmpty { return nil }
            let shown = names.prefix(8).joined(separator: ", ")
            return "\(names.count) \(title): \(shown)\(names.count > 8 ? ", ..." : "")"
        }
        let parts = [
            list("missing", missing), list("of another shape", misshapen), list("not used by this model", unused),
        ]
        return "\(origin) does not fit the model: \(parts.compactMap { $0 }.joined(separator: "; "))"
    }
}

/// The named parameters of a model. A new model creates each one when a layer asks for it. A saved model takes them
/// from a state dictionary, strictly: every key must be used, and every shape must match.
public final class ParameterStore {
    /// In memory layout.
    public private(set) var values: [String: Tensor] = [:]
    /// The names, in the order in which layers asked for them.
    public private(set) var order: [String] = []
    private var layouts: [String: ParameterLayout] = [:]
    private var file: [String: Tensor]?
    private var fill: ((String, [Int]) -> Tensor)?
    private var isMeasuring = false
    /// The shapes in file layout of a store that only measures.
    public private(set) var shapes: [String: [Int]] = [:]
    private var generator: SeededGenerator
    private var error: ParameterError

    /// The parameters of a new model, drawn from `seed`.
    public init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        error = ParameterError(origin: "new parameters")
    }

    /// Parameters that `fill` makes from a name and a shape, in file layout, when a layer asks for them.
    public init(filling fill: @escaping (String, [Int]) -> Tensor) {
        self.fill = fill
        generator = SeededGenerator(seed: 0)
        error = ParameterError(origin: "made parameters")
    }

    /// Parameters without memory: what layers ask for is noted in ``order`` and ``shapes``, and nothing can be computed.
    public static func measuring() -> ParameterStore {
        let store = ParameterStore(seed: 0)
        store.isMeasuring = true
        return store
    }

    /// The parameters of a saved model, in file layout. Errors name `origin` (a path).
    public init(strict: [String: Tensor], origin: String) {
        file = strict
        generator = SeededGenerator(seed: 0)
        error = ParameterError(origin: origin)
    }

    /// Checks that the parameters fit the model. Call it after the model was built.
    /// - Throws: ``ParameterError`` if a layer asked for a parameter that the file does not have or has in another
    ///   shape, or if the file has a parameter that no layer asked for.
    public func checkComplete() throws {
        var error = error
        error.unused = (file ?? [:]).keys.filter { values[$0] == nil }.sorted()
        if !error.isEmpty { throw error }
    }

    /// Whether every parameter so far was there, in the right shape.
    fileprivate var isFitting: Bool { error.isEmpty }

    /// All parameters in file layout.
    public func stateDictionary() -> [String: Tensor] {
        values.reduce(into: [:]) { result, entry in
            result[entry.key] = layouts[entry.key] == .convolution ? entry.value.permuted([0, 3, 1, 2]) : entry.value
        }
    }

    /// The parameters as layers take them: leaves of `tape` if `trainable` accepts the name, else constants.
    public func scope(on tape: Tape? = nil, trainable: @escaping (String) -> Bool = { _ in true }) -> Parameters {
        if tape != nil { leaves = [:] }
        return Parameters(store: self, prefix: "", tape: tape, trainable: trainable)
    }

    /// The leaves created since the last call of `scope` with a tape.
    public private(set) var leaves: [String: Variable] = [:]

    /// Replaces a parameter's value, in memory layout (running statistics, averaged weights).
    public func set(_ name: String, _ value: Tensor) {
        precondition(values[name]?.shape == value.shape, "\(name) has no value of shape \(value.shape)")
        values[name] = value
    }

    /// The parameter's own memory, which the optimiser may write to. Memory of a mapped file is copied first.
    func owned(_ name: String) -> Tensor? {
        guard let value = values[name] else { return nil }
        if value.storage.isOwned && value.count == value.storage.count { return value }
        let copy = value.copy()
        values[name] = copy
        return copy
    }

    func variable(_ name: String, shape: [Int], layout: ParameterLayout, initial: Initialization, tape: Tape?)
        -> Variable
    {
        if let known = leaves[name], known.tape === tape { return known }
        let value = values[name] ?? make(name, shape: shape, layout: layout, initial: initial)
        guard let tape else { return Variable(value) }
        let leaf = tape.leaf(value)
        leaves[name] = leaf
        return leaf
    }

    func contains(_ name: String) -> Bool { (file?[name] ?? values[name]) != nil }

    private func make(_ name: String, shape: [Int], layout: ParameterLayout, initial: Initialization) -> Tensor {
        if isMeasuring {
            let inMemory = layout == .convolution ? [0, 2, 3, 1].map { shape[$0] } : shape
            let value = Tensor(shape: inMemory, storage: Placeholder.storage(inMemory))
            values[name] = value
            layouts[name] = layout
            shapes[name] = shape
            order.append(name)
            return value
        }
        var value: Tensor
        if let file {
            if let found = file[name], found.shape == shape {
                value = found
            } else {
                if let found = file[name] {
                    error.misshapen.append("\(name) (expected \(shape), found \(found.shape))")
                } else {
                    error.missing.append(name)
                }
                value = Tensor(shape: shape, storage: Placeholder.storage(shape))
            }
        } else if let fill {
            value = fill(name, shape)
            precondition(value.shape == shape, "\(name) was filled with \(value.shape), not \(shape)")
        } else {
            value = draw(shape, initial)
        }
        if layout == .convolution { value = value.permuted([0, 2, 3, 1]) }
        values[name] = value
        layouts[name] = layout
        order.append(name)
        return value
    }

    private func draw(_ shape: [Int], _ initial: Initialization) -> Tensor {
        let count = shape.reduce(1, *)
        switch initial {
        case .zeros: return Tensor(shape)
        case .ones: return Tensor(shape, repeating: 1)
        case .constant(let value): return Tensor(shape, repeating: value)
        case .uniform(let bound): return Tensor(shape, (0..<count).map { _ in (generator.uniform() * 2 - 1) * bound })
        case .normal(let deviation): return Tensor(shape, (0..<count).map { _ in generator.normal() * deviation })
        }
    }
}

/// The memory of parameters that a file does not have: zeros that take no memory while nobody touches them. A model
/// that asks for far more than its file holds is refused without the memory that it asks for.
private final class Placeholder {
    private let memory: UnsafeMutableRawPointer
    private let size: Int

    private init?(size: Int) {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else {
            return nil
        }
        (self.memory, self.size) = (memory, size)
    }

    deinit { munmap(memory, size) }

    static func storage(_ shape: [Int]) -> Storage {
        let count = shape.reduce(1, *)
        guard let keeper = Placeholder(size: max(1, count) * 4) else { return Storage(count: count) }
        return Storage(
            borrowing: keeper.memory.bindMemory(to: Float.self, capacity: max(1, count)), count: count, keeper: keeper)
    }
}

/// The parameters under a prefix of their names, as passed to the `init` of a layer.
public struct Parameters {
    let store: ParameterStore
    let prefix: String
    let tape: Tape?
    let trainable: (String) -> Bool

    /// True if nothing is trained: layers may then transform their weights once, for speed. False for parameters that
    /// do not fit, which are not worth it.
    public var isInference: Bool { tape == nil && store.isFitting }

    /// The same parameters, of which fewer are trained.
    public func training(_ trainable: @escaping (String) -> Bool) -> Parameters {
        Parameters(store: store, prefix: prefix, tape: tape, trainable: { self.trainable($0) && trainable($0) })
    }

    /// The parameters under a longer prefix, as in `parameters["_blocks"]["0"]`.
    public subscript(_ part: String) -> Parameters {
        Parameters(store: store, prefix: prefix.isEmpty ? part : "\(prefix).\(part)", tape: tape, trainable: trainable)
    }

    private func full(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix).\(name)" }

    /// The parameter `name` under this prefix.
    /// - Parameters:
    ///   - shape: in file layout.
    ///   - initial: the initial values in a new model.
    public func callAsFunction(
        _ name: String, shape: [Int], layout: ParameterLayout = .plain, initial: Initialization
    ) -> Variable {
        let name = full(name)
        return store.variable(name, shape: shape, layout: layout, initial: initial, tape: trainable(name) ? tape : nil)
    }

    /// True if the file or the model has the parameter `name` under this prefix.
    public func contains(_ name: String) -> Bool { store.contains(full(name)) }

    /// A value that is saved with the parameters but not trained (running statistics).
    public func buffer(_ name: String, shape: [Int], initial: Initialization) -> Tensor {
        store.variable(full(name), shape: shape, layout: .plain, initial: initial, tape: nil).value
    }

    /// Moves the running mean and variance a tenth of the way to the batch's (PyTorch's momentum of 0.1), with the
    /// unbiased variance.
    func observe(mean: Tensor, variance: Tensor, count: Int) {
        func move(_ name: String, _ new: Tensor, by factor: Float) {
            guard let old = store.values[full(name)] else { return }
            store.set(full(name), addForward(scaleForward(old, by: 0.9), scaleForward(new, by: 0.1 * factor)))
        }
        move("running_mean", mean, by: 1)
        move("running_var", variance, by: count > 1 ? Float(count) / Float(count - 1) : 1)
    }
}
