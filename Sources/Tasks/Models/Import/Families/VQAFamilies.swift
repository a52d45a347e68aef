import Language
import Vision

extension CheckpointFamily {
    /// Cyanogenoid's pytorch-vqa: everything but the CNN in one file.
    static let twoGlimpses = CheckpointFamily(
        name: "pytorch-vqa",
        title: "Cyanogenoid's pytorch-vqa (Show, Ask, Attend and Answer): two attentions, answers questions",
        evidence: TensorPattern([
            "text.embedding.weight Q D", "text.lstm.weight_ih_l0 4H D", "text.lstm.weight_hh_l0 4H H",
            "attention.v_conv.weight A K 1 1", "attention.q_lin.weight A H", "attention.q_lin.bias A",
            "attention.x_conv.weight 2 A 1 1", "classifier.lin1.weight J 2K+H", "classifier.lin2.weight N J",
            "classifier.lin2.bias N",
        ]),
        model: { c in
            var head = VQAHeadConfiguration(
                kind: .twoGlimpses, features: c["K"], vocabulary: c.vocabulary, answers: c["N"], embedding: c["D"],
                hidden: c["H"], attention: c["A"])
            head.joint = c["J"]
            return .vqa(head, .spaces)
        },
        renames: { _ in
            [
                Rename("words.weight", "text.embedding.weight"),
                Rename("attention.image.weight", "attention.v_conv.weight", change: .squeezed(flat: false)),
                Rename("attention.score.weight", "attention.x_conv.weight", change: .squeezed(flat: false)),
            ] + Rename.lstm("lstm", "text.lstm") + Rename.linear("attention.question", "attention.q_lin")
                + Rename.linear("joint", "classifier.lin1") + Rename.linear("answers", "classifier.lin2")
        },
        outputRows: [], unneeded: ["attention.x_conv.bias"], special: .zeroIsUnknown,
        vocabulary: { $0.values["vocab"]?["question"] },
        preferredEncoders: ["caffe_resnet152", "caffe_resnet101", "caffe_resnet50"],
        usualEncoder: "resnet152.pth (Caffe's weights)",
        preprocessing: { .of($0.encoder, side: 448, fit: .crop, shortSide: 512) },
        notes: ["features of boxes (vqa-counting and others) are of the same layout, and cannot be told from these"])

    /// tbmoon's basic_vqa: VGG-19 and two LSTM layers.
    static let joinedLSTM = CheckpointFamily(
        name: "basic_vqa",
        title:
            "tbmoon's basic_vqa: VGG-19's fc7 times two LSTM layers, answers questions (--answers vocab_answers.txt)",
        evidence: TensorPattern([
            "img_encoder.fc.weight J F", "img_encoder.fc.bias J", "qst_encoder.word2vec.weight Q D",
            "qst_encoder.lstm.weight_ih_l0 4H D", "qst_encoder.lstm.weight_hh_l0 4H H", "qst_encoder.fc.weight J S",
            "fc1.weight N J", "fc1.bias N", "fc2.weight N N", "fc2.bias N",
        ]),
        model: { c in
            var head = VQAHeadConfiguration(
                kind: .joinedLSTM, features: c.channels, vocabulary: c.vocabulary, answers: c["N"], embedding: c["D"],
                hidden: c["H"])
            head.joint = c["J"]
            head.layers = c.layers("qst_encoder.lstm.weight_ih_l")
            head.paddedTo = 30
            head.neck = Neck(.fullyConnected, side: 7, width: c["F"])
            return .vqa(head, .signs)
        },
        renames: { c in
            let layers = (0..<c.layers("qst_encoder.lstm.weight_ih_l")).flatMap {
                Rename.lstm("lstm.\($0)", "qst_encoder.lstm", suffix: "_l\($0)")
            }
            return layers + Rename.linear("neck.fc6", "img_encoder.model.classifier.0")
                + Rename.linear("neck.fc7", "img_encoder.model.classifier.3") + Rename.linear("image", "img_encoder.fc")
                + [Rename("words.weight", "qst_encoder.word2vec.weight")]
                + Rename.linear("question", "qst_encoder.fc") + Rename.linear("joint", "fc1")
                + Rename.linear("answers", "fc2")
        },
        outputRows: [], special: .questions, preferredEncoders: ["vgg19"],
        preprocessing: { .of($0.encoder, side: 224, fit: .squash, filter: .lanczos) },
        notes: [
            "maps take the true derivative of the score; the original's program holds the length of the image's vector "
                + "constant (detach). \"detachesNorm\": true under answerer in config.json gives its derivative"
        ])
}
