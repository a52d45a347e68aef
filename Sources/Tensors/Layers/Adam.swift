import Foundation

/// Adam (Kingma & Ba 2015, algorithm 1), with decoupled weight decay (Loshchilov & Hutter 2019).
public final class Adam {
    /// The learning rate of the next step.
    public var learningRate: Float
    public let beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float
    /// A factor for a parameter's learning rate, by the parameter's name.
    public var scale: (String) -> Float = { _ in 1 }
    /// The number of steps taken.
    public private(set) var steps = 0
    private var first: [String: Tensor] = [:], second: [String: Tensor] = [:]

    public init(
        learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// Moves the store's parameters against their gradients (`S` or `[1] + S`), in place. Parameters without a gradient
    /// do not change.
    /// - Parameter clipNorm: the largest allowed Euclidean norm of all gradients together. Larger gradients are scaled
    ///   down by one factor.
    /// - Returns: the norm before clipping; nil without `clipNorm`. If the norm is not finite, no parameter has
    ///   changed.
    @discardableResult
    public func step(_ store: ParameterStore, gradients: [String: Tensor], clipNorm: Float? = nil) -> Float? {
        let names = gradients.keys.filter { store.values[$0] != nil }.sorted()
        var factor: Float = 1
        var norm: Float?
        if let clipNorm {
            let squares = names.reduce(0.0) { sum, name in sum + (gradients[name].map(squaredNorm) ?? 0) }
            let length = Float(squares.squareRoot())
            norm = length
            if !length.isFinite { return norm }
            if length > clipNorm { factor = clipNorm / length }
        }
        steps += 1
        let correction1 = 1 - pow(Double(beta1), Double(steps))
        let correction2 = 1 - pow(Double(beta2), Double(steps))
        for name in names {
            guard let g = gradients[name], let value = store.owned(name) else { continue }
            precondition(g.count == value.count, "a gradient \(g.shape) for \(name) \(value.shape)")
            let m = first[name] ?? Tensor(value.shape)
            let v = second[name] ?? Tensor(value.shape)
            precondition(m.count == value.count && v.count == value.count, "moments of another shape for \(name)")
            first[name] = m
            second[name] = v
            let rate = learningRate * scale(name)
            move(
                value, g, m, v, factor: factor, size: rate / Float(correction1), root: Float(1 / correction2),
                decay: 1 - rate * weightDecay)
        }
        return norm
    }

    /// Updates m and v with the gradient, then value = decay * value - size * m / (sqrt(root * v) + epsilon).
    private func move(
        _ value: Tensor, _ g: Tensor, _ m: Tensor, _ v: Tensor, factor: Float, size: Float, root: Float, decay: Float
    ) {
        let beta1 = beta1
        let beta2 = beta2
        let epsilon = epsilon
        Parallel.ranges(value.count, grain: 1 << 15) { range in
            var i = range.lowerBound
            while i &+ 16 <= range.upperBound {
                let gradient = Vector(at: g.pointer + i) * factor
                let newM = Vector(at: m.pointer + i) * beta1 + gradient * (1 - beta1)
                let newV = Vector(at: v.pointer + i) * beta2 + gradient * gradient * (1 - beta2)
                newM.store(to: m.pointer + i)
                newV.store(to: v.pointer + i)
                let step = newM * size / ((newV * root).squareRoot() + epsilon)
                (Vector(at: value.pointer + i) * decay - step).store(to: value.pointer + i)
                i &+= 16
            }
            while i < range.upperBound {
                let gradient = g.pointer[i] * factor
                m.pointer[i] = m.pointer[i] * beta1 + gradient * (1 - beta1)
                v.pointer[i] = v.pointer[i] * beta2 + gradient * gradient * (1 - beta2)
                let step = m.pointer[i] * size / ((v.pointer[i] * root).squareRoot() + epsilon)
                value.pointer[i] = value.pointer[i] * decay - step
                i &+= 1
            }
        }
    }

    /// The moments, as tensors to save: `first.<name>` and `second.<name>`. The next step changes them in place.
    public var state: [String: Tensor] {
        var state: [String: Tensor] = [:]
        for (name, value) in first { state["first.\(name)"] = value }
        for (name, value) in second { state["second.\(name)"] = value }
        return state
    }

    /// Restores a saved state.
    /// - Parameter origin: where the state is from, such as a path, for errors.
    /// - Throws: ``ParameterError`` if a moment has no parameter in `store`, or another shape than its parameter.
    public func restore(
        state: [String: Tensor], for store: ParameterStore, steps: Int, origin: String = "the optimiser's state"
    ) throws {
        var error = ParameterError(origin: origin)
        var first: [String: Tensor] = [:]
        var second: [String: Tensor] = [:]
        for (key, value) in state.sorted(by: { $0.key < $1.key }) {
            let isFirst = key.hasPrefix("first.")
            let name = String(key.dropFirst(isFirst ? 6 : 7))
            guard isFirst || key.hasPrefix("second."), let parameter = store.values[name] else {
                error.unused.append(key)
                continue
            }
            if parameter.shape != value.shape {
                error.misshapen.append("\(key) (expected \(parameter.shape), found \(value.shape))")
            } else if isFirst {
                first[name] = value.copy()
            } else {
                second[name] = value.copy()
            }
        }
        error.missing =
            first.keys.filter { second[$0] == nil }.map { "second.\($0)" }.sorted()
            + second.keys.filter { first[$0] == nil }.map { "first.\($0)" }.sorted()
        if !error.isEmpty { throw error }
        self.first = first
        self.second = second
        self.steps = max(0, steps)
    }

    /// Clears the moments.
    public func reset() {
        first = [:]
        second = [:]
        steps = 0
    }
}

/// The sum of squares: blocks of 4,096 elements in float, the sum over blocks in double.
private func squaredNorm(_ x: Tensor) -> Double {
    var sum = 0.0
    for start in stride(from: 0, to: x.count, by: 4096) {
        let part = x.pointer + start
        sum += Double(dotProduct(part, part, min(4096, x.count - start)))
    }
    return sum
}
