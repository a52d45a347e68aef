import Language
import Tensors
import Vision
import Weights

extension CheckpointFamily {
    /// ruotianluo's ImageCaptioning.pytorch and self-critical.pytorch on grid features: `model-best.pth` with
    /// `infos_...-best.pkl`, which has the words and the options.
    static let selfCritical: [CheckpointFamily] = [
        upDown, attentionIn2, attentionIn, fc("img_embed", "core"),
        fc("fc_embed", "_core"), showTell,
    ]

    private static let title = "ruotianluo's ImageCaptioning.pytorch / self-critical.pytorch: "

    private static func selfCritical(
        _ name: String, _ title: String, _ evidence: [String], unneeded: [String] = [],
        refusal: @escaping @Sendable (FamilyContext) -> String? = { _ in nil },
        model: @escaping @Sendable (FamilyContext) throws -> DecoderConfiguration,
        renames: @escaping @Sendable (FamilyContext) throws -> [Rename]
    ) -> CheckpointFamily {
        CheckpointFamily(
            name: name, title: Self.title + title, evidence: TensorPattern(evidence),
            refusal: { c in
                let type = c.options["opt"]?["caption_model"]?.text ?? ""
                if type.contains("transformer") || type.hasPrefix("m2") || type == "aoa" {
                    return "is a \(type) captioner, which is not read"
                }
                if c.options["opt"]?["use_box"]?.integer == 1 {
                    return "was trained on boxes of an object detector (use_box), which have no convolutional map to "
                        + "explain; models on grid features can be imported"
                }
                return refusal(c)
            },
            model: { c in
                let options = c.options["opt"]
                // The program has two base classes of models; the older one knows no max_length.
                let isAttending = name != "fc" && name != "show_tell"
                let length =
                    (isAttending ? options?["max_length"]?.integer : nil) ?? options?["seq_length"]?.integer
                    ?? (isAttending ? 20 : 16)
                return .captioner(
                    try model(c),
                    SearchOptions(
                        beam: 5, maximumLength: max(1, min(length, 1_000)), lengthNormalisation: 0, endings: .skipped,
                        // UNK, unless the options forbid it.
                        writesSpecialWords: options?["suppress_UNK"]?.integer != 1))
            },
            renames: renames, unneeded: unneeded, special: .shared(first: true),
            vocabulary: { $0.options["vocab"] ?? $0.values["vocab"] },
            preferredEncoders: ["caffe_resnet101", "caffe_resnet50", "caffe_resnet152"],
            usualEncoder: "resnet101.pth (Caffe's weights, data/imagenet_weights/resnet101.pth)",
            preprocessing: { .native($0.encoder) },
            notes: [
                "features of a grid are assumed: a model that was trained on an object detector's boxes (bottom-up) has "
                    + "the same tensors, and its captions would be wrong"
            ])
    }

    private static let cell = ["core.i2h.weight 5H E", "core.h2h.weight 5H H", "core.i2h.bias 5H", "core.h2h.bias 5H"]

    private static func maxout(_ core: String) -> [Rename] {
        [
            Rename("lstm.weight_ih_l0", "\(core).i2h.weight"), Rename("lstm.weight_hh_l0", "\(core).h2h.weight"),
            Rename("lstm.bias_l0", "\(core).i2h.bias", "\(core).h2h.bias", change: .sum),
        ]
    }

    private static func fc(_ image: String, _ core: String) -> CheckpointFamily {
        selfCritical(
            core == "core" ? "fc" : "newfc", core == "core" ? "fc" : "newfc",
            ["\(image).weight E K", "\(image).bias E"] + cell.map { $0.replacing("core.", with: "\(core).") }
                + ["embed.weight V E", "logit.weight V H", "logit.bias V"],
            model: { c in
                DecoderConfiguration(
                    untiedShowAndTell: c["K"], vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"],
                    cell: .maxout)
            },
            renames: { _ in
                Rename.linear("image", image) + maxout(core) + [Rename("words.weight", "embed.weight")]
                    + Rename.linear("output.words", "logit")
            })
    }

    private static let showTell = selfCritical(
        "show_tell", "show_tell",
        [
            "img_embed.weight E K", "img_embed.bias E", "core.weight_ih_l0 4H E", "core.weight_hh_l0 4H H",
            "embed.weight V E", "logit.weight V H", "logit.bias V",
        ],
        model: { c in
            DecoderConfiguration(
                untiedShowAndTell: c["K"], vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"],
                layers: c.layers("core.weight_ih_l"))
        },
        renames: { c in
            Rename.linear("image", "img_embed")
                + (0..<c.layers("core.weight_ih_l")).flatMap { layer -> [Rename] in
                    let name = layer == 0 ? "lstm" : "lstm_\(layer)"
                    let hasBias = c.has("core.bias_ih_l\(layer)")
                    let all = Rename.lstm(name, "core", suffix: "_l\(layer)")
                    return hasBias
                        ? all : all.dropLast() + [Rename("\(name).bias_l0", used: [], change: .zeros([4 * c["H"]]))]
                } + [Rename("words.weight", "embed.weight")] + Rename.linear("output.words", "logit")
        })

    private static let attention = [
        "core.attention.h2att.weight A H", "core.attention.h2att.bias A", "core.attention.alpha_net.weight 1 A",
    ]
    private static let attentionRenames =
        Rename.linear("attention.query", "core.attention.h2att") + [
            Rename("attention.score.weight", "core.attention.alpha_net.weight")
        ]

    private static let attentionIn = selfCritical(
        "att2in", "att2in",
        attention + cell + [
            "ctx2att.weight A K", "ctx2att.bias A", "core.a2c.weight 2H K", "core.a2c.bias 2H", "embed.weight V E",
            "logit.weight V H", "logit.bias V",
        ],
        unneeded: ["core.attention.alpha_net.bias", "fc_embed.weight", "fc_embed.bias"],
        model: { c in
            DecoderConfiguration(
                softAttention: AttentionOptions(compare: .tanh, context: .candidates), features: c["K"],
                vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"], attention: c["A"], cell: .maxout,
                neck: Neck(.adaptivePool, side: 14))
        },
        renames: { _ in
            attentionRenames + Rename.linear("attention.keys", "ctx2att") + maxout("core")
                + Rename.linear("context", "core.a2c") + [Rename("words.weight", "embed.weight")]
                + Rename.linear("output.words", "logit")
        })

    private static let attentionIn2 = selfCritical(
        "att2in2", "att2in2",
        attention + cell + [
            "ctx2att.weight A R", "ctx2att.bias A", "core.a2c.weight 2H R", "core.a2c.bias 2H", "embed.0.weight V E",
            "logit.weight V H", "logit.bias V",
        ],
        unneeded: ["core.attention.alpha_net.bias"],
        model: { c in
            DecoderConfiguration(
                softAttention: AttentionOptions(
                    compare: .tanh, context: .candidates, regions: c["R"], activatesWords: true),
                features: try RegionLayer(c).channels, vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"],
                attention: c["A"], cell: .maxout, neck: Neck(.adaptivePool, side: 14))
        },
        renames: { c in
            let regions = try RegionLayer(c)
            return attentionRenames + regions.renames
                + regions.reading("attention.keys", "ctx2att", width: c["R"], from: 0)
                + regions.reading("context", "core.a2c", width: c["R"], from: 0) + maxout("core")
                + [Rename("words.weight", "embed.0.weight")] + Rename.linear("output.words", "logit")
        })

    private static let upDown = selfCritical(
        "updown", "updown",
        attention + [
            "ctx2att.weight A R", "ctx2att.bias A", "fc_embed.0.weight R K", "fc_embed.0.bias R",
            "embed.0.weight V E", "core.att_lstm.weight_ih 4H E+R+H", "core.att_lstm.weight_hh 4H H",
            "core.lang_lstm.weight_ih 4H R+H", "core.lang_lstm.weight_hh 4H H", "logit.weight V H", "logit.bias V",
        ],
        unneeded: ["core.attention.alpha_net.bias"],
        model: { c in
            DecoderConfiguration(
                softAttention: AttentionOptions(compare: .tanh, regions: c["R"], activatesWords: true), kind: .upDown,
                features: c["K"], vocabulary: c.vocabulary, embedding: c["E"], hidden: c["H"], attention: c["A"],
                neck: Neck(.adaptivePool, side: 14))
        },
        renames: { c in
            let regions = try RegionLayer(c)
            let writing = regions.recurrent("writing", "core.lang_lstm", width: c["R"])
            return attentionRenames + regions.renames
                + regions.reading("attention.keys", "ctx2att", width: c["R"], from: 0)
                + Rename.linear("mean", "fc_embed.0") + Rename.lstm("looking", "core.att_lstm", suffix: "") + writing
                + [Rename("words.weight", "embed.0.weight")] + Rename.linear("output.words", "logit")
        })
}

/// ruotianluo's `att_embed`: a linear layer with ReLU on each region, with batch normalisation before it (use_bn 1)
/// and after it too (use_bn 2). Both are folded: the first into this layer, the second into the layers that read the
/// regions. The weights of an attention sum to 1, so a shift of all regions is a shift of their weighted sum.
private struct RegionLayer {
    private let root: String
    private let tensors: [String: Tensor]
    private let layer: String
    let channels: Int
    private let before: (scale: [Float], shift: [Float])?
    private let after: (scale: [Float], shift: [Float])?
    private let names: [String]

    init(_ c: FamilyContext) throws {
        tensors = c.tensors
        root = c.match.root
        let own = c.tensors.filter { $0.key.hasPrefix("\(c.match.root)att_embed.") }
        let matrices = own.filter { $0.key.hasSuffix(".weight") && $0.value.shape.count == 2 }
        guard let weight = matrices.first, matrices.count == 1, own["\(weight.key.dropLast(6))bias"] != nil else {
            throw FamilyProblem("has no att_embed of one linear layer, which the regions go through")
        }
        let layer = String(weight.key.dropLast(".weight".count))
        self.layer = layer
        channels = weight.value.shape[1]
        names = own.keys.filter { !$0.hasPrefix(layer + ".") && !CheckpointFamily.isTraining($0) }.sorted()
        before = Self.norm(0, own, c.match.root)
        after = Self.norm(4, own, c.match.root)
        if let before, before.scale.count != channels { throw FamilyProblem("has an att_embed.0 of another width") }
        if let after, after.scale.count != weight.value.shape[0] {
            throw FamilyProblem("has an att_embed.4 of another width")
        }
    }

    /// Batch normalisation in evaluation: y = scale x + shift.
    private static func norm(
        _ place: Int, _ own: [String: Tensor], _ root: String
    ) -> (scale: [Float], shift: [Float])? {
        let name = "\(root)att_embed.\(place)"
        guard let mean = own["\(name).running_mean"]?.array, let variance = own["\(name).running_var"]?.array,
            let gamma = own["\(name).weight"]?.array, let beta = own["\(name).bias"]?.array,
            Set([mean.count, variance.count, gamma.count, beta.count]).count == 1
        else { return nil }
        let scale = zip(gamma, variance).map { $0 / ($1 + 1e-5).squareRoot() }
        return (scale, mean.indices.map { beta[$0] - mean[$0] * scale[$0] })
    }

    var renames: [Rename] {
        guard let weight = tensors["\(layer).weight"], let bias = tensors["\(layer).bias"] else { return [] }
        let folded = Self.folded(weight, bias, before, from: 0)
        return [
            .made("regions.weight", folded.weight, names + ["\(layer).weight"]),
            .made("regions.bias", folded.bias, ["\(layer).bias"]),
        ]
    }

    /// A layer that reads regions, or their weighted sum, in its columns from `from` on.
    func reading(_ name: String, _ old: String, width: Int, from: Int) -> [Rename] {
        guard let after, let weight = tensors["\(root)\(old).weight"], let bias = tensors["\(root)\(old).bias"] else {
            return Rename.linear(name, old)
        }
        let folded = Self.folded(weight, bias, after, from: from)
        return [
            .made("\(name).weight", folded.weight, ["\(root)\(old).weight"]),
            .made("\(name).bias", folded.bias, ["\(root)\(old).bias"]),
        ]
    }

    /// An LSTM cell that reads the weighted sum in its first columns.
    func recurrent(_ name: String, _ old: String, width: Int) -> [Rename] {
        let usual = Rename.lstm(name, old, suffix: "")
        let biases = ["\(root)\(old).bias_ih", "\(root)\(old).bias_hh"]
        guard let after, let weight = tensors["\(root)\(old).weight_ih"], let first = tensors[biases[0]],
            let second = tensors[biases[1]]
        else { return usual }
        let folded = Self.folded(weight, first.adding(second), after, from: 0)
        return [
            .made("\(name).weight_ih_l0", folded.weight, ["\(root)\(old).weight_ih"]), usual[1],
            .made("\(name).bias_l0", folded.bias, biases),
        ]
    }

    /// W (s x + t) + b = (W s) x + (W t + b) for the columns from `from` on.
    private static func folded(
        _ weight: Tensor, _ bias: Tensor, _ norm: (scale: [Float], shift: [Float])?, from: Int
    ) -> (weight: Tensor, bias: Tensor) {
        guard let norm else { return (weight, bias) }
        let (rows, columns) = (weight.shape[0], weight.shape[1])
        var values = weight.array
        var sums = bias.array
        for row in 0..<rows {
            var sum = 0.0
            for (k, (scale, shift)) in zip(norm.scale, norm.shift).enumerated() {
                let place = row * columns + from + k
                sum += Double(values[place]) * Double(shift)
                values[place] *= scale
            }
            sums[row] += Float(sum)
        }
        return (Tensor(weight.shape, values), Tensor(bias.shape, sums))
    }
}
