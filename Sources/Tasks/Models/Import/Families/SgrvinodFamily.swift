import Language
import Tensors
import Vision

extension CheckpointFamily {
    /// sgrvinod's tutorial: `BEST_checkpoint_....pth.tar`, a dictionary of whole pickled modules, with `WORDMAP_....json`.
    static let sgrvinod = CheckpointFamily(
        name: "sgrvinod",
        title:
            "a-PyTorch-Tutorial-to-Image-Captioning: Show, Attend and Tell, whole modules (BEST_checkpoint_*.pth.tar)",
        evidence: TensorPattern([
            "attention.encoder_att.weight A K", "attention.encoder_att.bias A", "attention.decoder_att.weight A H",
            "attention.decoder_att.bias A", "attention.full_att.weight 1 A", "embedding.weight V E",
            "decode_step.weight_ih 4H E+K", "decode_step.weight_hh 4H H", "init_h.weight H K", "init_c.weight H K",
            "f_beta.weight K H", "fc.weight V H", "fc.bias V",
        ]),
        model: { c in
            .captioner(
                DecoderConfiguration(
                    softAttention: AttentionOptions(compare: .relu, gate: .channels, start: .linear), features: c["K"],
                    vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"], attention: c["A"],
                    neck: Neck(.adaptivePool, side: 14)),
                SearchOptions(
                    beam: 5, maximumLength: 51, lengthNormalisation: 0, endings: .shrinking, writesSpecialWords: true))
        },
        renames: { _ in
            Rename.linear("attention.keys", "attention.encoder_att")
                + Rename.linear("attention.query", "attention.decoder_att")
                + [
                    Rename("attention.score.weight", "attention.full_att.weight"),
                    Rename("words.weight", "embedding.weight"),
                ]
                + Rename.lstm("lstm", "decode_step", suffix: "") + Rename.linear("initial_h", "init_h")
                + Rename.linear("initial_c", "init_c") + Rename.linear("gate", "f_beta")
                + Rename.linear("output.words", "fc")
        },
        unneeded: ["attention.full_att.bias"],
        preprocessing: { .of($0.encoder, side: 256, fit: .squash) },
        notes: ["the search ends a caption after 51 words, where the original fails if none has ended"])
}

extension DecoderConfiguration {
    /// A decoder of kind ``Kind/softAttention``.
    init(
        softAttention options: AttentionOptions, kind: Kind = .softAttention, features: Int, vocabulary: Int,
        embedding: Int, hidden: Int, attention: Int, cell: RecurrentCell? = nil, neck: Neck? = nil
    ) {
        self.init(
            kind: kind, features: features, vocabulary: vocabulary, embedding: embedding, hidden: hidden,
            attention: attention)
        looks = options
        untied = true
        self.cell = cell
        self.neck = neck
    }

    /// A decoder of kind ``Kind/showAndTell`` with an output layer of its own.
    init(
        untiedShowAndTell features: Int, vocabulary: Int, embedding: Int, hidden: Int, layers: Int = 1,
        cell: RecurrentCell? = nil, activatesImage: Bool = false, neck: Neck? = nil
    ) {
        self.init(
            kind: .showAndTell, features: features, vocabulary: vocabulary, embedding: embedding, hidden: hidden)
        untied = true
        self.layers = layers == 1 ? nil : layers
        self.cell = cell
        self.activatesImage = activatesImage ? true : nil
        self.neck = neck
    }
}
