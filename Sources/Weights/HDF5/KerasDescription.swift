/// The layers in a model's description.
enum KerasDescription {
    struct Layer {
        let name: String
        let className: String
        /// The layer's own settings.
        let settings: PlainValue
        /// The group of its weights in files of Keras 3, which number the layers of a class: "layers/dense_1".
        let group: String
        /// The name of the model's layer that it is or lies in.
        let outermost: String

        /// The class of the layer that a wrapper (`TimeDistributed`, `Bidirectional`) has within.
        var wrapped: (className: String, settings: PlainValue)? {
            guard let layer = settings["layer"], let name = layer["class_name"]?.text else { return nil }
            return (name, layer["config"] ?? .none)
        }
    }

    private static let deepest = 16

    /// The layers in the model's order, those of inner models in their places.
    /// - Parameter model: `{"class_name": ..., "config": ...}`.
    static func layers(of model: PlainValue, _ budget: ReadingBudget) throws -> [Layer] {
        guard let list = inner(model) else {
            throw FileProblem(
                "has the description of a model of its own class, without a list of layers: build the model with "
                    + "keras.Model(inputs, outputs) or keras.Sequential, load these weights and save it")
        }
        var result: [Layer] = []
        try add(list, group: "layers", outermost: nil, depth: 0, budget, &result)
        return result
    }

    /// The layers of a model; nil for anything else. Keras before 2.3 had a list as the settings of `Sequential`.
    private static func inner(_ layer: PlainValue) -> [PlainValue]? {
        if let layers = layer["config"]?["layers"]?.list { return layers }
        return layer["class_name"]?.text == "Sequential" ? layer["config"]?.list : nil
    }

    private static func add(
        _ layers: [PlainValue], group: String, outermost: String?, depth: Int, _ budget: ReadingBudget,
        _ result: inout [Layer]
    ) throws {
        if depth > deepest {
            throw FileProblem("has the description of more than \(deepest) models within each other")
        }
        var counts: [String: Int] = [:]
        for layer in layers {
            try budget.step()
            // A function among the layers (`not_equal` of a mask): no layer, has no weights and is not numbered.
            if let module = layer["module"]?.text, module.hasPrefix("keras.ops") || module.hasPrefix("keras.src.ops") {
                continue
            }
            guard let className = layer["class_name"]?.text else {
                throw FileProblem("has a description with a layer without a class_name")
            }
            let settings = layer["config"] ?? .none
            guard let name = settings["name"]?.text ?? layer["name"]?.text else {
                throw FileProblem("has a description with a layer of class \(className) without a name")
            }
            let known = snakeCase(className)
            let number = counts[known, default: 0]
            counts[known] = number + 1
            let path = "\(group)/\(known)\(number == 0 ? "" : "_\(number)")"
            try budget.allocate(path.utf8.count + name.utf8.count + className.utf8.count)
            if let inner = inner(layer) {
                try add(
                    inner, group: path + "/layers", outermost: outermost ?? name, depth: depth + 1, budget, &result)
            } else {
                result.append(
                    Layer(
                        name: name, className: className, settings: settings, group: path,
                        outermost: outermost ?? name))
            }
        }
    }

    /// The name that Keras 3 makes of a class: "depthwise_conv2d" of "DepthwiseConv2D", "lstm" of "LSTM". Classes that
    /// a program registered have a package in front: "mine>Attention".
    static func snakeCase(_ className: String) -> String {
        let characters = Array((className.split(separator: ">").last ?? "").unicodeScalars)
            .filter { $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0) }
        func isCapital(_ index: Int) -> Bool { ("A"..."Z").contains(characters[index]) }
        func isSmall(_ index: Int) -> Bool { index < characters.count && ("a"..."z").contains(characters[index]) }
        var result = ""
        for index in characters.indices {
            let beginsWord = isCapital(index) && index > 0 && (isSmall(index + 1) || isSmall(index - 1))
            if beginsWord { result += "_" }
            result.unicodeScalars.append(characters[index])
        }
        return result.lowercased()
    }
}
