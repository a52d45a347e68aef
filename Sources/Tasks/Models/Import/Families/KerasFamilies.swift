import Language
import Tensors
import Vision

extension CheckpointFamily {
    /// The "merge" captioners of many Keras tutorials (Brownlee, DataFlair, Kaggle): `model_19.h5`, `best_model.keras`,
    /// with `tokenizer.pkl`.
    static let merge = CheckpointFamily(
        name: "merge",
        title:
            "Keras merge captioners (Brownlee, DataFlair, Kaggle): an LSTM of the words, added to or beside the "
            + "image's vector (--vocabulary tokenizer.pkl --encoder-weights the CNN)",
        // Any network of Keras that reads words and writes words of as many; what it is exactly, its description says.
        evidence: TensorPattern(["{table}.embeddings V E", "{output}.kernel A V"]),
        refusal: { c in
            do {
                _ = try KerasMerge(c)
                return nil
            } catch { return (error as? FamilyProblem)?.text ?? "\(error)" }
        },
        model: { c in
            let parts = try KerasMerge(c)
            let neck = try VectorLayers(c, width: parts.image.inputs)
            var decoder = DecoderConfiguration(
                kind: .merge, features: c.channels, vocabulary: c.vocabulary, embedding: c["E"],
                hidden: parts.sentence.hidden, attention: parts.merged.outputs)
            decoder.untied = true
            decoder.concatenates = parts.concatenates ? true : nil
            decoder.imageWidth = parts.image.outputs == parts.sentence.hidden ? nil : parts.image.outputs
            decoder.clipsGates = parts.sentence.clipsGates ? true : nil
            decoder.neck = neck?.neck
            return .captioner(
                decoder,
                SearchOptions(
                    beam: 1, maximumLength: max(1, min(parts.length ?? 34, 1_000)), lengthNormalisation: 0))
        },
        renames: { c in
            let parts = try KerasMerge(c)
            func linear(_ name: String, _ layer: KerasDense) -> [Rename] {
                [
                    .made("\(name).weight", layer.kernel.permuted([1, 0]), []),
                    .made("\(name).bias", Tensor([layer.bias.count], layer.bias), []),
                ]
            }
            let lstm = parts.sentence
            return [
                Rename.made("words.weight", parts.table, parts.used),
                .made("lstm.weight_ih_l0", lstm.kernel.permuted([1, 0]), []),
                .made("lstm.weight_hh_l0", lstm.recurrent.permuted([1, 0]), []),
                .made("lstm.bias_l0", Tensor([lstm.bias.count], lstm.bias), []),
            ] + linear("image", parts.image) + linear("merged", parts.merged) + linear("output.words", parts.output)
                + (try VectorLayers(c, width: parts.image.inputs)?.renames ?? [])
        },
        usualEncoder: "the file of the CNN whose vectors it was trained on (Keras's vgg16_weights_tf_dim_ordering_tf_"
            + "kernels.h5 with fc1 and fc2, inception_v3_weights_tf_dim_ordering_tf_kernels.h5)",
        preprocessing: { c in
            // A model's own, which its CNN was used with; Keras's load_img takes the nearest pixels.
            if let encoder = c.encoder, encoder.isModel { return encoder.preprocessing }
            let isInception = c.encoder?.configuration.name.contains("inception") == true
            return .of(c.encoder, side: isInception ? 299 : 224, fit: .squash, filter: .nearest)
        },
        notes: [
            "the pad and the start are never written; Keras's programs stop at the pad",
            "the image's vector is the mean of the CNN's last feature map, or VGG's fc2: give the CNN that the model "
                + "was trained with, because another one of the same width fits, too, and its captions would be wrong",
        ],
        furtherNotes: { c in
            guard let parts = try? KerasMerge(c), parts.isAssumed else { return [] }
            return [
                "the file has weights alone, without a description: ReLU behind the image's and the merged layer, an "
                    + "LSTM with tanh and sigmoid and a mask of the pads are assumed"
                    + (parts.concatenates ? ", and that the image stands before the sentence" : "")
            ]
        })
}

/// VGG's fc6 and fc7 between its last map and the image's vector.
private struct VectorLayers {
    let neck: Neck
    let renames: [Rename]

    /// nil where the vector is the map's mean.
    /// - Parameter width: of the vector that the captioner reads.
    init?(_ c: FamilyContext, width: Int) throws {
        if c.channels == width { return nil }
        let name = c.encoder?.configuration.name ?? "the CNN"
        guard width == 4096 else {
            throw FamilyProblem(
                "its image's vector has \(width) numbers, and the CNN \(name) gives \(c.channels) channels: they do "
                    + "not belong together")
        }
        let side = 7
        func tensor(_ end: String, _ shape: [Int]) -> (name: String, tensor: Tensor)? {
            c.besideEncoder.first { ($0.key == end || $0.key.hasSuffix("." + end)) && $0.value.shape == shape }
                .map { ($0.key, $0.value) }
        }
        let wanted = [
            ("neck.fc6.weight", "classifier.0.weight", [width, c.channels * side * side]),
            ("neck.fc6.bias", "classifier.0.bias", [width]),
            ("neck.fc7.weight", "classifier.3.weight", [width, width]), ("neck.fc7.bias", "classifier.3.bias", [width]),
        ]
        let found = wanted.compactMap { own, end, shape in
            tensor(end, shape).map { Rename.made(own, $0.tensor, [$0.name]) }
        }
        guard found.count == wanted.count else {
            throw FamilyProblem(
                "its image's vector of 4096 numbers is VGG's fc2, and \(c.encoder?.origin ?? name) has no such layers "
                    + "behind its CNN: give --encoder-weights a whole VGG-16 (Keras's vgg16_weights_tf_dim_ordering_"
                    + "tf_kernels.h5, VGG_ILSVRC_16_layers.caffemodel, torchvision's vgg16.pth)")
        }
        neck = Neck(.fullyConnected, side: side, width: width)
        renames = found
    }
}
