extension Tape {
    /// A convolution or linear layer that was recorded.
    public struct Product {
        /// The name of its weight.
        public let weight: String
        public let output: [Int]
        /// The number of multiplications, each with its addition, without biases.
        public let multiplyAdds: Int
    }

    /// The convolutions and linear layers on this tape whose weights are among `leaves`, in order.
    public func products(of leaves: [String: Variable]) -> [Product] {
        var names: [Int: String] = [:]
        for (name, leaf) in leaves where leaf.tape === self { names[leaf.node] = name }
        return nodes.compactMap { node in
            let weight: Tensor
            switch node.operation {
            case .convolution(_, let used, _, _, _): weight = used
            case .linear(_, let used, _, _): weight = used
            default: return nil
            }
            guard node.inputs.count > 1, let name = names[node.inputs[1]], let outputs = weight.shape.first, outputs > 0
            else { return nil }
            return Product(
                weight: name, output: node.shape, multiplyAdds: node.shape.reduce(1, *) * (weight.count / outputs))
        }
    }

    /// A convolution that was recorded, with its input and weight.
    public struct RecordedConvolution {
        /// `[N, H, W, C]`
        public let input: Tensor
        /// `[O, kh, kw, C / groups]`
        public let weight: Tensor
        public let geometry: ConvolutionGeometry
        /// `[N, H', W', O]`
        public let output: [Int]
    }

    /// The convolutions on this tape, in order.
    public var convolutions: [RecordedConvolution] {
        nodes.compactMap { node in
            guard case .convolution(let x, let weight, _, let geometry, _) = node.operation else { return nil }
            return RecordedConvolution(input: x, weight: weight, geometry: geometry, output: node.shape)
        }
    }
}
