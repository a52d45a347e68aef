/// How a ReLU changes a gradient in the backward pass.
public enum ReLURule: String, Sendable, CaseIterable {
    /// The derivative: g_in = g_out * (x > 0).
    case exact
    /// Guided backpropagation (Springenberg et al. 2014): g_in = g_out * (x > 0) * (g_out > 0).
    case guided
    /// Deconvnet (Zeiler & Fergus 2014): g_in = g_out * (g_out > 0).
    case deconvolution
}

/// The record of a forward pass, for reverse-mode differentiation.
///
/// Not thread-safe: use a tape for one computation on one thread.
public final class Tape {
    struct Node {
        let operation: Operation
        let inputs: [Int]
        let shape: [Int]
    }

    private(set) var nodes: [Node] = []

    public init() {}

    /// A variable with respect to which gradients can be computed.
    public func leaf(_ value: Tensor) -> Variable { record(.leaf, [], value) }

    func record(_ operation: Operation, _ inputs: [Variable], _ value: Tensor) -> Variable {
        nodes.append(
            Node(operation: operation, inputs: inputs.map { $0.tape === self ? $0.node : -1 }, shape: value.shape))
        return Variable(value, tape: self, node: nodes.count - 1)
    }

    /// Gradients of K scalar functions of `output` at once, each given by its seed (dy_k / d output).
    ///
    /// The backward pass is linear in the seed, so all K rows go back together, and only along paths that lead to
    /// `targets`.
    /// - Parameters:
    ///   - output: a variable of shape S on this tape.
    ///   - seed: `[K] + S`; nil means one seed of ones.
    ///   - targets: variables on this tape, of shapes S_i.
    ///   - relu: how each ReLU and ReLU6 changes the gradients.
    ///   - corners: a tape of the same computation for another input, whose ReLUs and maxima decide which way gradients
    ///     go. Between two inputs, a difference of gradients then holds no jumps (``Operation/withCorners(of:)``).
    /// - Returns: for each target, `[K] + S_i`; zeros if `output` does not depend on it.
    public func gradients(
        of output: Variable, seed: Tensor? = nil, withRespectTo targets: [Variable], relu: ReLURule = .exact,
        corners: Tape? = nil
    ) -> [Tensor] {
        precondition(output.tape === self && targets.allSatisfy { $0.tape === self }, "variables of another tape")
        precondition(corners == nil || corners?.nodes.count == nodes.count, "a tape of another computation")
        let seed = seed ?? Tensor([1] + output.shape, repeating: 1)
        precondition(Array(seed.shape.dropFirst()) == output.shape, "seed \(seed.shape) for an output \(output.shape)")
        let seeds = seed.shape[0]
        let wanted = Set(targets.map(\.node))
        // A node needs a gradient if it is a target or depends on one.
        var needsGradient = [Bool](repeating: false, count: output.node + 1)
        for node in 0...output.node {
            needsGradient[node] = wanted.contains(node) || nodes[node].inputs.contains { $0 >= 0 && needsGradient[$0] }
        }
        var found = [Int: Tensor]()
        var pending = [Int: Tensor]()
        if needsGradient[output.node] { pending[output.node] = seed }
        for node in stride(from: output.node, through: 0, by: -1) {
            guard let gradient = pending.removeValue(forKey: node) else { continue }
            if wanted.contains(node) { found[node] = gradient }
            let inputs = nodes[node].inputs
            if inputs.isEmpty { continue }
            let needed = inputs.map { $0 >= 0 && needsGradient[$0] }
            if !needed.contains(true) { continue }
            let operation = corners.map { nodes[node].operation.withCorners(of: $0.nodes[node].operation) }
            let parts = (operation ?? nodes[node].operation).backward(
                gradient, seeds: seeds, needed: needed, relu: relu)
            for (input, part) in zip(inputs, parts) {
                guard let part, input >= 0, needsGradient[input] else { continue }
                precondition(part.count == seeds * nodes[input].shape.reduce(1, *), "a gradient of the wrong size")
                let shaped = part.reshaped([seeds] + nodes[input].shape)
                pending[input] = pending[input].map { addForward($0, shaped) } ?? shaped
            }
        }
        return targets.map { found[$0.node] ?? Tensor([seeds] + $0.shape) }
    }
}
