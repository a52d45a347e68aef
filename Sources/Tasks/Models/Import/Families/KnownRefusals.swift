import Weights

/// Checkpoints that are known, and cannot be explained.
enum KnownRefusals {
    static func reason(_ contents: CheckpointContents) -> String? {
        func has(_ end: String) -> Bool { contents.tensors.keys.contains { $0 == end || $0.hasSuffix("." + end) } }
        if has("v_att.linear.weight_v") || has("q_emb.rnn.weight_ih_l0") && has("w_emb.emb.weight") {
            return "is a bottom-up-attention VQA model: it reads 36 boxes of an object detector, which have no "
                + "convolutional map to explain"
        }
        if has("seq2vec.rnn.weight_ih_l0") || contents.tensors.keys.contains(where: { $0.contains("skip_thoughts") }) {
            return "is a VQA model on skip-thought vectors (vqa.pytorch), whose question encoder is not read"
        }
        if has("encoder_w_q") && has("multimodal_w") {
            return
                "is a model of VQA_LSTM_CNN: its weights are three vectors without names, whose order Torch7 decides "
                + "when it builds the network, and which cannot be told from the file"
        }
        if has("wparams") && has("qparams") {
            return "is a model of HieCoAttenVQA: its weights are vectors without names, which are not read"
        }
        if has("lmparam") || contents.tensors.keys.contains(where: { $0.hasPrefix("protos.cnn_") }) {
            return
                "is a captioner of AdaptiveAttention: its language model is one vector without names, which is not read"
        }
        if contents.tensors.keys.contains(where: { $0.contains("self_attn") || $0.contains("multi_head") }) {
            return "is a transformer; mmx explains models whose language part is an LSTM"
        }
        return nil
    }
}
