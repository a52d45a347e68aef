import Language
import Tensors
import Vision

extension CheckpointFamily {
    /// im2txt of tensorflow/models: a TensorFlow checkpoint with Inception-v3 and an LSTM.
    static let im2txt = CheckpointFamily(
        name: "im2txt",
        title: "im2txt: Inception-v3, linear layer, LSTM (model.ckpt-N.index; --vocabulary word_counts.txt)",
        evidence: TensorPattern([
            "image_embedding/weights K E", "seq_embedding/map V E", "logits/weights H V", "logits/biases V",
            "lstm/kernel E+H 4H", "lstm/bias 4H",
        ]),
        model: { c in
            .captioner(
                DecoderConfiguration(
                    untiedShowAndTell: c["K"], vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"]),
                // The original's limit of 20 counts <S>.
                SearchOptions(
                    beam: 3, maximumLength: 19, lengthNormalisation: 0, endings: .apart, writesSpecialWords: true))
        },
        renames: { c in
            let (embedding, hidden) = (c["E"], c["H"])
            return [
                Rename("image.weight", "image_embedding/weights", change: .transposed),
                Rename("image.bias", used: [], change: .zeros([embedding])),
                Rename("words.weight", "seq_embedding/map"),
                Rename("output.words.weight", "logits/weights", change: .transposed),
                Rename("output.words.bias", "logits/biases"),
            ]
                + Rename.tensorFlowLSTM(
                    "lstm", kernel: "lstm/kernel", bias: "lstm/bias", inputs: [0..<embedding],
                    hidden: embedding..<embedding + hidden)
        },
        special: .words(start: "<S>", end: "</S>", unknown: "<UNK>"), wordFile: .beginsLines,
        completed: { list, rows in
            // The original adds <UNK> to the words of the file; rows beyond them are never trained.
            var list = list
            if !list.words.values.contains("<UNK>") { list.words[list.count] = "<UNK>" }
            for row in min(list.count, rows)..<rows { list.words[row] = "<\(row)>" }
            return list
        },
        preferredEncoders: ["keras_inception_v3"], usualEncoder: "Inception-v3",
        preprocessing: { _ in
            Preprocessing(
                width: 299, height: 299, fit: .squash, squashedSide: 346, filter: .bilinear,
                mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5])
        },
        notes: [
            "photographs are made smaller with antialiasing, which TensorFlow's resize_images does not have",
            "the search is the one that im2txt describes; its newest caption_generator.py leaves out the likeliest "
                + "words where it means to take them",
        ])
}

/// The tensors of im2txt's checkpoints: Inception-v3 under torchvision's names and in its layout,
/// `InceptionV3.MODULE...`, and the LSTM under one name, whatever TensorFlow's version called it.
enum Im2txtNames {
    static func renamed(_ tensors: [String: Tensor]) -> [String: Tensor] {
        let slim = SlimInception(tensors.keys)
        var result: [String: Tensor] = [:]
        for (name, tensor) in tensors {
            if let own = lstm[name] {
                result[own] = tensor
            } else if let own = slim.name(name) {
                let isKernel = name.hasSuffix("/weights") && tensor.shape.count == 4
                result[own] = isKernel ? tensor.permuted([3, 2, 0, 1]) : tensor
                if own.hasSuffix(".bn.bias") {
                    // Slim's batch normalisation has no scales here.
                    result[own.dropLast("bias".count) + "weight"] = Tensor(tensor.shape, repeating: 1)
                }
            } else {
                result[name] = tensor
            }
        }
        return result
    }

    private static let lstm = [
        "lstm/basic_lstm_cell/kernel": "lstm/kernel", "lstm/basic_lstm_cell/bias": "lstm/bias",
        "lstm/basic_lstm_cell/weights": "lstm/kernel", "lstm/basic_lstm_cell/biases": "lstm/bias",
        "lstm/BasicLSTMCell/Linear/Matrix": "lstm/kernel", "lstm/BasicLSTMCell/Linear/Bias": "lstm/bias",
    ]
}

/// The names of TF-Slim's Inception-v3. In each branch of a module, slim's layers in the order of their names are
/// torchvision's in theirs (`Conv2d_0a_1x1`, `Conv2d_0b_3x3`, ..., `Conv2d_1a_3x3`).
struct SlimInception {
    /// The layers of each branch, by the branch's scope.
    private let layers: [String: [String]]

    private static let scope = "InceptionV3"
    private static let branches: [String: [[String]]] = {
        func numbered(_ name: String, _ ends: String...) -> [String] { ends.map { "\(name)_\($0)" } }
        let (single, pooled) = (["branch1x1"], ["branch_pool"])
        let a = [
            single, numbered("branch5x5", "1", "2"), numbered("branch3x3dbl", "1", "2", "3"), pooled,
        ]
        let b = [["branch3x3"], numbered("branch3x3dbl", "1", "2", "3")]
        let c = [
            single, numbered("branch7x7", "1", "2", "3"), numbered("branch7x7dbl", "1", "2", "3", "4", "5"), pooled,
        ]
        let d = [numbered("branch3x3", "1", "2"), numbered("branch7x7x3", "1", "2", "3", "4")]
        let e = [
            single, numbered("branch3x3", "1", "2a", "2b"), numbered("branch3x3dbl", "1", "2", "3a", "3b"), pooled,
        ]
        return [
            "Mixed_5b": a, "Mixed_5c": a, "Mixed_5d": a, "Mixed_6a": b, "Mixed_6b": c, "Mixed_6c": c, "Mixed_6d": c,
            "Mixed_6e": c, "Mixed_7a": d, "Mixed_7b": e, "Mixed_7c": e,
        ]
    }()
    private static let parts = [
        "weights": "conv.weight", "BatchNorm/beta": "bn.bias", "BatchNorm/moving_mean": "bn.running_mean",
        "BatchNorm/moving_variance": "bn.running_var",
    ]

    init(_ names: some Sequence<String>) {
        var layers: [String: Set<String>] = [:]
        for name in names {
            let path = name.split(separator: "/")
            if path.count >= 4, path[0] == Self.scope {
                layers[path[0..<3].joined(separator: "/"), default: []].insert(String(path[3]))
            }
        }
        self.layers = layers.mapValues { $0.sorted() }
    }

    /// The name `InceptionV3.MODULE.UNIT.conv.weight` of a tensor of the network; nil for others.
    func name(_ name: String) -> String? {
        let path = name.split(separator: "/").map { String($0) }
        guard path.count >= 3, path[0] == Self.scope else { return nil }
        guard let branches = Self.branches[path[1]] else {
            // A convolution that is a module of its own.
            guard path[1].hasPrefix("Conv2d_"), let part = Self.parts[path[2...].joined(separator: "/")] else {
                return nil
            }
            return "\(Self.scope).\(path[1]).\(part)"
        }
        guard path.count >= 5, let part = Self.parts[path[4...].joined(separator: "/")],
            path[2].hasPrefix("Branch_"), let branch = Int(path[2].dropFirst("Branch_".count)),
            branches.indices.contains(branch),
            let place = layers[path[0..<3].joined(separator: "/")]?.firstIndex(of: path[3]),
            branches[branch].indices.contains(place)
        else { return nil }
        return "\(Self.scope).\(path[1]).\(branches[branch][place]).\(part)"
    }
}
