import Foundation

/// Adam (Kingma & Ba 2015, algorithm 1), with decoupled weight decay (Loshchilov & Hutter 2019).
public final class Adam {
    public var learningRate: Float
    public let beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float
    /// A parameter's learning rate as a multiple of `learningRate`, by its name.
    public var scale: (String) -> Float = { _ in 1 }
    public private(set) var steps = 0
    private var first: [String: Tensor] = [:], second: [String: Tensor] = [:]

    public init(learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// Moves the store's parameters against their gradients (`S` or `[1] + S`), in place.
    /// - Parameter clipNorm: gradients are scaled down together so that their joint Euclidean norm is at most this.
    public func step(_ store: ParameterStore, gradients: [String: Tensor], clipNorm: Float? = nil) {
        steps += 1
        var factor: Float = 1
        let names = gradients.keys.sorted()
        if let clipNorm {
            var squares = 0.0
            for name in names { if let g = gradients[name] { squares += Double(dotProduct(g.pointer, g.pointer, g.count)) } }
            let norm = Float(squares.squareRoot())
            if norm > clipNorm { factor = clipNorm / norm }
        }
        let correction1 = 1 - pow(Double(beta1), Double(steps)), correction2 = 1 - pow(Double(beta2), Double(steps))
        for name in names {
            guard let g = gradients[name], let value = store.owned(name) else { continue }
            precondition(g.count == value.count, "a gradient \(g.shape) for \(name) \(value.shape)")
            let m = first[name] ?? Tensor(value.shape), v = second[name] ?? Tensor(value.shape)
            first[name] = m
            second[name] = v
            let rate = learningRate * scale(name)
            let size = rate / Float(correction1), root = Float(1 / correction2), decay = 1 - rate * weightDecay
            Parallel.ranges(value.count, grain: 1 << 15) { range in
                var i = range.lowerBound
                while i < range.upperBound {
                    let n = min(16, range.upperBound - i)
                    if n == 16 {
                        let gradient = Vector(at: g.pointer + i) * factor
                        let newM = Vector(at: m.pointer + i) * beta1 + gradient * (1 - beta1)
                        let newV = Vector(at: v.pointer + i) * beta2 + gradient * gradient * (1 - beta2)
                        newM.store(to: m.pointer + i)
                        newV.store(to: v.pointer + i)
                        let step = newM * size / ((newV * root).squareRoot() + epsilon)
                        (Vector(at: value.pointer + i) * decay - step).store(to: value.pointer + i)
                    } else {
                        for j in i..<i + n {
                            let gradient = g.pointer[j] * factor
                            m.pointer[j] = m.pointer[j] * beta1 + gradient * (1 - beta1)
                            v.pointer[j] = v.pointer[j] * beta2 + gradient * gradient * (1 - beta2)
                            value.pointer[j] = value.pointer[j] * decay - m.pointer[j] * size / ((v.pointer[j] * root).squareRoot() + epsilon)
                        }
                    }
                    i += n
                }
            }
        }
    }

    /// The moments, as tensors to be saved: `first.<name>` and `second.<name>`.
    public var state: [String: Tensor] {
        var state: [String: Tensor] = [:]
        for (name, value) in first { state["first.\(name)"] = value }
        for (name, value) in second { state["second.\(name)"] = value }
        return state
    }

    public func restore(state: [String: Tensor], steps: Int) {
        self.steps = steps
        first = [:]
        second = [:]
        for (name, value) in state {
            if name.hasPrefix("first.") { first[String(name.dropFirst(6))] = value.copy() }
            if name.hasPrefix("second.") { second[String(name.dropFirst(7))] = value.copy() }
        }
    }

    /// Forgets the moments.
    public func reset() { restore(state: [:], steps: 0) }
}
