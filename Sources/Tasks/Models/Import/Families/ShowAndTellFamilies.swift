import Language
import Tensors
import Vision

extension CheckpointFamily {
    /// Captioners of the simplest kind: the image's embedding is the LSTM's first input. yunjey's tutorial, Udacity's
    /// captioning project in its students' spellings, aladdinpersson's. The shapes tell the parts, not the names.
    static let showAndTell: [CheckpointFamily] = [
        CheckpointFamily(
            name: "show-and-tell",
            title:
                "yunjey's tutorial, Udacity's captioner, aladdinpersson: CNN, linear layer, LSTM (encoder and decoder "
                + "files)",
            evidence: TensorPattern([
                "{lstm}.weight_ih_l0 4H E", "{lstm}.weight_hh_l0 4H H", "{lstm}.bias_ih_l0 4H", "{table}.weight V E",
                "{output}.weight V H", "{output}.bias V",
            ]),
            model: { c in
                let image = try ImageLayer(c)
                return .captioner(
                    DecoderConfiguration(
                        untiedShowAndTell: c.channels, vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"],
                        layers: c.layers("{lstm}.weight_ih_l"), activatesImage: image.isActivated),
                    // The originals are greedy.
                    SearchOptions(
                        beam: 1, maximumLength: 20, lengthNormalisation: 0, endings: .skipped, writesSpecialWords: true)
                )
            },
            renames: { c in
                let image = try ImageLayer(c)
                return image.renames + [Rename("words.weight", "{table}.weight")]
                    + (0..<c.layers("{lstm}.weight_ih_l")).flatMap { layer in
                        Rename.lstm(layer == 0 ? "lstm" : "lstm_\(layer)", "{lstm}", suffix: "_l\(layer)")
                    } + Rename.linear("output.words", "{output}")
            },
            preferredEncoders: ["resnet152", "resnet50"], usualEncoder: "encoder-5-3000.pkl",
            preprocessing: { c in
                let image = try? ImageLayer(c)
                if c.encoder?.configuration.name == "inception_v3", image?.isHead == true { return inceptionTwice }
                if image?.norm != nil { return .of(c.encoder, side: 224, fit: .squash, filter: .lanczos) }
                return .of(c.encoder, side: 224, fit: .crop, shortSide: 256)
            },
            notes: [
                "the caption begins after <start>, which the originals write themselves as their first word"
            ])
    ]

    /// Pixels at -1...1, of which torchvision's Inception with `transform_input` takes ImageNet's mean and deviation
    /// once more, as aladdinpersson's captioner does.
    private static var inceptionTwice: Preprocessing {
        let (mean, deviation): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        let scale = deviation.map { $0 / 0.5 }, shift = mean.map { ($0 - 0.5) / 0.5 }
        return Preprocessing(
            width: 299, height: 299, fit: .squash, filter: .bilinear,
            mean: zip(scale, shift).map { 127.5 - $1 * 127.5 / $0 }, std: scale.map { 127.5 / $0 })
    }
}

/// The layer from the image's mean to the LSTM's first input: a linear layer somewhere beside the CNN, or in place of
/// its head; and the batch normalisation behind it, where there is one.
private struct ImageLayer {
    let weight: Tensor
    let bias: Tensor?
    /// The beginning of the normalisation's names.
    let norm: String?
    let isHead: Bool
    private let tensors: [String: Tensor]
    let names: [String]

    /// A ReLU follows where it takes the place of Inception's head (aladdinpersson).
    var isActivated: Bool { isHead && isInception }
    private let isInception: Bool

    init(_ c: FamilyContext) throws {
        let tensors = c.besideEncoder
        self.tensors = tensors
        isInception = c.encoder?.configuration.name == "inception_v3"
        let width = c["E"]
        let found = tensors.keys.filter { name in
            name.hasSuffix(".weight") && tensors[name]?.shape == [width, c.channels]
                && !(c.isEncoderInside && c.match.names.contains(name))
        }.sorted()
        guard let name = found.first, found.count == 1, let weight = tensors[name] else {
            throw FamilyProblem(
                found.isEmpty
                    ? "has no layer from the CNN's \(c.channels) channels to the words' width of \(width): a weight of "
                        + "shape [\(width), \(c.channels)] was looked for beside the CNN"
                    : "has several layers from the CNN's channels to the words' width: "
                        + found.joined(separator: ", "))
        }
        let module = String(name.dropLast(".weight".count))
        self.weight = weight
        bias = tensors["\(module).bias"]
        isHead = name.hasSuffix(".fc.weight") && module.contains("inception")
        let norms = tensors.keys.filter { $0.hasSuffix(".running_mean") && tensors[$0]?.shape == [width] }.sorted()
        let norm = norms.count == 1 ? norms.first.map { String($0.dropLast("running_mean".count)) } : nil
        self.norm = norm
        var names = [name, "\(module).bias"]
        if let norm { names += ["weight", "bias", "running_mean", "running_var"].map { norm + $0 } }
        self.names = names.filter { c.besideEncoder[$0] != nil }
    }

    /// Batch normalisation is folded into the layer before it (BatchNorm1d's epsilon is 1e-5).
    var renames: [Rename] {
        let width = weight.shape[0]
        var weight = weight, bias = bias ?? Tensor([width])
        if let norm {
            func part(_ name: String, _ usual: Float) -> [Float] {
                tensors[norm + name]?.array ?? [Float](repeating: usual, count: width)
            }
            let scale = zip(part("weight", 1), part("running_var", 1)).map { $0 / ($1 + 1e-5).squareRoot() }
            let (mean, beta) = (part("running_mean", 0), part("bias", 0))
            bias = Tensor([width], (0..<width).map { (bias.array[$0] - mean[$0]) * scale[$0] + beta[$0] })
            let columns = weight.shape[1]
            let values = weight.array
            weight = Tensor(weight.shape, values.indices.map { values[$0] * scale[$0 / columns] })
        }
        return [.made("image.weight", weight, names), .made("image.bias", bias, [])]
    }
}

extension Rename {
    /// A tensor that was made already of tensors of these full names.
    static func made(_ name: String, _ tensor: Tensor, _ full: [String]) -> Rename {
        Rename(name, used: full, change: .made { _ in tensor })
    }
}
