"""The default captioner in PyTorch: EfficientNet-Lite and Show, Attend and Tell, written as anyone would with torch's own layers.

Reads mmx's model folder (config.json, model.safetensors), so that both run on the same weights.
"""
import json
import math
import os

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


def same_pad(x, kernel, stride):
    """TensorFlow's "same" padding."""
    def both(size):
        return max(0, (math.ceil(size / stride) - 1) * stride + kernel - size)
    v, h = both(x.shape[2]), both(x.shape[3])
    return F.pad(x, (h // 2, h - h // 2, v // 2, v - v // 2))


def blocks(width, depth):
    def rounded(c):
        s = c * width
        n = max(8, int(s + 4) // 8 * 8)
        return n + 8 if n < 0.9 * s else n
    rows = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]
    out, inputs = [], 32
    for i, (n, k, s, e, o) in enumerate(rows):
        o = rounded(o)
        for j in range(n if i in (0, 6) else math.ceil(n * depth)):
            out.append((k, s if j == 0 else 1, e, inputs, o))
            inputs = o
    return out


SCALES = {"efficientnet-lite0": (1.0, 1.0), "efficientnet-lite1": (1.0, 1.1), "efficientnet-lite2": (1.1, 1.2),
          "efficientnet-lite3": (1.2, 1.4), "efficientnet-lite4": (1.4, 1.8)}


class EfficientNetLite(torch.nn.Module):
    """Folded (weights and biases only) or with batch normalisation, as the state dictionary has it."""

    def __init__(self, name, state):
        super().__init__()
        self.blocks = blocks(*SCALES[name])
        self.names = {k: k.replace(".", "/") for k in state}
        for k, v in state.items():
            self.register_parameter(self.names[k], torch.nn.Parameter(v, requires_grad=False)) if v.is_floating_point() else None

    def get(self, name):
        return getattr(self, self.names[name]) if name in self.names else None

    def conv(self, x, conv, norm, kernel=1, stride=1, groups=1, act=True):
        # With stride 1 the padding is even, and the convolution's own costs no copy.
        x, pad = (x, kernel // 2) if stride == 1 else (same_pad(x, kernel, stride), 0)
        x = F.conv2d(x, self.get(conv + ".weight"), self.get(conv + ".bias"), stride, pad, groups=groups)
        if self.get(norm + ".running_mean") is not None:
            x = F.batch_norm(x, self.get(norm + ".running_mean"), self.get(norm + ".running_var"), self.get(norm + ".weight"), self.get(norm + ".bias"), eps=1e-3)
        return F.relu6(x, inplace=not torch.is_grad_enabled()) if act else x

    def forward(self, x):
        x = self.conv(x, "_conv_stem", "_bn0", 3, 2)
        for i, (k, s, e, inputs, outputs) in enumerate(self.blocks):
            p, y = f"_blocks.{i}.", x
            if e != 1:
                y = self.conv(y, p + "_expand_conv", p + "_bn0")
            y = self.conv(y, p + "_depthwise_conv", p + "_bn1", k, s, inputs * e)
            y = self.conv(y, p + "_project_conv", p + "_bn2", act=False)
            x = y + x if s == 1 and inputs == outputs else y
        return self.conv(x, "_conv_head", "_bn1")


class ShowAttendAndTell(torch.nn.Module):
    """Xu et al. 2015, soft attention, with the deep output over the tied word embedding."""

    def __init__(self, state):
        super().__init__()
        self.names = {k: k.replace(".", "/") for k in state}
        for k, v in state.items():
            self.register_parameter(self.names[k], torch.nn.Parameter(v.clone()))

    def p(self, name):
        return getattr(self, self.names[name])

    def lin(self, x, name):
        return F.linear(x, self.p(name + ".weight"), self.p(name + ".bias") if name + ".bias" in self.names else None)

    def begin(self, features, drop=lambda x: x):
        """features [M, u, v, K]"""
        a = drop(F.relu(self.lin(features.flatten(1, 2), "annotate")))
        mean = a.mean(1)
        return a, self.lin(a, "lstm.keys"), torch.tanh(self.lin(mean, "initial_h")), torch.tanh(self.lin(mean, "initial_c"))

    def step(self, gates, a, keys, h, c):
        """gates [N, 4H], a [M, L, D], keys [M, L, A], h and c [N, H]: row n looks at picture n / (N / M); nothing is repeated.

        Returns h, c, the context z [N, D] and the attention [N, L]."""
        q = (h @ self.p("lstm.query.weight").T).view(len(a), -1, 1, keys.shape[2])
        e = torch.tanh(keys[:, None] + q) @ self.p("lstm.score.weight")
        beta = torch.sigmoid(h @ self.p("lstm.gate.weight") + self.p("lstm.gate.bias"))
        alpha = e.softmax(2)
        z = beta[:, None] * torch.bmm(alpha, a).view(len(h), -1)
        gates = torch.addmm(torch.addmm(gates, z, self.p("lstm.context.weight").T), h, self.p("lstm.hidden.weight").T)
        i, f, g, o = gates.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c, z, alpha.view(len(h), -1)

    def score(self, h, z, e, seen=None, drop=lambda x: x):
        """seen [..., W]: what the regions say where attention looks, where the model has a visual term."""
        x = drop(self.lin(drop(h), "output.h") + self.lin(z, "output.context") + e)
        y = F.linear(x, self.p("words.weight"), self.p("output.words.bias"))
        return y if seen is None else y + self.visual(h, seen)

    def regions(self, features):
        """features [M, u, v, K] -> [M, L, W]; None for a model without a visual term."""
        return self.lin(features.flatten(1, 2), "visual.regions") if "visual.regions.weight" in self.names else None

    def visual(self, h, seen):
        return F.linear(torch.sigmoid(self.lin(h, "visual.gate")) * seen, self.p("visual.words.weight"))

    def forward(self, features, words, drop=lambda x: x, keep=None):
        """features [M, u, v, K], words [T, N], N = M * r -> logits [T, N, V], or those of the rows `keep` of T * N: [len(keep), V]"""
        a, keys, h, c = self.begin(features, drop)
        r = words.shape[1] // features.shape[0]
        h, c = h.repeat_interleave(r, 0), c.repeat_interleave(r, 0)
        e = drop(self.p("words.weight")[words])
        gates = self.lin(e, "lstm.input")
        hs, zs, alphas = [], [], []
        for t in range(words.shape[0]):
            h, c, z, alpha = self.step(gates[t], a, keys, h, c)
            hs.append(h)
            zs.append(z)
            alphas.append(alpha)
        h, z, regions = torch.stack(hs), torch.stack(zs), self.regions(features)
        seen = None
        if regions is not None:  # every step of a picture's captions in one product
            alphas = torch.stack(alphas).view(len(hs), len(features), r, -1).transpose(0, 1).flatten(1, 2)
            seen = torch.bmm(alphas, drop(regions)).view(len(features), len(hs), r, -1).transpose(0, 1).flatten(1, 2)
        if keep is not None:
            h, z, e = (x.flatten(0, 1)[keep] for x in (h, z, e))
            seen = None if seen is None else seen.flatten(0, 1)[keep]
        return self.score(h, z, e, seen, drop)

    def visual_scores(self, features, words):
        """The visual term's part of the scores of the words after words [T, 1], attention and gate held: [T, V]."""
        with torch.no_grad():
            a, keys, h, c = self.begin(features)
            gates = self.lin(self.p("words.weight")[words], "lstm.input")
            hs, alphas = [], []
            for t in range(words.shape[0]):
                h, c, _, alpha = self.step(gates[t], a, keys, h, c)
                hs.append(h)
                alphas.append(alpha)
        return self.visual(torch.cat(hs), torch.cat(alphas) @ self.regions(features)[0])


def load(folder):
    config = json.load(open(os.path.join(folder, "config.json")))
    state = {k: v.float() for k, v in load_file(os.path.join(folder, "model.safetensors")).items()}
    part = lambda prefix: {k[len(prefix):]: v for k, v in state.items() if k.startswith(prefix)}
    words = open(os.path.join(folder, config["vocabulary"])).read().splitlines()
    return config, EfficientNetLite(config["encoder"]["name"], part("encoder.")), ShowAttendAndTell(part("decoder.")), words
