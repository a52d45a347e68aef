import Tensors
import Weights

/// The weights of a Keras file by layer, and which of them were taken.
struct KerasWeights {
    private let layers: [String: KerasFile.Layer]
    /// Full names, as ``CheckpointContents`` has them.
    private(set) var used: [String] = []

    init(_ layers: [KerasFile.Layer]) {
        self.layers = Dictionary(layers.map { ($0.name, $0) }) { first, _ in first }
    }

    /// - Throws: ``FamilyProblem`` where there is none of so many axes.
    mutating func tensor(_ layer: String, _ name: String, axes: Int) throws -> Tensor {
        guard let tensor = try optional(layer, name, axes: axes) else {
            throw FamilyProblem("the layer '\(layer)' has no weight '\(name)'")
        }
        return tensor
    }

    mutating func optional(_ layer: String, _ name: String, axes: Int) throws -> Tensor? {
        guard let tensor = layers[layer]?[name] else { return nil }
        guard tensor.shape.count == axes, tensor.count > 0 else {
            throw FamilyProblem("\(layer).\(name) has the shape \(tensor.shape)")
        }
        used.append("\(layer).\(name)")
        return tensor
    }
}

/// y = scale x + shift, number by number: what batch normalisation is when a model is used.
struct KerasAffine {
    var scale: [Float]
    var shift: [Float]

    /// What changes nothing.
    init(_ width: Int) {
        scale = [Float](repeating: 1, count: width)
        shift = [Float](repeating: 0, count: width)
    }

    init(_ norm: KerasGraph.Layer, _ weights: inout KerasWeights) throws {
        func part(_ name: String) throws -> [Float]? {
            try weights.optional(norm.name, name, axes: 1)?.array
        }
        guard let mean = try part("moving_mean"), let variance = try part("moving_variance") else {
            throw FamilyProblem("the layer '\(norm.name)' has no moving_mean and moving_variance")
        }
        let gamma = try part("gamma") ?? mean.map { _ in 1 }
        let beta = try part("beta") ?? mean.map { _ in 0 }
        guard variance.count == mean.count, gamma.count == mean.count, beta.count == mean.count else {
            throw FamilyProblem("the weights of the layer '\(norm.name)' are of several lengths")
        }
        let epsilon = Float(norm.settings["epsilon"]?.number ?? 1e-3)
        guard epsilon >= 0, variance.allSatisfy({ $0 + epsilon > 0 }) else {
            throw FamilyProblem("the layer '\(norm.name)' has negative variances; the file is damaged")
        }
        let scale = zip(gamma, variance).map { $0 / ($1 + epsilon).squareRoot() }
        self.scale = scale
        shift = mean.indices.map { beta[$0] - mean[$0] * scale[$0] }
    }

    /// This one, then another.
    func then(_ next: KerasAffine) throws -> KerasAffine {
        guard scale.count == next.scale.count else {
            throw FamilyProblem("its batch normalisations are of other widths")
        }
        var result = next
        for i in scale.indices {
            result.scale[i] *= scale[i]
            result.shift[i] += next.scale[i] * shift[i]
        }
        return result
    }

    /// Of numbers side by side.
    func joined(_ other: KerasAffine) -> KerasAffine {
        var result = self
        result.scale += other.scale
        result.shift += other.shift
        return result
    }
}

/// A Dense layer: y = x kernel + bias.
struct KerasDense {
    /// [in, out]
    var kernel: Tensor
    var bias: [Float]

    var inputs: Int { kernel.shape[0] }
    var outputs: Int { kernel.shape[1] }

    init(_ layer: String, _ weights: inout KerasWeights) throws {
        kernel = try weights.tensor(layer, "kernel", axes: 2)
        bias = try weights.optional(layer, "bias", axes: 1)?.array ?? [Float](repeating: 0, count: kernel.shape[1])
        if bias.count != outputs { throw FamilyProblem("the layer '\(layer)' has a bias of another length") }
    }

    /// Reads `affine(x)` in place of x.
    mutating func reading(_ affine: KerasAffine) throws {
        guard affine.scale.count == inputs else { throw FamilyProblem("a batch normalisation is of another width") }
        var values = kernel.array
        var sums = bias.map(Double.init)
        for i in 0..<inputs {
            for o in 0..<outputs {
                sums[o] += Double(affine.shift[i]) * Double(values[i * outputs + o])
                values[i * outputs + o] *= affine.scale[i]
            }
        }
        kernel = Tensor(kernel.shape, values)
        bias = sums.map { Float($0) }
    }

    /// Gives `affine(y)` in place of y.
    mutating func giving(_ affine: KerasAffine) throws {
        guard affine.scale.count == outputs else { throw FamilyProblem("a batch normalisation is of another width") }
        let outputs = outputs
        let values = kernel.array.enumerated().map { $1 * affine.scale[$0 % outputs] }
        kernel = Tensor(kernel.shape, values)
        bias = bias.enumerated().map { $1 * affine.scale[$0] + affine.shift[$0] }
    }
}

/// Dense layers one after the other, with the batch normalisation around them folded into them.
struct KerasTower {
    var layers: [(dense: KerasDense, activation: String, name: String)] = []
    /// Batch normalisation behind the last layer's activation.
    var rest: KerasAffine?

    init(_ steps: [KerasGraph.Step], _ weights: inout KerasWeights) throws {
        for step in steps {
            switch step {
            case .dense(let layer):
                var dense = try KerasDense(layer.name, &weights)
                if let rest { try dense.reading(rest) }
                rest = nil
                layers.append((dense, "linear", layer.name))
            case .norm(let layer):
                let affine = try KerasAffine(layer, &weights)
                if let last = layers.indices.last, layers[last].activation == "linear" {
                    try layers[last].dense.giving(affine)
                } else {
                    rest = try rest?.then(affine) ?? affine
                }
            case .activation("linear"): break
            case .activation(let name):
                guard let last = layers.indices.last, layers[last].activation == "linear" else {
                    throw FamilyProblem("it has the activation \(name) where no Dense layer is before it")
                }
                layers[last].activation = name
            }
        }
    }

    func expect(_ activation: String, of index: Int) throws {
        let layer = layers[index]
        if layer.activation != activation {
            throw FamilyProblem(
                "its layer '\(layer.name)' has the activation \(layer.activation); mmx has \(activation) there")
        }
    }
}

/// An LSTM layer; the gates i, f, c, o of Keras are PyTorch's i, f, g, o.
struct KerasLSTM {
    /// [E, 4H], [H, 4H], [4H]
    var kernel: Tensor
    var recurrent: Tensor
    var bias: [Float]
    /// Whether the gates are clip(s, 0, 1) of their sums s in place of sigmoid(s).
    var clipsGates = false

    var inputs: Int { kernel.shape[0] }
    var hidden: Int { recurrent.shape[0] }

    init(_ name: String, _ weights: inout KerasWeights) throws {
        kernel = try weights.tensor(name, "kernel", axes: 2)
        recurrent = try weights.tensor(name, "recurrent_kernel", axes: 2)
        let width = recurrent.shape[1]
        guard width % 4 == 0, width / 4 == recurrent.shape[0], kernel.shape[1] == width else {
            throw FamilyProblem(
                "its recurrent layer '\(name)' has weights of the shapes \(kernel.shape) and \(recurrent.shape), which "
                    + "are not an LSTM's (a GRU has three parts); mmx reads merge captioners with one LSTM")
        }
        bias = try weights.optional(name, "bias", axes: 1)?.array ?? [Float](repeating: 0, count: width)
        if bias.count != width { throw FamilyProblem("its LSTM '\(name)' has a bias of another length") }
    }

    /// - Parameter version: of the Keras that wrote the file.
    init(_ layer: KerasGraph.Layer, _ weights: inout KerasWeights, _ version: String?) throws {
        for (setting, meaning) in [
            ("go_backwards", "it reads captions from their end (go_backwards)"),
            ("return_sequences", "it gives its state after every word (return_sequences)"),
        ] where layer.settings[setting]?.bool == true {
            throw FamilyProblem("of its LSTM '\(layer.name)': \(meaning), which mmx's does not")
        }
        let activation = layer.activation("activation", usual: "tanh")
        // Keras 1 called it inner_activation, and had hard_sigmoid where a file does not say.
        let gates = layer.activation(
            "recurrent_activation", usual: layer.activation("inner_activation", usual: "hard_sigmoid"))
        guard activation == "tanh", gates == "sigmoid" || gates == "hard_sigmoid" else {
            throw FamilyProblem(
                "its LSTM '\(layer.name)' has the activations \(activation) and \(gates); mmx has tanh, and sigmoid or "
                    + "hard_sigmoid")
        }
        try self.init(layer.name, &weights)
        if gates == "hard_sigmoid" {
            clipsGates = true
            // Keras up to 2: clip(0.2 s + 0.5, 0, 1); Keras 3: clip(s / 6 + 0.5, 0, 1).
            let major = version?.prefix { $0 != "." }
            foldSlope(major.flatMap { Int($0) } ?? 1 >= 3 ? 1 / 6 : 0.2)
        }
    }

    /// Puts the slope and the 0.5 of a hard sigmoid into the weights of the gates.
    private mutating func foldSlope(_ slope: Float) {
        let (width, hidden) = (4 * hidden, hidden)
        func isGate(_ column: Int) -> Bool { column / hidden != 2 }
        func scaled(_ matrix: Tensor) -> Tensor {
            Tensor(matrix.shape, matrix.array.enumerated().map { isGate($0 % width) ? $1 * slope : $1 })
        }
        kernel = scaled(kernel)
        recurrent = scaled(recurrent)
        bias = bias.enumerated().map { isGate($0) ? $1 * slope + 0.5 : $1 }
    }
}
