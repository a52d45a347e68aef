/// The short names of layers' weights.
enum KerasNames {
    private static let known: Set<String> = [
        "kernel", "bias", "embeddings", "recurrent_kernel", "gamma", "beta", "moving_mean", "moving_variance",
        "depthwise_kernel", "pointwise_kernel",
    ]

    /// The names of a layer's weights in the order of their numbers in files of Keras 3; empty where the class is not
    /// known.
    /// - Parameter count: how many weights the layer has, for layers without settings.
    static func numbered(_ className: String, settings: PlainValue?, count: Int) -> [String] {
        switch className {
        case "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
            "Conv3DTranspose":
            return ["kernel", "bias"]
        case "Embedding": return ["embeddings"]
        case "LSTM", "GRU", "SimpleRNN": return ["kernel", "recurrent_kernel", "bias"]
        case "DepthwiseConv1D", "DepthwiseConv2D": return ["depthwise_kernel", "bias"]
        case "SeparableConv1D", "SeparableConv2D": return ["depthwise_kernel", "pointwise_kernel", "bias"]
        case "BatchNormalization":
            let statistics = ["moving_mean", "moving_variance"]
            guard let settings else {
                return count == 4 ? ["gamma", "beta"] + statistics : count == 2 ? statistics : []
            }
            return scaled(settings) + statistics
        case "LayerNormalization": return settings.map(scaled) ?? (count == 2 ? ["gamma", "beta"] : [])
        default: return []
        }
    }

    private static func scaled(_ settings: PlainValue) -> [String] {
        (settings["scale"]?.bool == false ? [] : ["gamma"]) + (settings["center"]?.bool == false ? [] : ["beta"])
    }

    /// The class of a group's name in files of Keras 3: "LSTM" of "lstm_2"; nil where it is not known.
    static func className(ofGroup name: String) -> String? {
        let classes = [
            "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
            "Conv3DTranspose", "Embedding", "LSTM", "GRU", "SimpleRNN", "DepthwiseConv1D", "DepthwiseConv2D",
            "SeparableConv1D", "SeparableConv2D", "BatchNormalization", "LayerNormalization",
        ]
        let base = withoutNumber(name)
        return classes.first { KerasDescription.snakeCase($0) == base }
    }

    /// The name without a number that was put behind it: "kernel" of "kernel_1".
    private static func withoutNumber(_ name: String) -> String {
        guard let end = name.lastIndex(of: "_"), case let digits = name[name.index(after: end)...], !digits.isEmpty,
            digits.allSatisfy({ $0.isASCII && $0.isNumber })
        else { return name }
        return String(name[..<end])
    }

    /// The parts of a weight's full name that say more than the layer does: "kernel" of "lstm_1/lstm_cell_3/kernel:0",
    /// "forward_lstm/kernel" of "bidirectional/forward_lstm/lstm_cell/kernel".
    static func parts(ofWeight name: String, layer: String) -> [String] {
        var parts = name.split(separator: "/").map(String.init)
        guard var last = parts.popLast() else { return [name] }
        if let colon = last.lastIndex(of: ":") { last = String(last[..<colon]) }
        // Keras 1: "block1_conv1_W_1:0".
        switch withoutNumber(last) {
        case layer + "_W": last = "kernel"
        case layer + "_b": last = "bias"
        case let base where known.contains(base): last = base
        default: break
        }
        // Layers' names may have slashes. A scope that was used before has another number: "dense_1_1".
        let owner = layer.split(separator: "/").map(String.init)
        if let start = parts.indices.last(where: { parts[$0...].starts(with: owner) }), !owner.isEmpty {
            parts.removeFirst(start + owner.count)
        } else if !parts.isEmpty {
            parts.removeFirst()
        }
        return parts.filter { !isCell($0) } + [last]
    }

    /// A recurrent layer computes by a cell, which has the weights.
    static func isCell(_ name: String) -> Bool {
        ["cell", "lstm_cell", "gru_cell", "simple_rnn_cell"].contains(withoutNumber(name))
    }

    /// The weights under their last names where these differ, otherwise under their full ones.
    static func shortened<Value>(_ weights: [(parts: [String], value: Value)], layer: String) throws
        -> [(name: String, value: Value)]
    {
        var counts: [String: Int] = [:]
        for weight in weights { counts[weight.parts.last ?? "", default: 0] += 1 }
        var names: Set<String> = []
        return try weights.map { weight in
            let last = weight.parts.last ?? ""
            let name = counts[last] == 1 ? last : weight.parts.joined(separator: "/")
            guard names.insert(name).inserted else {
                throw FileProblem("has two weights of the name '\(name)' in the layer '\(layer)'")
            }
            return (name, weight.value)
        }
    }
}
