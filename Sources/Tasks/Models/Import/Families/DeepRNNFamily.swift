import Language
import Tensors
import Vision

extension CheckpointFamily {
    /// DeepRNN's image_captioning: Show, Attend and Tell on VGG-16, a .npy file of a dictionary.
    static let deepRNN = CheckpointFamily(
        name: "deeprnn",
        title: "DeepRNN's image_captioning: Show, Attend and Tell on VGG-16 (N.npy; --vocabulary vocabulary.csv)",
        evidence: TensorPattern([
            "attend/fc_1a/kernel:0 K A", "attend/fc_1a/bias:0 A", "attend/fc_1b/kernel:0 H A", "attend/fc_1b/bias:0 A",
            "attend/fc_2/kernel:0 A 1", "initialize/fc_a1/kernel:0 K H", "initialize/fc_a2/kernel:0 H H",
            "initialize/fc_b1/kernel:0 K H", "initialize/fc_b2/kernel:0 H H", "word_embedding/weights:0 V E",
            "lstm/lstm_cell/kernel:0 K+E+H 4H", "lstm/lstm_cell/bias:0 4H", "decode/fc_1/kernel:0 H+K+E D",
            "decode/fc_1/bias:0 D", "decode/fc_2/kernel:0 D V", "decode/fc_2/bias:0 V",
        ]),
        refusal: { c in
            c.has("res2a_branch1/kernel:0")
                ? "its CNN is DeepRNN's ResNet-50, which is not read; models on VGG-16 are" : nil
        },
        model: { c in
            .captioner(
                DecoderConfiguration(
                    softAttention: AttentionOptions(compare: .separate, start: .twoLayers, output: c["D"]),
                    features: c["K"], vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"], attention: c["A"]),
                SearchOptions(
                    beam: 3, maximumLength: 20, lengthNormalisation: 0, endings: .apartOfOneMore,
                    writesSpecialWords: true))
        },
        renames: { c in
            let (context, embedding, hidden) = (c["K"], c["E"], c["H"])
            let inputs = context + embedding
            return [
                dense("attention.keys", "attend/fc_1a"), dense("attention.query", "attend/fc_1b"),
                [Rename("attention.score.weight", "attend/fc_2/kernel:0", change: .transposed)],
                dense("initial_c", "initialize/fc_a1"), dense("initial_c.second", "initialize/fc_a2"),
                dense("initial_h", "initialize/fc_b1"), dense("initial_h.second", "initialize/fc_b2"),
                [Rename("words.weight", "word_embedding/weights:0")],
                // The word comes first in mmx's cell.
                Rename.tensorFlowLSTM(
                    "lstm", kernel: "lstm/lstm_cell/kernel:0", bias: "lstm/lstm_cell/bias:0",
                    inputs: [context..<inputs, 0..<context], hidden: inputs..<inputs + hidden),
                dense("output.hidden", "decode/fc_1"), dense("output.words", "decode/fc_2"),
            ].flatMap(\.self)
        },
        special: .words(start: "<start>", end: ".", unknown: nil), wordFile: .table,
        preferredEncoders: ["vgg16"], usualEncoder: "VGG-16",
        preprocessing: { _ in
            // The original reads blue, green, red, turns it, and takes off the means in the order of its file, which is
            // blue, green, red: the CNN was trained on that.
            Preprocessing(
                width: 224, height: 224, fit: .squash, filter: .bilinear, mean: [104.00699, 116.66877, 122.67891],
                std: [1, 1, 1])
        },
        notes: [
            "the attention is the same before every word: in the original, too, the state shifts the scores of all "
                + "regions alike",
            "the image is prepared as in the original, which takes blue's mean off red and red's off blue; it makes "
                + "photographs smaller without antialiasing, mmx with",
        ])

    private static func dense(_ name: String, _ from: String) -> [Rename] {
        [
            Rename("\(name).weight", "\(from)/kernel:0", change: .transposed),
            Rename("\(name).bias", "\(from)/bias:0"),
        ]
    }
}

/// VGG-16 in a file of DeepRNN's (`conv1_1/kernel:0`) under torchvision's names, `cnn.features.N`, and in its layout.
enum DeepRNNNames {
    static func renamed(_ tensors: [String: Tensor]) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (name, tensor) in tensors {
            guard let layer = layers[String(name.prefix { $0 != "/" })] else {
                result[name] = tensor
                continue
            }
            switch name.drop(while: { $0 != "/" }) {
            case "/kernel:0" where tensor.shape.count == 4:
                result["cnn.features.\(layer).weight"] = tensor.permuted([3, 2, 0, 1])
            case "/bias:0": result["cnn.features.\(layer).bias"] = tensor
            default: result[name] = tensor
            }
        }
        return result
    }

    /// A ReLU stands behind each convolution, and a pool behind each block.
    private static let layers: [String: Int] = {
        var layers: [String: Int] = [:]
        var place = 0
        for (block, count) in [2, 2, 3, 3, 3].enumerated() {
            for convolution in 1...count {
                layers["conv\(block + 1)_\(convolution)"] = place
                place += 2
            }
            place += 1
        }
        return layers
    }()
}
