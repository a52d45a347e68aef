"""Writes slices of EfficientNet-Lite's feature map and of a gradient, from PyTorch, with weights that both sides make by
the same rule.

Made with torch 2.15.0 on Python 3.11:  python Tests/VisionTests/Fixtures/encoders.py
"""
import json
import os
import sys

import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../../../Benchmarks"))
from peer_models import EfficientNetLite, blocks, SCALES  # noqa: E402


def noise(count, salt):
    """In [-0.5, 0.5): a multiplicative hash of the index (Knuth), the same in Swift."""
    i = np.arange(count, dtype=np.uint64)
    h = (i * 2654435761 + salt * 40503 + 12345) % 2**32
    h = (h ^ (h >> 15)) * 2246822519 % 2**32
    return ((h >> 8).astype(np.float64) / 2**24 - 0.5).astype(np.float32)


def state(name):
    """Names and shapes in the order in which the network uses them; the salt is the position."""
    shapes = []

    def conv(conv, norm, o, i, k):
        shapes.append((conv + ".weight", (o, i, k, k)))
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes.append((f"{norm}.{part}", (o,)))

    conv("_conv_stem", "_bn0", 32, 3, 3)
    for n, (k, s, e, i, o) in enumerate(blocks(*SCALES[name])):
        p = f"_blocks.{n}."
        if e != 1:
            conv(p + "_expand_conv", p + "_bn0", i * e, i, 1)
        conv(p + "_depthwise_conv", p + "_bn1", i * e, 1, k)
        conv(p + "_project_conv", p + "_bn2", o, i * e, 1)
        last = o
    conv("_conv_head", "_bn1", 1280, last, 1)
    result = {}
    for salt, (key, shape) in enumerate(shapes):
        x = noise(int(np.prod(shape)), salt).reshape(shape)
        if len(shape) == 4:
            x = x * 2 * np.float32(np.sqrt(6 / np.prod(shape[1:])))
        elif key.endswith("running_var"):
            x = x + 1
        elif key.endswith("weight"):
            x = x * np.float32(0.4) + 1
        else:
            x = x * np.float32(0.4)
        result[key] = torch.from_numpy(np.ascontiguousarray(x.astype(np.float32)))
    return result


cases = []
for name, height, width in [
    ("efficientnet-lite0", 75, 61), ("efficientnet-lite1", 64, 64), ("efficientnet-lite2", 61, 90),
    ("efficientnet-lite3", 64, 64), ("efficientnet-lite3", 75, 61), ("efficientnet-lite4", 48, 64), ("efficientnet-lite4", 51, 39),
]:
    net = EfficientNetLite(name, state(name))
    x = torch.from_numpy(noise(height * width * 3, 999).reshape(1, height, width, 3)).permute(0, 3, 1, 2).contiguous().requires_grad_()
    y = net(x)
    flat = y.permute(0, 2, 3, 1).reshape(-1)
    seed = torch.from_numpy(noise(flat.numel(), 77))
    (g,) = torch.autograd.grad((flat * seed).sum(), x)
    g = g.permute(0, 2, 3, 1).reshape(-1)
    pick = lambda v: [float(v[i]) for i in range(0, v.numel(), max(1, v.numel() // 40))]
    cases.append({
        "name": name, "height": height, "width": width, "shape": list(y.permute(0, 2, 3, 1).shape),
        "output": pick(flat.detach()), "outputNorm": float(flat.detach().double().norm()),
        "gradient": pick(g), "gradientNorm": float(g.double().norm()),
    })
with open(os.path.join(here, "encoders.json"), "w") as f:
    json.dump(cases, f, indent=1)
print([(c["name"], c["shape"], c["outputNorm"], c["gradientNorm"]) for c in cases])
