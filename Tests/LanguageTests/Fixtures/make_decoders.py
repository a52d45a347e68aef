"""Writes decoders.json: the trainable caption decoders with small weights, their logits and all gradients, from PyTorch.

    python make_decoders.py        (torch 2.15 on the CPU, numpy; computed in float64, stored as float32, base64)

Recurrence by torch.nn.LSTMCell; the attention by torch's softmax and tensor products. Feature maps are [M, u, v, K], captions
[N, T] with N / M captions a picture, logits [T, N, V]; y = logits, g a random gradient of it, d<name> its gradients.
"""

import base64
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

generator = torch.Generator().manual_seed(77)
M, R, U, V, K = 2, 2, 3, 2, 6
VOCABULARY, EMBEDDING, HIDDEN, ATTENTION, VISUAL, T = 11, 5, 7, 4, 3, 5


def rand(*shape, scale=1.0):
    # Multiples of 1/256 (times a power of two): what float32 stores is what float64 computed with.
    return (torch.randint(-256, 257, shape, generator=generator).double() / 256 * scale).requires_grad_()


def stored(t):
    a = np.ascontiguousarray(t.detach().numpy().astype("<f4"))
    return {"shape": list(a.shape), "data": base64.b64encode(a.tobytes()).decode()}


def cell(x, h, c, weight_x, weight_h, bias):
    layer = torch.nn.LSTMCell(x.shape[1], h.shape[1]).double()
    weights = {"weight_ih": weight_x, "weight_hh": weight_h, "bias_ih": bias, "bias_hh": torch.zeros_like(bias)}
    return torch.func.functional_call(layer, weights, (x, (h, c)))


def show_and_tell(features, words, p):
    """Vinyals et al. 2015: the averaged picture is the LSTM's first input."""
    h = c = torch.zeros(M, HIDDEN).double()
    lstm = (p["lstm.weight_ih_l0"], p["lstm.weight_hh_l0"], p["lstm.bias_l0"])
    h, c = cell(F.linear(features.mean((1, 2)), p["image.weight"], p["image.bias"]), h, c, *lstm)
    h, c = h.repeat_interleave(R, 0), c.repeat_interleave(R, 0)
    logits = []
    for t in range(T):
        h, c = cell(p["words.weight"][words[:, t]], h, c, *lstm)
        logits.append(F.linear(F.linear(h, p["output.weight"], p["output.bias"]), p["words.weight"], p["output.words.bias"]))
    return torch.stack(logits)


def show_attend_and_tell(features, words, p):
    """Xu et al. 2015, soft attention, eq. 1-9 and 13-14, deep output over the tied embedding."""
    a = F.relu(F.linear(features.flatten(1, 2), p["annotate.weight"], p["annotate.bias"]))
    visual = "visual.words.weight" in p  # words_v . (U F_l + b) where attention looks, times a gate: not in the paper
    if visual:
        regions = F.linear(features.flatten(1, 2), p["visual.regions.weight"], p["visual.regions.bias"]).repeat_interleave(R, 0)
    mean = a.mean(1)
    h = torch.tanh(F.linear(mean, p["initial_h.weight"], p["initial_h.bias"])).repeat_interleave(R, 0)
    c = torch.tanh(F.linear(mean, p["initial_c.weight"], p["initial_c.bias"])).repeat_interleave(R, 0)
    a = a.repeat_interleave(R, 0)
    keys = F.linear(a, p["lstm.keys.weight"], p["lstm.keys.bias"])
    weight_x = torch.cat([p["lstm.input.weight"], p["lstm.context.weight"]], 1)
    logits = []
    for t in range(T):
        e = p["words.weight"][words[:, t]]
        scores = torch.tanh(keys + F.linear(h, p["lstm.query.weight"])[:, None]) @ p["lstm.score.weight"]
        beta = torch.sigmoid(h @ p["lstm.gate.weight"] + p["lstm.gate.bias"])
        alpha = scores.softmax(1)
        z = beta[:, None] * torch.einsum("nl,nld->nd", alpha, a)
        h, c = cell(torch.cat([e, z], 1), h, c, weight_x, p["lstm.hidden.weight"], p["lstm.input.bias"])
        deep = F.linear(h, p["output.h.weight"], p["output.h.bias"]) + F.linear(z, p["output.context.weight"]) + e
        y = F.linear(deep, p["words.weight"], p["output.words.bias"])
        if visual:
            gate = torch.sigmoid(F.linear(h, p["visual.gate.weight"], p["visual.gate.bias"]))
            y = y + F.linear(gate * torch.einsum("nl,nlw->nw", alpha, regions), p["visual.words.weight"])
        logits.append(y)
    return torch.stack(logits)


def bilinear_attention(features, words, p):
    """After Kim et al. 2017, eq. 7-11, with the words so far as the question; every region's part is written out."""
    x = features.flatten(1, 2).repeat_interleave(R, 0)
    r = F.linear(x, p["visual.regions.weight"], p["visual.regions.bias"])
    keys = torch.tanh(F.linear(x, p["attention.image.weight"], p["attention.image.bias"]))
    h = c = torch.zeros(M * R, HIDDEN).double()
    logits = []
    for t in range(T):
        e = p["words.weight"][words[:, t]]
        h, c = cell(e, h, c, p["lstm.weight_ih_l0"], p["lstm.weight_hh_l0"], p["lstm.bias_l0"])
        asked = torch.tanh(F.linear(h, p["attention.question.weight"], p["attention.question.bias"]))
        alpha = torch.einsum("nla,na,a->nl", keys, asked, p["attention.score.weight"][0]).softmax(1)
        q = 1 + F.linear(h, p["visual.question.weight"], p["visual.question.bias"])
        m = 1 + F.linear(h, p["visual.whole.weight"], p["visual.whole.bias"])
        parts = torch.stack([
            F.linear((alpha[:, l, None] * q + m / (U * V)) * r[:, l], p["visual.words.weight"]) for l in range(U * V)
        ])
        language = F.linear(
            F.linear(h, p["output.h.weight"], p["output.h.bias"]) + e, p["words.weight"], p["output.words.bias"])
        logits.append(language + parts.sum(0))
    return torch.stack(logits)


G = 4 * HIDDEN
common = {"words.weight": (VOCABULARY, EMBEDDING), "output.words.bias": (VOCABULARY,)}
models = {
    "show-and-tell": (show_and_tell, common | {
        "image.weight": (EMBEDDING, K), "image.bias": (EMBEDDING,), "lstm.weight_ih_l0": (G, EMBEDDING),
        "lstm.weight_hh_l0": (G, HIDDEN), "lstm.bias_l0": (G,), "output.weight": (EMBEDDING, HIDDEN), "output.bias": (EMBEDDING,),
    }),
    "show-attend-and-tell": (show_attend_and_tell, common | {
        "annotate.weight": (HIDDEN, K), "annotate.bias": (HIDDEN,), "initial_h.weight": (HIDDEN, HIDDEN), "initial_h.bias": (HIDDEN,),
        "initial_c.weight": (HIDDEN, HIDDEN), "initial_c.bias": (HIDDEN,), "lstm.input.weight": (G, EMBEDDING),
        "lstm.input.bias": (G,), "lstm.keys.weight": (ATTENTION, HIDDEN), "lstm.keys.bias": (ATTENTION,),
        "lstm.query.weight": (ATTENTION, HIDDEN), "lstm.score.weight": (ATTENTION,), "lstm.gate.weight": (HIDDEN,),
        "lstm.gate.bias": (1,), "lstm.context.weight": (G, HIDDEN), "lstm.hidden.weight": (G, HIDDEN),
        "output.h.weight": (EMBEDDING, HIDDEN), "output.h.bias": (EMBEDDING,), "output.context.weight": (EMBEDDING, HIDDEN),
    }),
}
models["show-attend-and-tell, visual term"] = (show_attend_and_tell, models["show-attend-and-tell"][1] | {
    "visual.regions.weight": (VISUAL, K), "visual.regions.bias": (VISUAL,), "visual.words.weight": (VOCABULARY, VISUAL),
    "visual.gate.weight": (1, HIDDEN), "visual.gate.bias": (1,),
})
models["bilinear-attention"] = (bilinear_attention, common | {
    "lstm.weight_ih_l0": (G, EMBEDDING), "lstm.weight_hh_l0": (G, HIDDEN), "lstm.bias_l0": (G,),
    "output.h.weight": (EMBEDDING, HIDDEN), "output.h.bias": (EMBEDDING,),
    "attention.image.weight": (ATTENTION, K), "attention.image.bias": (ATTENTION,),
    "attention.question.weight": (ATTENTION, HIDDEN), "attention.question.bias": (ATTENTION,),
    "attention.score.weight": (1, ATTENTION),
    "visual.regions.weight": (HIDDEN, K), "visual.regions.bias": (HIDDEN,), "visual.words.weight": (VOCABULARY, HIDDEN),
    "visual.question.weight": (HIDDEN, HIDDEN), "visual.question.bias": (HIDDEN,),
    "visual.whole.weight": (HIDDEN, HIDDEN), "visual.whole.bias": (HIDDEN,),
})

result = {
    "sizes": {"features": K, "vocabulary": VOCABULARY, "embedding": EMBEDDING, "hidden": HIDDEN, "attention": ATTENTION}, "cases": {}
}
for name, (model, shapes) in models.items():
    p = {k: rand(*s) for k, s in shapes.items()}
    features = rand(M, U, V, K, scale=2)
    words = torch.randint(4, VOCABULARY, (M * R, T), generator=generator)
    words[:, 0] = 1
    y = model(features, words, p)
    g = rand(*y.shape)
    inputs = {"features": features} | p
    gradients = dict(zip(inputs, torch.autograd.grad(y, list(inputs.values()), g)))
    result["cases"][name] = {
        "words": words.tolist(), "features": stored(features), "y": stored(y), "g": stored(g),
        "parameters": {k: stored(v) for k, v in p.items()}, "gradients": {k: stored(v) for k, v in gradients.items()},
    }

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "decoders.json"), "w") as file:
    json.dump(result, file, indent=1)
