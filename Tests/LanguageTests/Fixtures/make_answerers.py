"""Writes answerers.json: the answerers of questions with small weights, their logits and all gradients, from PyTorch.

    python make_answerers.py        (torch 2.15 on the CPU, numpy; computed in float64, stored as float32, base64)

Written from the papers, question by question and without padding: recurrence by torch.nn.LSTM, n-grams by torch's conv1d,
attention by torch's softmax and einsum. Feature maps are [M, u, v, K], questions lists of word indices with N / M
questions a picture, logits [N, A]; y = logits, g a random gradient of it, gradients[name] its gradients;
"embedded" is [T, N, E], padded with 0.
"""

import base64
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

generator = torch.Generator().manual_seed(78)
M, R, U, V, K = 2, 2, 3, 2, 6
VOCABULARY, ANSWERS, EMBEDDING, HIDDEN, ATTENTION = 9, 5, 4, 6, 3
LENGTHS = [4, 1, 2, 5]


def rand(*shape, scale=1.0):
    # Multiples of 1/256 (times a power of two): what float32 stores is what float64 computed with.
    return (torch.randint(-256, 257, shape, generator=generator).double() / 256 * scale).requires_grad_()


def stored(t):
    a = np.ascontiguousarray(t.detach().numpy().astype("<f4"))
    return {"shape": list(a.shape), "data": base64.b64encode(a.tobytes()).decode()}


def lstm(x, p, name):
    """x [T, I] from a state of zeros: h [T, H] and the last c [H]."""
    layer = torch.nn.LSTM(x.shape[1], HIDDEN).double()
    bias = p[name + ".bias_l0"]
    weights = {"weight_ih_l0": p[name + ".weight_ih_l0"], "weight_hh_l0": p[name + ".weight_hh_l0"],
               "bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)}
    h, (_, c) = torch.func.functional_call(layer, weights, (x,))
    return h, c[0]


def dense(x, p, name):
    return F.linear(x, p[name + ".weight"], p.get(name + ".bias"))


def reader(words, p):
    """Antol et al. 2015: two layers of LSTM over the words' tanh; c and h of both after the last word."""
    h0, c0 = lstm(torch.tanh(words), p, "lstm.0")
    h1, c1 = lstm(h0, p, "lstm.1")
    return torch.tanh(dense(torch.cat([c0, h0[-1], c1, h1[-1]]), p, "question"))


def question_only(picture, words, p):
    return dense(reader(words, p), p, "answers")


def mean_of_length_1(pictures):
    """[M, u, v, K] -> [M, K]"""
    pooled = pictures.mean((1, 2))
    return pooled / torch.sqrt((pooled ** 2).sum(1, keepdim=True) + 1e-6)


def deeper_lstm(picture, words, p):
    image = torch.tanh(dense(picture, p, "image"))
    return dense(reader(words, p) * image, p, "answers")


def stacked_attention(picture, words, p):
    """Yang et al. 2016, eq. 7 and 15-19."""
    v = torch.tanh(dense(picture, p, "image"))
    u = lstm(words, p, "lstm")[0][-1]
    for hop in ["attention.0", "attention.1"]:
        h = torch.tanh(dense(v, p, hop + ".image") + dense(u, p, hop + ".question"))
        u = dense(h, p, hop + ".score")[:, 0].softmax(0) @ v + u
    return dense(u, p, "answers")


def bilinear_attention(picture, words, p):
    """After Kim et al. 2017: P h + sum over l of alpha_l W z_l + mean over l of G z_l, z_l = tanh(V x_l) * tanh(Q h)."""
    h = lstm(words, p, "lstm")[0][-1]
    z = torch.tanh(dense(picture, p, "image")) * torch.tanh(dense(h, p, "question"))
    both = torch.tanh(dense(picture, p, "attention.image")) * torch.tanh(dense(h, p, "attention.question"))
    alpha = dense(both, p, "attention.score")[:, 0].softmax(0)
    return dense(h, p, "answers.question") + alpha @ dense(z, p, "answers.attended") + dense(z, p, "answers.mean").mean(0)


def co_attention(picture, words, p):
    """Lu et al. 2016: eq. 1-2 (phrases), 3-5 (parallel co-attention) and 7 (the answer)."""
    v = torch.tanh(dense(picture, p, "image"))
    word = torch.tanh(dense(words, p, "word"))
    grams = []
    for s in [1, 2, 3]:
        padded = F.pad(word, (0, 0, 0, s - 1))  # zeros behind the end
        kernel = p[f"phrase.{s}.weight"].reshape(HIDDEN, s, HIDDEN).permute(0, 2, 1)  # [out, in, s]
        grams.append(torch.tanh(F.conv1d(padded.T[None], kernel, p[f"phrase.{s}.bias"])[0].T))
    phrase = torch.stack(grams).amax(0)
    whole = lstm(phrase, p, "lstm")[0]
    held = None
    for level, q in [("word", word), ("phrase", phrase), ("question", whole)]:
        a = "attention." + level
        c = torch.tanh(torch.einsum("td,de,le->tl", q, p[a + ".affinity.weight"].T, v))
        wv, wq = dense(v, p, a + ".image"), dense(q, p, a + ".question")
        hv, hq = torch.tanh(wv + c.T @ wq), torch.tanh(wq + c @ wv)
        both = dense(hv, p, a + ".image_score")[:, 0].softmax(0) @ v + dense(hq, p, a + ".question_score")[:, 0].softmax(0) @ q
        held = torch.tanh(dense(both if held is None else torch.cat([both, held]), p, "head." + level))
    return dense(held, p, "answers")


def linear(name, inputs, outputs, bias=True):
    return {name + ".weight": (outputs, inputs)} | ({name + ".bias": (outputs,)} if bias else {})


def recurrent(name, inputs):
    return {name + ".weight_ih_l0": (4 * HIDDEN, inputs), name + ".weight_hh_l0": (4 * HIDDEN, HIDDEN), name + ".bias_l0": (4 * HIDDEN,)}


words_table = {"words.weight": (VOCABULARY, EMBEDDING)}
two_layers = words_table | recurrent("lstm.0", EMBEDDING) | recurrent("lstm.1", HIDDEN) | linear("question", 4 * HIDDEN, 2 * HIDDEN)
two_layers |= linear("answers", 2 * HIDDEN, ANSWERS)
stacked = words_table | recurrent("lstm", EMBEDDING) | linear("image", K, HIDDEN) | linear("answers", HIDDEN, ANSWERS)
for hop in ["attention.0", "attention.1"]:
    stacked |= linear(hop + ".image", HIDDEN, ATTENTION, False) | linear(hop + ".question", HIDDEN, ATTENTION)
    stacked |= linear(hop + ".score", ATTENTION, 1, False)
bilinear = words_table | recurrent("lstm", EMBEDDING) | linear("image", K, HIDDEN) | linear("question", HIDDEN, HIDDEN)
bilinear |= linear("attention.image", K, ATTENTION) | linear("attention.question", HIDDEN, ATTENTION)
bilinear |= linear("attention.score", ATTENTION, 1, False) | linear("answers.attended", HIDDEN, ANSWERS, False)
bilinear |= linear("answers.mean", HIDDEN, ANSWERS, False) | linear("answers.question", HIDDEN, ANSWERS)
hierarchy = words_table | linear("word", EMBEDDING, HIDDEN, False) | linear("image", K, HIDDEN) | recurrent("lstm", HIDDEN)
for s in [1, 2, 3]:
    hierarchy |= linear(f"phrase.{s}", s * HIDDEN, HIDDEN)
for level in ["word", "phrase", "question"]:
    a = "attention." + level
    hierarchy |= linear(a + ".affinity", HIDDEN, HIDDEN, False) | linear(a + ".image", HIDDEN, ATTENTION, False)
    hierarchy |= linear(a + ".question", HIDDEN, ATTENTION, False) | linear(a + ".image_score", ATTENTION, 1, False)
    hierarchy |= linear(a + ".question_score", ATTENTION, 1, False)
    hierarchy |= linear("head." + level, HIDDEN if level == "word" else 2 * HIDDEN, HIDDEN)
hierarchy |= linear("answers", HIDDEN, ANSWERS)

def regions(pictures):
    """[M, u, v, K] -> [M, L, K]"""
    return pictures.flatten(1, 2)


models = {
    "deeper-lstm": (deeper_lstm, mean_of_length_1, two_layers | linear("image", K, 2 * HIDDEN)),
    "co-attention": (co_attention, regions, hierarchy),
    "stacked-attention": (stacked_attention, regions, stacked),
    "question-only": (question_only, regions, two_layers),
}


def normalised(x, p, training):
    """Each channel over all pictures and regions, x [..., K]."""
    flat = x.reshape(-1, K)
    statistics = (None, None) if training else (p["image_norm.running_mean"], p["image_norm.running_var"])
    return F.batch_norm(flat, *statistics, p["image_norm.weight"], p["image_norm.bias"], training, eps=1e-5).reshape(x.shape)


def case(model, prepare, shapes, training=None):
    """training: None for a model without batch normalisation, else whether the batch's own statistics are used."""
    p = {k: rand(*s) for k, s in shapes.items()}
    buffers = {}
    if training is not None:
        # Statistics are no parameters: a mean near 0, a variance between 0.5 and 1.5.
        buffers = {"image_norm.running_mean": rand(K, scale=0.25).detach(),
                   "image_norm.running_var": (rand(K, scale=0.5) + 1).detach()}
        p |= {"image_norm.weight": rand(K), "image_norm.bias": rand(K)}
    features = rand(M, U, V, K, scale=2)
    questions = [torch.randint(0, VOCABULARY, (n,), generator=generator).tolist() for n in LENGTHS]
    embedded = torch.zeros(max(LENGTHS), M * R, EMBEDDING).double()
    for n, question in enumerate(questions):
        embedded[: LENGTHS[n], n] = p["words.weight"].detach()[question]
    embedded.requires_grad_()
    pictures = prepare(features)
    if training is not None:
        pictures = normalised(pictures, p | buffers, training)
    y = torch.stack([model(pictures[n // R], embedded[: LENGTHS[n], n], p) for n in range(M * R)])
    g = rand(*y.shape)
    inputs = {"features": features, "embedded": embedded} | {k: v for k, v in p.items() if k != "words.weight"}
    found = torch.autograd.grad(y, list(inputs.values()), g, allow_unused=True)
    gradients = {k: torch.zeros_like(inputs[k]) if d is None else d for k, d in zip(inputs, found)}
    table = torch.zeros_like(p["words.weight"])
    for n, question in enumerate(questions):
        table.index_add_(0, torch.tensor(question), gradients["embedded"][: LENGTHS[n], n])
    gradients["words.weight"] = table
    return {
        "questions": questions, "features": stored(features), "y": stored(y), "g": stored(g),
        "parameters": {k: stored(v) for k, v in (p | buffers).items()}, "gradients": {k: stored(v) for k, v in gradients.items()},
    }


sizes = {"features": K, "vocabulary": VOCABULARY, "answers": ANSWERS, "embedding": EMBEDDING, "hidden": HIDDEN, "attention": ATTENTION}
result = {"sizes": sizes, "cases": {name: case(*model) for name, model in models.items()}}
for name, model in models.items():
    if name != "question-only":
        result["cases"][name + ", normalised"] = case(*model, training=False)
        result["cases"][name + ", normalised by the batch"] = case(*model, training=True)
# Last, so that the random numbers of the other cases stay as they were.
model = (bilinear_attention, regions, bilinear)
for name, training in [("", None), (", normalised", False), (", normalised by the batch", True)]:
    result["cases"]["bilinear-attention" + name] = case(*model, training=training)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "answerers.json"), "w") as file:
    json.dump(result, file, indent=1)
