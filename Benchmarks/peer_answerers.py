"""The answerers of questions in PyTorch, for one picture and one question, written as anyone would with torch's own layers.

Reads mmx's model folder. An encoder that is shared with another model is read from that model's folder.
"""
import json
import os

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import peer_models


class Answerer(torch.nn.Module):
    """What the kinds have in common: words, LSTMs, the feature map's normalised channels."""

    def __init__(self, state, layers):
        super().__init__()
        self.state = state
        self.lstms = torch.nn.ModuleDict()
        for name in layers:
            w = {k[len(name) + 1:]: v for k, v in state.items() if k.startswith(name + ".")}
            hidden, inputs = w["weight_hh_l0"].shape[1], w["weight_ih_l0"].shape[1]
            layer = torch.nn.LSTM(inputs, hidden)
            layer.load_state_dict({
                "weight_ih_l0": w["weight_ih_l0"], "weight_hh_l0": w["weight_hh_l0"], "bias_ih_l0": w["bias_l0"],
                "bias_hh_l0": torch.zeros_like(w["bias_l0"])})
            self.lstms[name.replace(".", "/")] = layer
        self.requires_grad_(False)

    def dense(self, x, name):
        return F.linear(x, self.state[name + ".weight"], self.state.get(name + ".bias"))

    def lstm(self, x, name):
        """x [T, I] -> h [T, H] and the last c [H]."""
        h, (_, c) = self.lstms[name.replace(".", "/")](x)
        return h, c[0]

    def normalised(self, x):
        """x [rows, K]"""
        s, p = self.state, "image_norm."
        if p + "weight" not in s:
            return x
        return F.batch_norm(x, s[p + "running_mean"], s[p + "running_var"], s[p + "weight"], s[p + "bias"], eps=1e-5)

    def image(self, x):
        return torch.tanh(self.dense(self.normalised(x), "image"))


class DeeperLSTM(Answerer):
    def __init__(self, state):
        super().__init__(state, ["lstm.0", "lstm.1"])

    def forward(self, features, question):
        """features [1, u, v, K], question word indices -> logits [A]"""
        pooled = features.mean((1, 2))
        image = self.image(pooled / torch.sqrt((pooled ** 2).sum(1, keepdim=True) + 1e-6))[0]
        h0, c0 = self.lstm(torch.tanh(self.state["words.weight"][question]), "lstm.0")
        h1, c1 = self.lstm(h0, "lstm.1")
        q = torch.tanh(self.dense(torch.cat([c0, h0[-1], c1, h1[-1]]), "question"))
        return self.dense(q * image, "answers")


class StackedAttention(Answerer):
    def __init__(self, state):
        super().__init__(state, ["lstm"])

    def forward(self, features, question):
        v = self.image(features[0].flatten(0, 1))
        u = self.lstm(self.state["words.weight"][question], "lstm")[0][-1]
        for hop in ["attention.0", "attention.1"]:
            h = torch.tanh(self.dense(v, hop + ".image") + self.dense(u, hop + ".question"))
            u = self.dense(h, hop + ".score")[:, 0].softmax(0) @ v + u
        return self.dense(u, "answers")


class BilinearAttention(Answerer):
    def __init__(self, state):
        super().__init__(state, ["lstm"])

    def parts(self, features, question):
        """The question's state h [H] and the regions' parts of the scores [L, A]."""
        x = self.normalised(features[0].flatten(0, 1))
        h = self.lstm(self.state["words.weight"][question], "lstm")[0][-1]
        z = torch.tanh(self.dense(x, "image")) * torch.tanh(self.dense(h, "question"))
        both = torch.tanh(self.dense(x, "attention.image")) * torch.tanh(self.dense(h, "attention.question"))
        alpha = self.dense(both, "attention.score").softmax(0)
        return h, alpha * self.dense(z, "answers.attended") + self.dense(z, "answers.mean") / len(z)

    def forward(self, features, question):
        h, parts = self.parts(features, question)
        return self.dense(h, "answers.question") + parts.sum(0)


class CoAttention(Answerer):
    def __init__(self, state):
        super().__init__(state, ["lstm"])
        width = state["word.weight"].shape[0]
        self.kernels = [state[f"phrase.{s}.weight"].reshape(-1, s, width).permute(0, 2, 1).contiguous() for s in (1, 2, 3)]

    def forward(self, features, question):
        v = self.image(features[0].flatten(0, 1))
        word = torch.tanh(self.dense(self.state["words.weight"][question], "word"))
        grams = [F.conv1d(F.pad(word, (0, 0, 0, s)).T[None], k, self.state[f"phrase.{s + 1}.bias"])[0].T for s, k in enumerate(self.kernels)]
        phrase = torch.tanh(torch.stack(grams).amax(0))
        held = None
        for level, q in [("word", word), ("phrase", phrase), ("question", self.lstm(phrase, "lstm")[0])]:
            a = "attention." + level
            c = torch.tanh(self.dense(q, a + ".affinity") @ v.T)
            wv, wq = self.dense(v, a + ".image"), self.dense(q, a + ".question")
            hv, hq = torch.tanh(wv + c.T @ wq), torch.tanh(wq + c @ wv)
            both = self.dense(hv, a + ".image_score")[:, 0].softmax(0) @ v + self.dense(hq, a + ".question_score")[:, 0].softmax(0) @ q
            held = torch.tanh(self.dense(both if held is None else torch.cat([both, held]), "head." + level))
        return self.dense(held, "answers")


KINDS = {"deeper-lstm": DeeperLSTM, "stacked-attention": StackedAttention, "bilinear-attention": BilinearAttention, "co-attention": CoAttention}


def load(folder):
    """The configuration, the encoder, the answerer, the words and the answers of a model folder."""
    config = json.load(open(os.path.join(folder, "config.json")))
    state = load_file(os.path.join(folder, "model.safetensors"))
    if "sharedEncoder" in config:
        other = load_file(os.path.join(folder, config["sharedEncoder"]["model"], "model.safetensors"))
        state |= {k: v for k, v in other.items() if k.startswith("encoder.")}
    part = lambda prefix: {k[len(prefix):]: v.float() for k, v in state.items() if k.startswith(prefix)}
    lines = lambda name: open(os.path.join(folder, config[name])).read().splitlines()
    answerer = KINDS[config["answerer"]["kind"]](part("answerer."))
    encoder = peer_models.EfficientNetLite(config["encoder"]["name"], part("encoder."))
    return config, encoder, answerer, lines("vocabulary"), lines("answers")


def answer(answerer, features, question, maps):
    """The best answer's number, its score before the softmax, and its raw map [u, v] by Grad-CAM or, where the model's configuration
    (`maps`) says so, LayerCAM or the cells' own parts of the score; features [1, u, v, K]."""
    if maps.get("method") == "cam":
        with torch.no_grad():
            h, parts = answerer.parts(features, torch.tensor(question))
            logits = answerer.dense(h, "answers.question") + parts.sum(0)
        best = logits.argmax()
        return best.item(), logits[best].item(), parts[:, best].reshape(features.shape[1:3])
    activations = features.detach().requires_grad_()
    logits = answerer(activations, torch.tensor(question))
    best = logits.argmax()
    gradient, = torch.autograd.grad(logits[best], activations)
    a = activations.detach()
    raw = (gradient.relu() * a).sum(3)[0] if maps.get("method") == "layercam" else (a @ gradient.mean((1, 2))[0])[0]
    return best.item(), logits[best].item(), raw
