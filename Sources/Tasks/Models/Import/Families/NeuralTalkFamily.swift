import Language
import Tensors
import Vision
import Weights

extension CheckpointFamily {
    /// karpathy's neuraltalk2: one .t7 file with VGG-16, the LSTM and the words.
    static let neuralTalk = CheckpointFamily(
        name: "neuraltalk2",
        title: "neuraltalk2: VGG-16's fc7, linear layer, LSTM (one .t7 file of Torch7)",
        evidence: TensorPattern([
            "lm.i2h_1.weight 4H E", "lm.i2h_1.bias 4H", "lm.h2h_1.weight 4H H", "lm.h2h_1.bias 4H",
            "lm.decoder.weight V H", "lm.decoder.bias V", "lm.lookup_table.weight V E", "image.weight E F",
            "image.bias E", "cnn.classifier.3.weight F F",
        ]),
        model: { c in
            let length = c.values["protos"]?["lm"]?["seq_length"]?.integer ?? 16
            return .captioner(
                DecoderConfiguration(
                    untiedShowAndTell: c.channels, vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"],
                    layers: layers(c), activatesImage: true, neck: Neck(.fullyConnected, side: 7, width: c["F"])),
                SearchOptions(
                    beam: 2, maximumLength: max(1, min(length, 1_000)), lengthNormalisation: 0, endings: .kept,
                    writesSpecialWords: true))
        },
        renames: { c in
            // Gates i, f, o, g.
            let order = Rename.Change.parts([0, 1, 3, 2])
            return (1...layers(c)).flatMap { layer -> [Rename] in
                let name = layer == 1 ? "lstm" : "lstm_\(layer - 1)"
                return [
                    Rename("\(name).weight_ih_l0", "lm.i2h_\(layer).weight", change: order),
                    Rename("\(name).weight_hh_l0", "lm.h2h_\(layer).weight", change: order),
                    Rename(
                        "\(name).bias_l0", "lm.i2h_\(layer).bias", "lm.h2h_\(layer).bias",
                        change: .all([.sum, order])),
                ]
            } + Rename.linear("neck.fc6", "cnn.classifier.0") + Rename.linear("neck.fc7", "cnn.classifier.3")
                + Rename.linear("image", "image") + [Rename("words.weight", "lm.lookup_table.weight")]
                + Rename.linear("output.words", "lm.decoder")
        },
        special: .shared(first: false),
        completed: { list, _ in
            // Lua's numbers begin with 1.
            guard list.words[0] == nil else { return list }
            var list = list
            list.words = Dictionary(uniqueKeysWithValues: list.words.map { ($0.key - 1, $0.value) })
            return list
        },
        vocabulary: { c in
            // A table with whole numbers for keys comes as a list.
            guard let items = c.values["vocab"]?.list else { return c.values["vocab"] }
            return .dictionary(items.enumerated().map { .init(.integer($0.offset + 1), $0.element) })
        },
        preferredEncoders: ["vgg16"], usualEncoder: "VGG-16",
        preprocessing: { _ in
            Preprocessing(
                width: 224, height: 224, fit: .squash, squashedSide: 256, filter: .bilinear,
                mean: [123.68, 116.779, 103.939], std: [1, 1, 1])
        },
        notes: [
            "the image is prepared as in neuraltalk2's eval.lua, whose cut begins one pixel further left and up; "
                + "captioning.lua of ramprs/grad-cam feeds the same file blue, green, red at 224x224, so that "
                + "its maps differ"
        ])

    private static func layers(_ c: FamilyContext) -> Int {
        var count = 1
        while c.has("lm.i2h_\(count + 1).weight") { count += 1 }
        return count
    }
}

/// The tensors of a file of neuraltalk2 under names that tell what they are: `cnn.features.N` and `cnn.classifier.N` as
/// in torchvision's VGG, `image`, and `lm.NAME` by the names that the nodes of the LSTM's graph have.
struct NeuralTalkNames {
    private(set) var tensors: [String: Tensor] = [:]

    /// Nil for a file of something else.
    init?(_ file: Torch7File) {
        guard let root = file.root.object, let cnn = file.value(root, "protos", "cnn", "modules")?.object,
            let lm = file.value(root, "protos", "lm")?.object, let core = file.value(lm, "core")?.object
        else { return nil }
        nameLayers(Self.items(cnn, file), file)
        nameGraph(core, file)
        if let table = file.value(lm, "lookup_table")?.object { name(table, "lm.lookup_table", file) }
    }

    /// The objects of a list, in order.
    private static func items(_ list: Int, _ file: Torch7File) -> [Int] {
        file.objects[list].fields
            .compactMap { field in field.key.integer.flatMap { key in field.value.object.map { (key, $0) } } }
            .sorted { $0.0 < $1.0 }.map { $0.1 }
    }

    private static func kind(_ module: Int, _ file: Torch7File) -> Substring {
        file.objects[module].type.flatMap { $0.split(separator: ".").last } ?? ""
    }

    /// The modules of VGG-16, whose numbers are one less in torchvision's, and the image's layer.
    private mutating func nameLayers(_ modules: [Int], _ file: Torch7File) {
        let linear = modules.indices.filter { Self.kind(modules[$0], file) == "Linear" }
        // fc6, fc7, and the layer to the width of the words, which has a ReLU like the others.
        let isUsual =
            linear.count == 3
            && linear.allSatisfy { $0 + 1 < modules.count && Self.kind(modules[$0 + 1], file) == "ReLU" }
        for (position, module) in modules.enumerated() {
            let isConvolution = ["SpatialConvolution", "SpatialConvolutionMM"].contains(Self.kind(module, file))
            if isConvolution {
                name(module, "cnn.features.\(position)", file)
            } else if isUsual, let place = linear.firstIndex(of: position) {
                name(module, ["cnn.classifier.0", "cnn.classifier.3", "image"][place], file)
            } else {
                name(module, "cnn.module_\(position + 1)", file)
            }
        }
    }

    private mutating func nameGraph(_ core: Int, _ file: Torch7File) {
        let list = file.value(core, "forwardnodes")?.object ?? file.value(core, "fg", "nodes")?.object
        let nodes = list.map { Self.items($0, file) } ?? file.objects(of: "nngraph.Node")
        for (position, node) in nodes.enumerated() {
            guard let module = file.value(node, "data", "module")?.object else { continue }
            let own = file.value(node, "data", "annotations", "name")?.plain?.text
            name(module, "lm.\(own ?? "node_\(position + 1)")", file)
        }
    }

    /// Weight and bias of a module. The importer refuses a file with a name that it does not know.
    private mutating func name(_ module: Int, _ name: String, _ file: Torch7File) {
        for part in ["weight", "bias"] {
            guard case .tensor(let full)? = file.objects[module][part]?.plain,
                let tensor = file.contents.tensors[full], tensor.count > 0
            else { continue }
            let isFree = tensors["\(name).\(part)"] == nil
            tensors[isFree ? "\(name).\(part)" : full] = Self.unfolded(tensor, module, file)
        }
    }

    /// nn.SpatialConvolutionMM has a matrix for each output: `[out, in * height * width]`.
    private static func unfolded(_ tensor: Tensor, _ module: Int, _ file: Torch7File) -> Tensor {
        func size(_ key: String) -> Int? {
            file.objects[module][key]?.plain?.integer.flatMap { (1...65_536).contains($0) ? $0 : nil }
        }
        guard tensor.shape.count == 2, let inputs = size("nInputPlane"), let height = size("kH"),
            let width = size("kW"), inputs * height * width == tensor.shape[1]
        else { return tensor }
        return tensor.reshaped([tensor.shape[0], inputs, height, width])
    }
}
