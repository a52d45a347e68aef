import Weights

/// The layers of a functional model of Keras, and what each of them reads, as the model's description has it.
struct KerasGraph {
    struct Layer {
        let name: String
        let className: String
        let settings: PlainValue
        /// The layers that it reads, in their order.
        let inputs: [String]

        /// "relu"; `usual` where the settings do not have it.
        func activation(_ key: String, usual: String = "linear") -> String {
            guard let value = settings[key] else { return usual }
            if value == .none { return "linear" }
            // Keras 3 writes functions of its own as objects.
            return value.text ?? value["config"]?.text ?? value["class_name"]?.text ?? "unknown"
        }
    }

    let layers: [String: Layer]
    /// The layer whose output is the model's.
    let output: String

    /// - Parameter model: `{"class_name": ..., "config": {"layers": [...], ...}}`
    /// - Throws: ``FamilyProblem`` for anything but a functional model with one output.
    init(_ model: PlainValue) throws {
        let config = model["config"]
        guard model["class_name"]?.text != "Sequential", let list = config?["layers"]?.list else {
            throw FamilyProblem("its description is not of a functional model (keras.Model(inputs, outputs))")
        }
        var layers: [String: Layer] = [:]
        for item in list {
            let settings = item["config"] ?? .none
            guard let name = item["name"]?.text ?? settings["name"]?.text else { continue }
            let nodes = item["inbound_nodes"]?.list ?? []
            if nodes.count > 1 { throw FamilyProblem("its layer '\(name)' is used more than once") }
            layers[name] = Layer(
                name: name, className: item["class_name"]?.text ?? "", settings: settings,
                inputs: nodes.first.map { Self.sources($0["args"] ?? $0, depth: 0) } ?? [])
        }
        let outputs = config?["output_layers"]?.list ?? []
        // A list of [name, node, tensor]; Keras 3 writes a single one without the list.
        let names = outputs.first?.text != nil ? [outputs[0].text] : outputs.map { $0.list?.first?.text }
        guard names.count == 1, let name = names[0], layers[name] != nil else {
            throw FamilyProblem("its model has \(names.count) outputs; a captioner has one, the next word")
        }
        self.layers = layers
        output = name
    }

    private static let deepest = 8

    /// The names in the arguments of a call: `["dense", 0, 0, {}]` of Keras 2, tensors with a `keras_history` of
    /// Keras 3.
    private static func sources(_ value: PlainValue, depth: Int) -> [String] {
        if let history = value["config"]?["keras_history"]?.list { return history.first?.text.map { [$0] } ?? [] }
        guard let items = value.list, depth < deepest else { return [] }
        if let name = items.first?.text { return [name] }
        return items.flatMap { sources($0, depth: depth + 1) }
    }

    /// What a chain of layers with one input each does, from its beginning to its end.
    enum Step {
        case dense(Layer)
        case norm(Layer)
        case activation(String)
    }

    /// Layers that do nothing when a model is used.
    private static let idle: Set = [
        "Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization",
    ]

    /// Goes back from a layer through dense layers, batch normalisation and activations.
    /// - Returns: these, in the order of computation, and the first layer before them that is none.
    func chain(to name: String) throws -> (steps: [Step], start: Layer) {
        var steps: [Step] = []
        var next = name
        for _ in 0...layers.count {
            guard let layer = layers[next] else { throw FamilyProblem("its description lacks the layer '\(next)'") }
            switch layer.className {
            case "Dense": steps += [.activation(layer.activation("activation")), .dense(layer)]
            case "BatchNormalization": steps.append(.norm(layer))
            case "Activation": steps.append(.activation(layer.activation("activation")))
            case "ReLU", "Softmax", "LeakyReLU", "ELU", "PReLU":
                steps.append(.activation(try Self.name(ofActivation: layer)))
            case let name where Self.idle.contains(name): break
            default: return (steps.reversed(), layer)
            }
            guard layer.inputs.count == 1 else {
                throw FamilyProblem("its layer '\(layer.name)' reads \(layer.inputs.count) layers in place of one")
            }
            next = layer.inputs[0]
        }
        throw FamilyProblem("its layers read each other in a circle")
    }

    private static func name(ofActivation layer: Layer) throws -> String {
        guard layer.className == "ReLU" else { return layer.className == "Softmax" ? "softmax" : layer.className }
        let odd = ["max_value", "negative_slope", "threshold"].contains { key in
            layer.settings[key]?.number.map { $0 != 0 } ?? false
        }
        return odd ? "ReLU with a slope, a threshold or a largest value" : "relu"
    }
}
