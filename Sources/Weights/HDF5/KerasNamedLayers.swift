import Tensors

/// The layout of Keras 1 and 2, and of Keras 3's `.h5` files: a group a layer under the layer's name, whose attribute
/// `weight_names` lists its weights.
struct KerasNamedLayers {
    private let file: HDF5File
    /// The group that has the layers: "model_weights", or "" for the root.
    private let top: String
    private let budget: ReadingBudget

    init(_ file: HDF5File, top: String, _ budget: ReadingBudget) {
        self.file = file
        self.top = top
        self.budget = budget
    }

    static func isFormat(of attributes: PlainValue?) -> Bool {
        attributes?["layer_names"] != nil || attributes?["layer_names0"] != nil
    }

    /// - Parameter all: the layers of the model's description, where there is one.
    func layers(_ all: [KerasDescription.Layer]?) throws -> [KerasFile.Layer] {
        let names = try texts("layer_names", of: top)
        let listed = Set(names)
        if listed.count < names.count { throw FileProblem("lists a layer twice in the attribute layer_names") }
        guard let all else {
            return try names.map { name in
                let weights = try weights(of: name).map {
                    (parts: KerasNames.parts(ofWeight: $0.name, layer: name), value: $0.tensor)
                }
                let short = try KerasNames.shortened(weights, layer: name)
                return KerasFile.Layer(name: name, className: nil, weights: short.map { ($0.name, $0.value) })
            }
        }
        // The description of a model also has functions (`not_equal` of a mask), which are no layers.
        let described = all.filter { listed.contains($0.outermost) }
        // The layers that lie in each layer of the model, by their names; the layer itself, if it is no model.
        var inner: [String: [String: Int]] = [:]
        for (index, layer) in described.enumerated() {
            guard inner[layer.outermost, default: [:]].updateValue(index, forKey: layer.name) == nil else {
                throw FileProblem("has a description with two layers of the name '\(layer.name)'")
            }
        }
        var found = [[(parts: [String], value: Tensor)]](repeating: [], count: described.count)
        for name in names {
            for (weight, tensor) in try weights(of: name) {
                let places = inner[name] ?? [:]
                // The innermost layer in the weight's name.
                let owner = weight.split(separator: "/").dropLast().last { places[String($0)] != nil }
                guard let place = owner.flatMap({ places[String($0)] }) ?? places[name] else {
                    throw FileProblem("has the weight '\(weight)' of the layer '\(name)', which its description lacks")
                }
                let layer = described[place]
                var parts = KerasNames.parts(ofWeight: weight, layer: layer.name)
                if layer.className.hasPrefix("DepthwiseConv"), parts.last == "kernel" {
                    parts[parts.count - 1] = "depthwise_kernel"
                }
                if layer.className == "Bidirectional", parts.count > 1 {
                    for side in ["forward", "backward"] where parts[0].hasPrefix(side + "_") {
                        parts[0] = side + "_layer"
                    }
                }
                found[place].append((parts, tensor))
            }
        }
        return try zip(described, found).map { layer, weights in
            let short = try KerasNames.shortened(weights, layer: layer.name)
            return KerasFile.Layer(
                name: layer.name, className: layer.className, weights: short.map { ($0.name, $0.value) })
        }
    }

    /// The weights of real numbers in the group of a layer, under their full names.
    private func weights(of layer: String) throws -> [(name: String, tensor: Tensor)] {
        let path = top.isEmpty ? layer : "\(top)/\(layer)"
        guard file.group(path) != nil else {
            throw FileProblem("lists the layer '\(layer)', but has no group of that name")
        }
        var seen: Set<String> = []
        return try texts("weight_names", of: path).compactMap { name in
            guard let dataset = file.dataset("\(path)/\(name)") else {
                throw FileProblem(
                    "lists the weight '\(name)' of the layer '\(layer)', but has no data set of that name")
            }
            guard seen.insert(name).inserted else { throw FileProblem("lists the weight '\(name)' twice") }
            // Counters and the states of random numbers are no weights.
            if !dataset.isReal, case .integer = dataset.type.kind { return nil }
            return (name, try file.tensor(dataset))
        }
    }

    /// Of a list that is cut; each takes about 64 kB.
    private static let mostParts = 256

    /// A list of texts in an attribute. Keras cuts one that is too long for HDF5 into `name0`, `name1`...
    private func texts(_ name: String, of path: String) throws -> [String] {
        let attributes = file.group(path)?.attributes ?? .none
        var values: [PlainValue] = []
        if let value = attributes[name] {
            guard let list = value.list else { throw FileProblem("has an attribute \(name) that is no list") }
            values = list
        } else {
            var number = 0
            while number < Self.mostParts, let list = attributes["\(name)\(number)"]?.list {
                values += list
                number += 1
            }
            if number == 0 { throw FileProblem("lacks the attribute \(name) of the group '\(path)'") }
        }
        return try values.map { value in
            try budget.step()
            guard let text = value.text else { throw FileProblem("has an attribute \(name) that does not list texts") }
            try budget.allocate(text.utf8.count)
            return text
        }
    }
}
