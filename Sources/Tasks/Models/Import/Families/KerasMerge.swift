import Tensors
import Weights

/// The parts of a merge captioner of Keras: found in the model's description, or by their shapes in a file without one.
struct KerasMerge {
    /// [words, E]
    var table: Tensor
    var sentence: KerasLSTM
    var image: KerasDense
    var merged: KerasDense
    var output: KerasDense
    var concatenates = false
    /// The longest caption; nil where the file does not say.
    var length: Int?
    /// Whether shapes alone told the parts.
    var isAssumed = false
    /// The full names of all tensors that were read.
    var used: [String] = []

    init(_ c: FamilyContext) throws {
        guard let keras = c.file.keras else { throw FamilyProblem("it is no file of Keras's") }
        if let model = keras.configuration {
            try self.init(model, keras)
        } else {
            try self.init(keras.layers)
        }
        let (words, width) = (c["V"], c["E"])
        guard table.shape == [words, width], output.outputs == words else {
            throw FamilyProblem("it reads \(table.shape[0]) words and writes \(output.outputs)")
        }
        guard sentence.inputs == width else {
            throw FamilyProblem("its LSTM reads vectors of \(sentence.inputs) numbers, its words have \(width)")
        }
        let both = concatenates ? image.outputs + sentence.hidden : sentence.hidden
        guard concatenates || image.outputs == sentence.hidden, merged.inputs == both, output.inputs == merged.outputs
        else { throw FamilyProblem("the shapes of its layers do not fit each other") }
    }

    // MARK: Models with a description

    private init(_ model: PlainValue, _ keras: KerasFile) throws {
        let graph = try KerasGraph(model)
        var weights = KerasWeights(keras.layers)
        let (head, merge) = try graph.chain(to: graph.output)
        let adds = merge.className == "Add"
        guard adds || merge.className == "Concatenate" else { throw Self.injected(merge) }
        if !adds, let axis = merge.settings["axis"]?.integer, axis != -1, axis != 1 {
            throw FamilyProblem("its layer '\(merge.name)' does not concatenate along the last axis")
        }
        guard merge.inputs.count == 2 else {
            throw FamilyProblem("its layer '\(merge.name)' merges \(merge.inputs.count) parts in place of two")
        }
        let scores = try KerasTower(head, &weights)
        guard scores.rest == nil, scores.layers.count == 2 else {
            throw FamilyProblem(
                "it has \(scores.layers.count) Dense layers between the merged parts and the words' scores; mmx has "
                    + "two there, one with a ReLU and one with the softmax (models with Dense(vocabulary, \"relu\") "
                    + "before the softmax are not read)")
        }
        try scores.expect("relu", of: 0)
        // Scores without a softmax were trained with from_logits.
        if scores.layers[1].activation != "linear" { try scores.expect("softmax", of: 1) }

        let branches = try merge.inputs.map { try graph.chain(to: $0) }
        guard let place = branches.firstIndex(where: { $0.start.className == "LSTM" }) else {
            throw Self.wrong(branches.map(\.start))
        }
        let (words, photo) = (branches[place], branches[1 - place])
        guard photo.start.className == "InputLayer" else { throw Self.wrong([photo.start]) }
        let seen = try KerasTower(photo.steps, &weights)
        guard seen.layers.count == 1 else {
            throw FamilyProblem(
                "its image goes through \(seen.layers.count) Dense layers before it meets the words; mmx has one there")
        }
        try seen.expect("relu", of: 0)
        let after = try KerasTower(words.steps, &weights)
        guard after.layers.isEmpty else {
            throw FamilyProblem("it has a Dense layer behind the LSTM before image and words meet, which mmx has not")
        }

        sentence = try KerasLSTM(words.start, &weights, keras.kerasVersion)
        let (between, embedding) = try graph.chain(to: words.start.inputs.first ?? "")
        guard embedding.className == "Embedding", between.isEmpty else {
            throw embedding.className == "LSTM"
                ? FamilyProblem("it has several LSTM layers, one after the other; mmx has one there")
                : Self.injected(between.isEmpty ? embedding : words.start)
        }
        guard embedding.settings["mask_zero"]?.bool == true else {
            throw FamilyProblem(
                "its Embedding has no mask (mask_zero is not true): its LSTM reads the zeros that fill up a caption, "
                    + "as many as its length leaves, and mmx reads captions without them. Train it with mask_zero=True")
        }
        table = try weights.tensor(embedding.name, "embeddings", axes: 2)
        length = try graph.length(of: embedding)

        image = seen.layers[0].dense
        merged = scores.layers[0].dense
        output = scores.layers[1].dense
        used = weights.used
        try order(seen.rest, after.rest, adds: adds, imageFirst: place == 1)
    }

    /// Brings the layer that reads both parts into mmx's form: the image's numbers first, what normalises the parts
    /// folded into it.
    private mutating func order(_ seen: KerasAffine?, _ read: KerasAffine?, adds: Bool, imageFirst: Bool) throws {
        let (width, hidden) = (image.outputs, sentence.hidden)
        if adds {
            guard width == hidden, merged.inputs == hidden else {
                throw FamilyProblem("its image has \(width) numbers and its sentence \(hidden), which cannot be added")
            }
            if seen == nil, read == nil { return }
            // The sum of two parts with scales of their own is a product with both side by side.
            merged.kernel = merged.kernel.selectingRows(Array(0..<hidden) + Array(0..<hidden), missing: 0)
        } else {
            guard merged.inputs == width + hidden else {
                throw FamilyProblem("its Dense layer reads \(merged.inputs) numbers of \(width + hidden)")
            }
            if !imageFirst {
                merged.kernel = merged.kernel.selectingRows(
                    Array(hidden..<hidden + width) + Array(0..<hidden), missing: 0)
            }
        }
        concatenates = true
        let parts = (seen ?? KerasAffine(width)).joined(read ?? KerasAffine(hidden))
        try merged.reading(parts)
    }

    private static func injected(_ layer: KerasGraph.Layer) -> FamilyProblem {
        let inject = "it is an \"inject\" model, whose LSTM reads the image along with the words"
        switch layer.className {
        case "LSTM": return FamilyProblem("\(inject); mmx reads merge models, whose LSTM reads the words alone")
        case "Concatenate", "RepeatVector", "Reshape":
            return FamilyProblem(
                "\(inject) ('\(layer.name)'); mmx reads merge models, whose LSTM reads the words alone")
        default: return wrong([layer])
        }
    }

    /// A reason for layers where an LSTM and the image were looked for.
    private static func wrong(_ layers: [KerasGraph.Layer]) -> FamilyProblem {
        for layer in layers where !["InputLayer", "Embedding"].contains(layer.className) {
            switch layer.className {
            case "GRU", "SimpleRNN", "Bidirectional", "CuDNNLSTM", "CuDNNGRU", "RNN":
                return FamilyProblem(
                    "its words are read by the layer '\(layer.name)' of class \(layer.className); mmx reads merge "
                        + "captioners with one LSTM, which goes forward")
            case "RepeatVector", "TimeDistributed", "Reshape": return injected(layer)
            case "Functional", "Model", "Sequential":
                return FamilyProblem("it has a model within the model ('\(layer.name)'), which is not read")
            default:
                return FamilyProblem(
                    "its layer '\(layer.name)' of class \(layer.className) has no place in a merge captioner: Add or "
                        + "Concatenate of an image's Dense layer and an LSTM, and two Dense layers behind it")
            }
        }
        return FamilyProblem("no LSTM reads its words")
    }

    // MARK: Weights alone

    private init(_ layers: [KerasFile.Layer]) throws {
        var weights = KerasWeights(layers)
        func has(_ layer: KerasFile.Layer, _ name: String) -> Bool { layer[name] != nil }
        if layers.contains(where: { $0.weights.contains { $0.name.contains("/") } }) {
            throw FamilyProblem("it has a layer of several parts (Bidirectional); mmx's LSTM goes forward only")
        }
        if let norm = layers.first(where: { has($0, "moving_mean") }) {
            throw FamilyProblem(
                "it has batch normalisation ('\(norm.name)'), and weights alone do not say where it stands: save the "
                    + "whole model (model.save)")
        }
        let recurrent = layers.filter { has($0, "recurrent_kernel") }
        let tables = layers.filter { has($0, "embeddings") }
        let dense = layers.filter { $0["kernel"]?.shape.count == 2 && !has($0, "recurrent_kernel") }
        guard recurrent.count == 1, tables.count == 1, dense.count == 3 else {
            throw FamilyProblem(
                "it has \(recurrent.count) recurrent layers, \(tables.count) Embedding and \(dense.count) Dense "
                    + "layers; a merge captioner has 1, 1 and 3")
        }
        table = try weights.tensor(tables[0].name, "embeddings", axes: 2)
        sentence = try KerasLSTM(recurrent[0].name, &weights)
        let hidden = sentence.hidden
        let all = try dense.map { try KerasDense($0.name, &weights) }
        // The first order that fits; a file has its layers in the model's order.
        for (image, merged, output) in [(0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0), (2, 1, 0)]
            .map({ (all[$0.0], all[$0.1], all[$0.2]) })
        {
            let adds = image.outputs == hidden && merged.inputs == hidden
            guard adds || merged.inputs == image.outputs + hidden, output.inputs == merged.outputs,
                output.outputs == table.shape[0]
            else { continue }
            (self.image, self.merged, self.output) = (image, merged, output)
            concatenates = !adds
            isAssumed = true
            used = weights.used
            return
        }
        throw FamilyProblem("the shapes of its Dense layers are not those of a merge captioner")
    }
}

extension KerasGraph {
    /// The length of the captions that a model reads; nil where it is left open.
    fileprivate func length(of embedding: Layer) throws -> Int? {
        let (_, input) = try chain(to: embedding.inputs.first ?? "")
        guard input.className == "InputLayer" else {
            throw FamilyProblem("its Embedding does not read an Input layer, but '\(input.name)'")
        }
        let shape = input.settings["batch_shape"] ?? input.settings["batch_input_shape"]
        return shape?.list?.last?.integer ?? embedding.settings["input_length"]?.integer
    }
}
