"""Writes convolutions.json: convolutions, pooling and batch normalisation with their gradients, from PyTorch.

    python make_convolutions.py        (torch 2.x on the CPU, numpy; computed in float64, stored as float32, base64)

Maps are channels last ([N, H, W, C]), weights [O, kh, kw, C / groups].
"""

import base64
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

generator = torch.Generator().manual_seed(20)


def rand(*shape):
    # Multiples of 1/256, which float32 stores exactly.
    return torch.randint(-256, 257, shape, generator=generator).double() / 256


def stored(t):
    a = np.ascontiguousarray(t.detach().numpy().astype("<f4"))
    return {"shape": list(a.shape), "data": base64.b64encode(a.tobytes()).decode()}


def last(t):
    return t.permute(0, 2, 3, 1)


def same(size, kernel, stride):
    total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
    return total // 2, total - total // 2


convolutions = []
# name, N, H, W, C, O, kernel, stride, padding (top, left, bottom, right) or "same", groups
for name, n, h, w, c, o, k, s, pad, groups in [
    ("pointwise", 2, 5, 3, 7, 9, (1, 1), (1, 1), (0, 0, 0, 0), 1),
    ("pointwise, wide", 1, 4, 5, 33, 70, (1, 1), (1, 1), (0, 0, 0, 0), 1),
    ("1x1 stride 2", 1, 7, 6, 5, 4, (1, 1), (2, 2), (0, 0, 0, 0), 1),
    ("stem", 2, 9, 10, 3, 17, (3, 3), (2, 2), "same", 1),
    ("3x3 few channels", 1, 6, 7, 4, 5, (3, 3), (1, 1), (1, 1, 1, 1), 1),
    ("3x3 winograd", 2, 6, 9, 16, 16, (3, 3), (1, 1), (1, 1, 1, 1), 1),
    ("3x3 winograd, no padding", 1, 9, 7, 17, 20, (3, 3), (1, 1), (0, 0, 0, 0), 1),
    ("3x3 winograd, uneven padding", 1, 5, 4, 16, 18, (3, 3), (1, 1), (0, 2, 1, 0), 1),
    ("3x3 winograd, more padding than kernel", 1, 3, 3, 16, 16, (3, 3), (1, 1), (3, 3, 3, 3), 1),
    ("one output", 2, 3, 3, 16, 16, (3, 3), (1, 1), (0, 0, 0, 0), 1),
    ("5x3 uneven", 1, 8, 7, 3, 4, (5, 3), (2, 1), (2, 0, 1, 1), 1),
    ("7x7 stride 2", 1, 11, 12, 3, 8, (7, 7), (2, 2), (3, 3, 3, 3), 1),
    ("groups", 2, 6, 5, 6, 9, (3, 3), (1, 1), (1, 1, 1, 1), 3),
    ("groups, 1x1", 1, 4, 4, 8, 4, (1, 1), (1, 1), (0, 0, 0, 0), 2),
    ("groups, stride 2", 1, 7, 7, 8, 8, (3, 3), (2, 2), "same", 2),
    ("depthwise 3x3", 2, 7, 9, 20, 20, (3, 3), (1, 1), (1, 1, 1, 1), 20),
    ("depthwise 3x3 stride 2", 1, 10, 9, 16, 16, (3, 3), (2, 2), "same", 16),
    ("depthwise 5x5", 1, 7, 7, 18, 18, (5, 5), (1, 1), "same", 18),
    ("depthwise 5x5 stride 2", 1, 11, 14, 16, 16, (5, 5), (2, 2), "same", 16),
    ("depthwise 7x3 uneven", 1, 9, 8, 17, 17, (7, 3), (1, 2), (3, 0, 2, 1), 17),
    ("depthwise, multiplier 2", 1, 5, 5, 4, 8, (3, 3), (1, 1), (1, 1, 1, 1), 4),
    ("depthwise, wide", 1, 4, 6, 80, 80, (3, 3), (1, 1), (1, 1, 1, 1), 80),
]:
    x, weight, bias = rand(n, c, h, w), rand(o, c // groups, *k), rand(o)
    for t in (x, weight, bias):
        t.requires_grad_()
    if pad == "same":
        (top, bottom), (left, right) = same(h, k[0], s[0]), same(w, k[1], s[1])
    else:
        top, left, bottom, right = pad
    y = F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, s, groups=groups)
    g = rand(*y.shape)
    y.backward(g)
    convolutions.append(
        {
            "name": name, "kernel": k, "stride": s, "padding": [] if pad == "same" else pad, "groups": groups,
            "x": stored(last(x)), "weight": stored(last(weight)), "bias": stored(bias), "y": stored(last(y)),
            "g": stored(last(g)), "dx": stored(last(x.grad)), "dw": stored(last(weight.grad)), "db": stored(bias.grad),
        }
    )

pools = []
# kind, N, H, W, C, kernel, stride, padding, ceil mode, padding counts
for kind, n, h, w, c, k, s, p, ceil, counts in [
    ("maximum", 2, 6, 6, 3, 2, 2, 0, False, True),
    ("maximum", 1, 9, 10, 18, 3, 2, 1, False, True),
    ("maximum", 1, 10, 9, 5, 3, 2, 0, True, True),
    ("maximum", 1, 8, 8, 4, 3, 2, 1, True, True),
    ("maximum", 1, 5, 7, 17, 3, 1, 1, False, True),
    ("average", 2, 6, 6, 3, 2, 2, 0, False, True),
    ("average", 1, 7, 9, 17, 3, 2, 1, False, True),
    ("average", 1, 7, 9, 4, 3, 2, 1, False, False),
    ("average", 1, 8, 9, 4, 3, 2, 1, True, True),
    ("average", 1, 8, 9, 4, 3, 2, 1, True, False),
]:
    # All values of a map differ, so each window has one largest value.
    x = (torch.randperm(n * h * w * c, generator=generator).double() / 64 - 4).reshape(n, c, h, w).requires_grad_()
    if kind == "maximum":
        y = F.max_pool2d(x, k, s, p, ceil_mode=ceil)
    else:
        y = F.avg_pool2d(x, k, s, p, ceil_mode=ceil, count_include_pad=counts)
    g = rand(*y.shape)
    y.backward(g)
    pools.append(
        {
            "kind": kind, "kernel": k, "stride": s, "padding": p, "ceil": ceil, "counts": counts,
            "x": stored(last(x)), "y": stored(last(y)), "g": stored(last(g)), "dx": stored(last(x.grad)),
        }
    )

norms = []
for n, h, w, c in [(2, 3, 4, 5), (3, 7, 5, 24), (4, 1, 1, 33)]:
    x, gamma, beta = (rand(n, c, h, w) + 8 * rand(1, c, 1, 1)), rand(c), rand(c)
    for t in (x, gamma, beta):
        t.requires_grad_()
    y = F.batch_norm(x, None, None, gamma, beta, True, 0.1, 1e-3)
    g = rand(*y.shape)
    y.backward(g)
    norms.append(
        {
            "x": stored(last(x)), "gamma": stored(gamma), "beta": stored(beta), "y": stored(last(y)), "g": stored(last(g)),
            "mean": stored(x.mean((0, 2, 3))), "variance": stored(x.var((0, 2, 3), unbiased=False)),
            "dx": stored(last(x.grad)), "dgamma": stored(gamma.grad), "dbeta": stored(beta.grad),
        }
    )

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "convolutions.json")
with open(path, "w") as f:
    json.dump({"torch": torch.__version__, "convolutions": convolutions, "pools": pools, "norms": norms}, f, indent=1)
    f.write("\n")
