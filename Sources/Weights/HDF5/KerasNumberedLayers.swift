import Tensors

/// The layout of Keras 3's `.keras` and `.weights.h5` files: groups that are numbered by class in the layers' order,
/// with numbered weights ("layers/dense_1/vars/0").
struct KerasNumberedLayers {
    private let file: HDF5File
    private let budget: ReadingBudget

    init(_ file: HDF5File, _ budget: ReadingBudget) {
        self.file = file
        self.budget = budget
    }

    /// The weights of a group `vars`.
    private struct Variables {
        /// The group that it lies in: "layers/lstm/cell".
        let owner: String
        /// In the order of their numbers.
        var weights: [(number: String, dataset: HDF5File.Dataset)] = []
    }

    /// - Parameter described: the layers of the model's description, where there is one.
    func layers(_ described: [KerasDescription.Layer]?) throws -> [KerasFile.Layer] {
        let found = try variables()
        guard let described else { return try layers(found) }
        var places: [String: Int] = [:]
        for (index, layer) in described.enumerated() { places[layer.group] = index }
        var weights = [[(parts: [String], value: Tensor)]](repeating: [], count: described.count)
        for variables in found {
            guard let (base, inner) = split(variables.owner, { places[$0] != nil }), let place = places[base] else {
                throw FileProblem("has weights in '\(variables.owner)', which its config.json lacks")
            }
            let layer = described[place]
            // Newer files say the layers' names, too.
            if let name = file.group(base + "/vars")?.attributes["name"]?.text, name != layer.name {
                throw FileProblem(
                    "has the weights of the layer '\(name)' in '\(base)', where its config.json has the layer "
                        + "'\(layer.name)': its parts are of different models")
            }
            let parts = inner.filter { !KerasNames.isCell($0) && $0 != "layer" }
            let wrapped = inner.isEmpty ? nil : layer.wrapped
            let names = KerasNames.numbered(
                wrapped?.className ?? layer.className, settings: wrapped?.settings ?? layer.settings,
                count: variables.weights.count)
            weights[place] += try tensors(variables, names, parts)
        }
        return try zip(described, weights).map { layer, weights in
            let short = try KerasNames.shortened(weights, layer: layer.name)
            return KerasFile.Layer(
                name: layer.name, className: layer.className, weights: short.map { ($0.name, $0.value) })
        }
    }

    /// Layers of a file without a description: a group that is no cell is one.
    private func layers(_ found: [Variables]) throws -> [KerasFile.Layer] {
        if found.isEmpty {
            throw FileProblem(
                "has weights in none of Keras's layouts (no attribute layer_names, no groups 'vars'): save the model "
                    + "with model.save(\"model.keras\")")
        }
        return try found.map { variables in
            var path = variables.owner.split(separator: "/").map(String.init)
            while path.count > 1, let last = path.last, KerasNames.isCell(last) { path.removeLast() }
            let base = path.joined(separator: "/"), group = path.last ?? base
            let className = KerasNames.className(ofGroup: group)
            let names = className.map { KerasNames.numbered($0, settings: nil, count: variables.weights.count) } ?? []
            let name = file.group(base + "/vars")?.attributes["name"]?.text ?? group
            let short = try KerasNames.shortened(try tensors(variables, names, []), layer: name)
            return KerasFile.Layer(name: name, className: className, weights: short.map { ($0.name, $0.value) })
        }
    }

    private func tensors(_ variables: Variables, _ names: [String], _ parts: [String]) throws
        -> [(parts: [String], value: Tensor)]
    {
        try variables.weights.map { number, dataset in
            let index = Int(number) ?? -1
            let name = names.indices.contains(index) ? names[index] : number
            return (parts + [name], try file.tensor(dataset))
        }
    }

    /// The longest beginning of a path that is a layer's group, and the rest.
    private func split(_ path: String, _ isLayer: (String) -> Bool) -> (base: String, inner: [String])? {
        var base = path.split(separator: "/").map(String.init)
        var inner: [String] = []
        while let last = base.popLast() {
            let whole = (base + [last]).joined(separator: "/")
            if isLayer(whole) { return (whole, inner) }
            inner.insert(last, at: 0)
        }
        return nil
    }

    /// The groups of weights of real numbers, those of an optimiser left out.
    private func variables() throws -> [Variables] {
        var result: [Variables] = []
        var places: [String: Int] = [:]
        for dataset in file.datasets {
            try budget.step()
            let path = dataset.path.split(separator: "/").map(String.init)
            guard path.count >= 3, path[path.count - 2] == "vars", path[0] != "optimizer" else { continue }
            // Counters and the states of random numbers are no weights.
            if !dataset.isReal, case .integer = dataset.type.kind { continue }
            let owner = path.dropLast(2).joined(separator: "/")
            let place = places[owner] ?? result.count
            if place == result.count {
                places[owner] = place
                result.append(Variables(owner: owner))
            }
            result[place].weights.append((path[path.count - 1], dataset))
        }
        // A functional model's layers; it may have other attributes that lead to the same ones.
        let ofLayers = result.filter { $0.owner.hasPrefix("layers/") }
        if !ofLayers.isEmpty { result = ofLayers }
        for index in result.indices {
            // The file's order is that of texts: "10" before "2".
            result[index].weights.sort { (Int($0.number) ?? .max, $0.number) < (Int($1.number) ?? .max, $1.number) }
        }
        return result
    }
}
