"""Fixtures of OlderFamiliesTests: files of neuraltalk2 and DeepRNN, and what the equations of these and of im2txt give.

Neither Torch7 nor TensorFlow 1 could be run: see README.md for what this proof rests on.

Made with Python 3.11, torch 2.15.0, torchvision 0.29.2 and numpy:
    cd Tests/TasksTests/Fixtures/older && python make.py && python make_index.py    (the second with TensorFlow)
"""
import base64
import csv
import io
import json
import os
import sys

import numpy as np
import torch
import torchvision

here = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(here, "..", "checkpoints"))
from common import FIXED, WORDS, best_of, features, forced, good, gradient, greedy, noise, number, numbers, picture, \
    select, take, write_json  # noqa: E402
import common  # noqa: E402

common.here = here


class Weights:
    """Hashes of names, times a scale; `add` is [index, value]."""

    def __init__(self, salt, addition):
        self.salt, self.addition, self.list = salt, addition, {}

    def __call__(self, name, shape, fan, gain=1.0, ends=None):
        scale = 2 * np.sqrt(6 / fan) * gain if fan else 0.4
        salted = name if name.startswith("cnn") else f"{self.salt}/{name}"
        values = noise(salted, shape) * np.float32(scale)
        add = [ends, float(self.addition)] if ends is not None else None
        if add:
            values[add[0]] += np.float32(add[1])
        self.list[name] = [salted, list(shape), float(np.float32(scale)), add]
        return values


def double(x):
    return torch.from_numpy(np.ascontiguousarray(x)).double()


# Searches, as the three programs describe them.

def kept_beam(begin, start, end, k, limit):
    """neuraltalk2: an ended caption is written on in its place; its continuations, being less likely, never count."""
    state, step = begin
    rows, sums, words, done, margin = [[]], torch.zeros(1).double(), torch.tensor([start]), [], 1e9
    for t in range(limit):
        logp, state = step(words, state)
        sums, parents, words, distance = select(sums[:, None] + logp, k)
        margin = min(margin, distance)
        rows = [rows[p] + [int(w)] for p, w in zip(parents, words)]
        for s, r in zip(sums, rows):
            if r[-1] == end or t == limit - 1:
                done.append((float(s), r[:r.index(end)] if end in r else r))
        state = take(state, parents)
    return best_of(done, margin)


def apart_beam(begin, start, end, k, limit, offered):
    state, step = begin
    rows, sums, words, done, margin = [[]], [0.0], [start], [], 1e9
    for _ in range(limit):
        logp, state = step(torch.tensor(words), state)
        candidates = []
        for i, row in enumerate(rows):
            best = logp[i].topk(offered)
            for value, word in zip(best.values, best.indices):
                if int(word) == end:
                    done.append((sums[i] + float(value), row))
                else:
                    candidates.append((sums[i] + float(value), i, int(word)))
        if not candidates:
            break
        candidates.sort(key=lambda c: -c[0])
        if len(candidates) > k:
            margin = min(margin, candidates[k - 1][0] - candidates[k][0])
        candidates = candidates[:k]
        rows = [rows[i] + [w] for _, i, w in candidates]
        sums, words = [c[0] for c in candidates], [c[2] for c in candidates]
        state = take(state, torch.tensor([c[1] for c in candidates]))
    return best_of(done, margin) if done else ({"ids": [], "logProbability": 0, "ended": False}, 0)


def find(name, make, map, start, end, special, ids, searches, additions=(1, 2, 0), least=3):
    """Captions, log p and a gradient for the first salt with captions that are worth testing."""
    for addition in additions:
        for salt in range(400):
            weights = Weights(salt, addition)
            model = make(weights)
            found = {key: search(model(map), start, end) for key, search in searches.items()}
            if not all(good(c, special, m, least) for c, m in found.values()):
                continue
            if len({tuple(c["ids"]) for c, _ in found.values()}) < len(found):
                continue
            with torch.enable_grad():
                leaf = map.clone().requires_grad_()
                scores = forced(model(leaf), start, ids, end)
                (g,) = torch.autograd.grad(scores[2], leaf)
            print(name, salt, addition, {k: v[0]["ids"] for k, v in found.items()}, flush=True)
            return weights, {
                "features": {"name": f"{name}.features", "shape": list(map.shape)},
                "captions": {k: v[0] for k, v in found.items()},
                "smallestMargin": number(min(m for _, m in found.values())),
                "forced": {"ids": ids, "logProbabilities": numbers(scores.detach())},
                "gradient": {"word": 2, **gradient(g, 397)},
            }
    raise SystemExit(f"{name}: no salt gives captions")


def pieces(name, data, stored):
    """NAME.pieces.json.gz: the file without the bytes of its weights, `stored` being [entry, bytes] in order."""
    out, position = [], 0
    for entry, raw in stored:
        at = data.index(raw, position)
        out.append([base64.b64encode(data[position:at]).decode()] + entry)
        position = at + len(raw)
    out.append([base64.b64encode(data[position:]).decode()])
    common.write(f"{name}.pieces.json.gz", json.dumps(out, separators=(",", ":")).encode())


# VGG-16.

CONVOLUTIONS = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256),
                17: (256, 512), 19: (512, 512), 21: (512, 512), 24: (512, 512), 26: (512, 512), 28: (512, 512)}
vgg = torchvision.models.vgg16(weights=None).features[:30]


def vgg_map(weights, swap):
    """The map of the picture by torchvision's network, with the weights that the file has."""
    for layer, (inputs, outputs) in CONVOLUTIONS.items():
        w = weights(f"cnn.features.{layer}.weight", swap([outputs, inputs, 3, 3]), 9 * inputs)
        vgg[layer].weight.copy_(double(w if w.shape[-1] == 3 else w.transpose(3, 2, 0, 1)))
        vgg[layer].bias.copy_(double(weights(f"cnn.features.{layer}.bias", [outputs], 0)))
    with torch.no_grad():
        map = vgg.double()(picture()).permute(0, 2, 3, 1)
    return {"shape": list(map.shape), **gradient(map, 97)}


# neuraltalk2.

E, H, F, V, L = 12, 10, 16, 25, 2


def neuraltalk(weights):
    fc6 = weights("cnn.classifier.0.weight", [F, 25088], 25088), weights("cnn.classifier.0.bias", [F], 0)
    fc7 = weights("cnn.classifier.3.weight", [F, F], F), weights("cnn.classifier.3.bias", [F], 0)
    image = weights("image.weight", [E, F], F), weights("image.bias", [E], 0)
    table = double(weights("lm.lookup_table.weight", [V, E], 6))
    cells = [[double(w) for part, n in (("i2h", E if layer == 1 else H), ("h2h", H)) for w in (
        weights(f"lm.{part}_{layer}.weight", [4 * H, n], n, 1.5), weights(f"lm.{part}_{layer}.bias", [4 * H], 0))]
        for layer in range(1, L + 1)]
    decoder = double(weights("lm.decoder.weight", [V, H], H, 2.5)), double(
        weights("lm.decoder.bias", [V], 0, ends=V - 1))
    linear = torch.nn.functional.linear
    fc6, fc7, image = ([double(w) for w in layer] for layer in (fc6, fc7, image))

    def core(x, state):
        new = []
        for layer, (wx, bx, wh, bh) in enumerate(cells):
            h, c = state[2 * layer], state[2 * layer + 1]
            i, f, o, g = (linear(x, wx, bx) + linear(h, wh, bh)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            x = o.sigmoid() * c.tanh()
            new += [x, c]
        return torch.log_softmax(linear(x, *decoder), 1), tuple(new)

    def begin(map):
        pooled = torch.nn.functional.max_pool2d(map.permute(0, 3, 1, 2), 2)
        x = linear(linear(pooled.flatten(1), *fc6).relu(), *fc7).relu()
        _, state = core(linear(x, *image).relu(), tuple(torch.zeros(1, H).double() for _ in range(2 * L)))
        return state, lambda words, state: core(table[words], state)

    return begin


def make_neuraltalk():
    ids = [WORDS.index(w) for w in FIXED]
    weights, result = find(
        "neuraltalk2", neuraltalk, features("neuraltalk2", 14, 512), V - 1, V - 1, [], ids,
        {"greedy": lambda b, s, e: greedy(b, s, e, 16), "beam2": lambda b, s, e: kept_beam(b, s, e, 2, 16)})
    result["words"] = WORDS[:V - 1]
    result["map"] = vgg_map(weights, lambda s: s)
    write_json("neuraltalk2.json", result)

    # The writer of the format that the reader's fixtures have.
    source = open(os.path.join(here, "../../../WeightsTests/Fixtures/make_torch7.py")).read()
    t7 = {}
    exec(source[:source.index("def ramp(")].replace("import torchfile\n", ""), t7)
    Object, Tensor, Storage = t7["Object"], t7["Tensor"], t7["Storage"]
    storages = []

    def stored(name, kind="Cuda", type="<f4", shape=None):
        salted, real, scale, add = weights.list[name]
        values = noise(salted, real) * np.float32(scale)
        if add:
            values[add[0]] += np.float32(add[1])
        storage = Storage(kind, values.ravel().astype(type))
        storages.append(([salted, real, scale, add, type[1:]], storage.values.tobytes()))
        return Tensor(kind, storage, 0, shape or real)

    def both(name, **options):
        # In the order of the file.
        return {"weight": stored(f"{name}.weight", **options), "bias": stored(f"{name}.bias")}

    modules, layer = [], 0
    for block, count in enumerate([2, 2, 3, 3, 3]):
        for _ in range(count):
            inputs, outputs = CONVOLUTIONS[layer]
            plane = dict(nInputPlane=inputs, nOutputPlane=outputs, kW=3, kH=3, dW=1, dH=1, padW=1, padH=1)
            # The last as nn has it on a CPU.
            flat = layer == 28
            modules.append(Object(
                "nn.SpatialConvolutionMM" if flat else "cudnn.SpatialConvolution", **plane,
                **both(f"cnn.features.{layer}", **({"shape": [outputs, 9 * inputs]} if flat else {}))))
            modules.append(Object("cudnn.ReLU", inplace=True))
            layer += 2
        modules.append(Object("cudnn.SpatialMaxPooling", kW=2, kH=2, dW=2, dH=2))
        layer += 1
    modules += [Object("nn.View", numElements=25088)]
    for name in ("cnn.classifier.0", "cnn.classifier.3"):
        modules += [Object("nn.Linear", **both(name)), Object("cudnn.ReLU"), Object("nn.Dropout", p=0.5)]
    modules += [Object("nn.Linear", **both("image")), Object("cudnn.ReLU")]

    nodes = []

    def node(name, module):
        data = {"module": module, "annotations": {"name": name} if name else {}}
        nodes.append(Object("nngraph.Node", data=data, id=len(nodes) + 1, children=[], visited=False))
        data["self"] = nodes[-1]
        if len(nodes) > 1:
            nodes[-2].fields["children"].append(nodes[-1])

    node(None, Object("nn.Identity"))
    # A node without a module.
    nodes.append(Object("nngraph.Node", data={"annotations": {}}, id=2, children=[], visited=False))
    for n in range(1, L + 1):
        if n > 1:
            node(f"drop_{n}", Object("nn.Dropout", p=0.5))
        # Not in the order of their names.
        node(f"h2h_{n}", Object("nn.Linear", **both(f"lm.h2h_{n}")))
        node(f"i2h_{n}", Object("nn.Linear", **both(f"lm.i2h_{n}")))
        node(None, Object("nn.CAddTable"))
    node("decoder", Object("nn.Linear", **both("lm.decoder")))
    core = Object("nn.gModule", forwardnodes=nodes, nInputs=2 * L + 1)
    lm = Object("nn.LanguageModel", core=core, vocab_size=V - 1, rnn_size=H, num_layers=L, seq_length=16,
                lookup_table=Object("nn.LookupTable", weight=stored(
                    "lm.lookup_table.weight", kind="Double", type="<f8")))
    writer = t7["Writer"]()
    writer.write({
        "iter": 1, "protos": {"cnn": Object("nn.Sequential", modules=modules), "lm": lm},
        "vocab": {str(i + 1): word for i, word in enumerate(WORDS[:V - 1])}})
    pieces("neuraltalk2", bytes(writer.bytes), storages)


# The LSTM of TensorFlow: gates i, j, f, o; 1 is added to the forget gate.

def tensorflow_lstm(kernel, bias):
    def step(x, h, c):
        i, j, f, o = (torch.cat([x, h], 1) @ kernel + bias).chunk(4, 1)
        c = (f + 1).sigmoid() * c + i.sigmoid() * j.tanh()
        return o.sigmoid() * c.tanh(), c
    return step


def im2txt(weights):
    rows, (E, H) = 30, (12, 10)
    image = double(weights("image_embedding/weights", [2048, E], 2048, 3))
    table = double(weights("seq_embedding/map", [rows, E], 6))
    cell = tensorflow_lstm(
        double(weights("lstm/basic_lstm_cell/kernel", [E + H, 4 * H], E, 1.5)),
        double(weights("lstm/basic_lstm_cell/bias", [4 * H], 0)))
    output = double(weights("logits/weights", [H, rows], H, 2.5))
    bias = double(weights("logits/biases", [rows], 0, ends=1))

    def begin(map):
        zero = torch.zeros(1, H).double()
        state = cell(map.mean((1, 2)) @ image, zero, zero)

        def step(words, state):
            state = cell(table[words], *state)
            return torch.log_softmax(state[0] @ output + bias, 1), state
        return state, step
    return begin


def make_im2txt():
    words = ["<S>", "</S>", "a", ",", "pad", "end"] + [w for w in WORDS if w != "a"][:19]
    all_words = words + ["<UNK>"] + [f"<{i}>" for i in range(len(words) + 1, 30)]
    ids = [all_words.index(w) for w in FIXED]
    weights, result = find(
        "im2txt", im2txt, features("im2txt", 3, 2048), 0, 1, [0], ids,
        {"greedy": lambda b, s, e: apart_beam(b, s, e, 1, 19, 1),
         "beam3": lambda b, s, e: apart_beam(b, s, e, 3, 19, 3)})
    result["words"] = all_words
    result["weights"] = weights.list
    write_json("im2txt.json", result)
    # The counts are different numbers from 0: they are not the words' numbers all the same.
    with open(os.path.join(here, "word_counts.txt"), "w") as file:
        for i, word in enumerate(words):
            file.write(f"{word} {len(words) - 1 - i}\n")


def deeprnn(weights):
    K, A, E, H, D = 512, 10, 8, 12, 14
    layers = {}

    def dense(name, inputs, outputs, fan=None, gain=1.0, bias=True, ends=None):
        w = double(weights(f"{name}/kernel:0", [inputs, outputs], fan or inputs, gain))
        b = double(weights(f"{name}/bias:0", [outputs], 0, ends=ends)) if bias else 0
        layers[name] = lambda x: x @ w + b

    dense("attend/fc_1a", K, A, gain=0.5), dense("attend/fc_1b", H, A), dense("attend/fc_2", A, 1, 1, bias=False)
    for part in "ab":
        dense(f"initialize/fc_{part}1", K, H), dense(f"initialize/fc_{part}2", H, H)
    dense("decode/fc_1", H + K + E, D), dense("decode/fc_2", D, V, gain=5, ends=1)
    table = double(weights("word_embedding/weights:0", [V, E], 0.08))
    cell = tensorflow_lstm(
        double(weights("lstm/lstm_cell/kernel:0", [K + E + H, 4 * H], 500)),
        double(weights("lstm/lstm_cell/bias:0", [4 * H], 0)))

    def begin(map):
        contexts = map.reshape(-1, K)
        mean = contexts.mean(0, keepdim=True)
        c, h = (layers[f"initialize/fc_{part}2"](layers[f"initialize/fc_{part}1"](mean).tanh()) for part in "ab")

        def step(words, state):
            h, c = state
            keys = layers["attend/fc_1a"](contexts).tanh()
            compared = keys[None] + layers["attend/fc_1b"](h).tanh()[:, None]
            alpha = layers["attend/fc_2"](compared)[..., 0].softmax(1)
            context, word = alpha @ contexts, table[words]
            h, c = cell(torch.cat([context, word], 1), h, c)
            x = layers["decode/fc_1"](torch.cat([h, context, word], 1)).tanh()
            return torch.log_softmax(layers["decode/fc_2"](x), 1), (h, c)
        return (h, c), step
    return begin


def make_deeprnn():
    words = ["<start>", ".", "a", ",", "\"", "'s"] + [w for w in WORDS if w != "a"][:V - 6]
    ids = [words.index(w) for w in FIXED]
    weights, result = find(
        "deeprnn", deeprnn, features("deeprnn", 4, 512), 0, 1, [0], ids,
        {"greedy": lambda b, s, e: apart_beam(b, s, e, 1, 20, 2),
         "beam3": lambda b, s, e: apart_beam(b, s, e, 3, 20, 4)},
        (-1, -2, -3, 0), 2)
    result["words"] = words
    result["map"] = vgg_map(weights, lambda s: s[2:] + s[1::-1])
    write_json("deeprnn.json", result)

    arrays, stored = {"global_step:0": np.array(289999, np.int32)}, []
    layers = [f"conv{block + 1}_{i + 1}" for block, n in enumerate([2, 2, 3, 3, 3]) for i in range(n)]
    names = {f"cnn.features.{layer}.{part}": f"{name}/{kind}:0" for layer, name in zip(CONVOLUTIONS, layers)
             for part, kind in (("weight", "kernel"), ("bias", "bias"))}
    for name, (salted, shape, scale, add) in weights.list.items():
        values = noise(salted, shape) * np.float32(scale)
        if add:
            values[add[0]] += np.float32(add[1])
        arrays[names.get(name, name)] = values
        stored.append(([salted, shape, scale, add, "f4"], values.tobytes()))
    arrays["optimizer/OptimizeLoss/decode/fc_2/bias/Adam:0"] = np.zeros(3, np.float32)
    buffer = io.BytesIO()
    np.save(buffer, arrays)
    pieces("deeprnn", buffer.getvalue(), stored)
    with open(os.path.join(here, "vocabulary.csv"), "w") as file:
        # As pandas writes a table.
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["", "word", "index", "frequency"])
        for i, word in enumerate(words):
            writer.writerow([i, word, i, -i / 8])


make_neuraltalk()
make_im2txt()
make_deeprnn()
