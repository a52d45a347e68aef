"""Writes sequences.json: recurrent layers, attention, losses, activations and Adam, with gradients, from PyTorch.

    python make_sequences.py        (torch 2.x on the CPU, numpy; computed in float64, stored as float32, base64)

Sequences are time first ([T, N, features]). Each case is a dictionary of tensors; gradients are named d<input>.
"""

import base64
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

generator = torch.Generator().manual_seed(31)
cases = {}


def rand(*shape, scale=1.0):
    # Multiples of 1/256 (times a power of two), which float32 stores exactly.
    return torch.randint(-256, 257, shape, generator=generator).double() / 256 * scale


def stored(t):
    a = np.ascontiguousarray(t.detach().numpy().astype("<f4"))
    return {"shape": list(a.shape), "data": base64.b64encode(a.tobytes()).decode()}


def case(name, output, inputs, others=None):
    """The output, a random gradient g of it, and the gradients of all inputs."""
    g = rand(*output.shape)
    gradients = torch.autograd.grad(output, list(inputs.values()), g)
    entry = {k: stored(v) for k, v in inputs.items()}
    entry |= {"d" + k: stored(v) for k, v in zip(inputs, gradients)}
    entry |= {k: stored(v) for k, v in (others or {}).items()}
    cases[name] = entry | {"y": stored(output), "g": stored(g)}


def leaves(**tensors):
    return {k: v.requires_grad_() for k, v in tensors.items()}


# LSTM: torch.nn.LSTM one step at a time, to get c of every step. h must equal that of the whole sequence.
for name, T, N, I, H in [("lstm", 4, 3, 5, 6), ("lstm wide", 3, 2, 17, 40)]:
    p = leaves(
        x=rand(T, N, I), h=rand(N, H), c=rand(N, H), weightInput=rand(4 * H, I, scale=0.5), weightHidden=rand(4 * H, H, scale=0.5),
        bias=rand(4 * H),
    )
    layer = torch.nn.LSTM(I, H).double()
    weights = {
        "weight_ih_l0": p["weightInput"], "weight_hh_l0": p["weightHidden"], "bias_ih_l0": p["bias"],
        "bias_hh_l0": torch.zeros(4 * H).double(),
    }
    call = lambda x, h, c: torch.func.functional_call(layer, weights, (x, (h[None], c[None])))
    h, c, hs, cs = p["h"], p["c"], [], []
    for t in range(T):
        _, (h, c) = call(p["x"][t : t + 1], h, c)
        h, c = h[0], c[0]
        hs.append(h)
        cs.append(c)
    whole, _ = call(p["x"], p["h"], p["c"])
    assert torch.allclose(whole, torch.stack(hs), atol=1e-12)
    case(name, torch.stack([torch.stack(hs), torch.stack(cs)]), p)

# The attention LSTM, written out. N = M * r rows.
for name, T, M, r, L, D, A, H, scale in [
    ("attention", 3, 2, 3, 5, 7, 9, 6, 1),
    ("attention wide", 2, 2, 2, 6, 20, 40, 36, 1),
    ("attention, one step", 1, 2, 1, 5, 7, 33, 6, 1),
    ("attention, large keys", 3, 2, 2, 5, 7, 18, 6, 64),
]:
    N = M * r
    p = leaves(
        gates=rand(T, N, 4 * H), annotations=rand(M, L, D), keys=rand(M, L, A, scale=scale), h=rand(N, H), c=rand(N, H),
        weightQuery=rand(A, H), weightScore=rand(A), weightGate=rand(H), biasGate=rand(1), weightContext=rand(4 * H, D, scale=0.5),
        weightHidden=rand(4 * H, H, scale=0.5),
    )
    annotations, keys = p["annotations"].repeat_interleave(r, 0), p["keys"].repeat_interleave(r, 0)
    h, c, steps = p["h"], p["c"], []
    for t in range(T):
        q = h @ p["weightQuery"].T
        alpha = (torch.tanh(keys + q[:, None]) @ p["weightScore"]).softmax(-1)
        beta = torch.sigmoid(h @ p["weightGate"] + p["biasGate"])
        z = beta[:, None] * (alpha[:, :, None] * annotations).sum(1)
        i, f, g, o = (p["gates"][t] + z @ p["weightContext"].T + h @ p["weightHidden"].T).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        steps.append(torch.cat([h, z, alpha], -1))
    case(name, torch.stack(steps), p, {"lastC": c})

x = leaves(x=rand(2, 3, 37, scale=8))
case("softmax", x["x"].softmax(-1), x)
case("logSoftmax", x["x"].log_softmax(-1), x)

targets = torch.tensor([3, 20, 0, 7, 7, 11])
for smoothing in (0.0, 0.125):
    x, weights = leaves(logits=rand(6, 21, scale=8)), torch.tensor([1, 0.5, 0, 2, 1, 0]).double()
    losses = F.cross_entropy(x["logits"], targets, reduction="none", label_smoothing=smoothing)
    case(f"crossEntropy {smoothing}", (weights * losses).sum(), x, {"targets": targets.double(), "weights": weights})

indices = torch.tensor([4, 0, 4, 2, 4, 0])
x = leaves(table=rand(5, 19))
case("embedding", F.embedding(indices, x["table"]), x, {"indices": indices.double()})

for name, function in [
    ("tanh", torch.tanh), ("sigmoid", torch.sigmoid), ("relu", F.relu), ("relu6", F.relu6),
]:
    x = leaves(x=rand(3, 41, scale=8))
    case(f"activation {name}", function(x["x"]), x)

x = leaves(x=rand(2, 3, 21), weight=rand(18, 21), bias=rand(18))
case("linear", F.linear(x["x"], x["weight"], x["bias"]), x)

# Six steps on two parameters; the norm of both gradients together is clipped to 1.
for name, decay in [("adam", 0.0), ("adamW", 0.125)]:
    a, b = rand(5, 7), rand(19)
    entry = {"a0": stored(a), "b0": stored(b)}
    a.requires_grad_()
    b.requires_grad_()
    optimizer = torch.optim.AdamW([a, b], lr=1 / 64, betas=(0.875, 0.96875), eps=1e-6, weight_decay=decay)
    for step in range(6):
        # Norms below and above 1.
        a.grad, b.grad = rand(5, 7, scale=0.5 ** (step + 1)), rand(19, scale=0.5 ** (step + 1))
        entry |= {f"ga{step}": stored(a.grad), f"gb{step}": stored(b.grad)}
        torch.nn.utils.clip_grad_norm_([a, b], 1.0)
        optimizer.step()
        entry |= {f"a{step + 1}": stored(a), f"b{step + 1}": stored(b)}
    cases[name] = entry

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sequences.json")
with open(path, "w") as f:
    json.dump({"torch": torch.__version__, "cases": cases}, f, indent=1)
    f.write("\n")
