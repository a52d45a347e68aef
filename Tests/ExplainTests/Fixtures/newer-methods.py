"""Writes newer-methods.json: Finer-CAM, ShapleyCAM and RefineCAM as pytorch-grad-cam and torch-cam compute them, of the
networks of methods.py.

    python Tests/ExplainTests/Fixtures/newer-methods.py

Made with torch 2.15.0, grad-cam 1.5.7, torchcam 0.5.0, numpy 2.4.6 and opencv-python-headless 5.0.0.93 on Python 3.11,
CPU, one thread. Networks, images and the format of records are those of methods.py. `step` says what was asked:

- finer-cam: "k comparisons, weight w" (the classes with the nearest scores; before the ReLU), by Grad-CAM, or
  "layercam" for three comparisons with the weight 0.6 by LayerCAM;
- shapley-cam: "logit", or "log-probability" for y = log softmax(logits)[class], whose Hessian is not 0;
- refine-cam: the method of each layer. torch-cam's product at the finest layer's size, without the last scaling;
  pytorch-grad-cam's as it returns it, at the image's size.
"""
import copy
import json
import os

import numpy as np
import pytorch_grad_cam
import torch
import torchcam.methods
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget, FinerWeightedTarget

from methods import NETWORKS, channels_last, make, rounded

here = os.path.dirname(os.path.abspath(__file__))


class LogProbability(ClassifierOutputTarget):
    def __call__(self, output):
        return torch.log_softmax(output, -1)[self.category]


def pytorch_grad_cam_raw(kind, net, x, layer, target):
    """The tool's map before its ReLU, scaling and resizing. It hooks layers of the network: it gets a copy."""
    net, raw = copy.deepcopy(net), []

    class Kept(kind):
        def get_cam_image(self, *arguments, **named):
            raw.append(super().get_cam_image(*arguments, **named))
            return raw[-1]

    with Kept(net, [getattr(net, layer)]) as method:
        method(x.clone(), [target])
    map = raw[-1][0]
    return map.detach() if isinstance(map, torch.Tensor) else map


def nearest(logits, index, count):
    """The classes whose scores are nearest to that of a class, the nearest first."""
    distances = (logits - logits[index]).abs()
    distances[index] = float("inf")
    return distances.argsort()[:count].tolist()


def finer(net, x, layer, index, comparisons, weight, base=torchcam.methods.GradCAM):
    """torch-cam's map without its ReLU, which is the map itself where nothing is below 0."""
    net = copy.deepcopy(net)
    with torchcam.methods.FinerCAM(
        net, layer, tuple(x.shape[1:]), gamma=weight, num_references=comparisons, base_method=base
    ) as method:
        method.base_cam._relu = False
        return method(index, net(x.clone()), normalized=False)[0][0]


def refined(net, x, layers, index, base):
    net = copy.deepcopy(net)
    with torchcam.methods.RefineCAM(net, layers, tuple(x.shape[1:]), base_method=base) as method:
        return method(index, net(x.clone()), normalized=False)[0][0]


def compute():
    records = []
    for name, (kind, _, classes) in NETWORKS.items():
        net, x = make(name)
        logits = net(x)[0].detach()

        def add(tool, method, step, layer, index, value):
            value = channels_last(value)
            records.append(
                {
                    "network": name, "tool": tool, "method": method, "step": step, "layer": layer, "class": index,
                    "shape": list(value.shape), "values": rounded(value),
                }
            )

        for layer, module in kind.layers.items():
            for index in classes:
                for count, weight in (3, 0.6), (1, 1.0), (2, 0.25):
                    map = finer(net, x, module, index, count, weight)
                    add("torch-cam", "finer-cam", f"{count} comparisons, weight {weight}", layer, index, map)
                map = finer(net, x, module, index, 3, 0.6, torchcam.methods.LayerCAM)
                add("torch-cam", "finer-cam", "layercam", layer, index, map)
                # The tool weighs comparisons by their probabilities. A single one has no choice.
                target = FinerWeightedTarget(index, nearest(logits, index, 1), 0.6)
                map = pytorch_grad_cam_raw(pytorch_grad_cam.GradCAM, net, x, module, target)
                add("pytorch-grad-cam", "finer-cam", "1 comparisons, weight 0.6", layer, index, map)
                for step, target in ("logit", ClassifierOutputTarget), ("log-probability", LogProbability):
                    map = pytorch_grad_cam_raw(pytorch_grad_cam.ShapleyCAM, net, x, module, target(index))
                    add("pytorch-grad-cam", "shapley-cam", step, layer, index, map)
        modules = list(kind.layers.values())
        if len(modules) > 1:
            joined = "+".join(kind.layers)
            for index in classes:
                for step, base in ("grad-cam", torchcam.methods.GradCAM), ("layercam", torchcam.methods.LayerCAM):
                    map = refined(net, x, modules, index, base)
                    # Where one layer speaks against the class everywhere, the product is 0.
                    if map.max() > 0:
                        add("torch-cam", "refine-cam", step, joined, index, map)
                copied = copy.deepcopy(net)
                method = pytorch_grad_cam.RefineCAM(copied, [getattr(copied, m) for m in modules])
                map = method(x.clone(), [ClassifierOutputTarget(index)])[0]
                if map.max() > 0:
                    add("pytorch-grad-cam", "refine-cam", "grad-cam++", joined, index, map)
    return {"logits": {}, "records": records}


result = compute()
assert result == compute(), "not deterministic"
for record in result["records"]:
    assert max(map(abs, record["values"])) > 0, record
    print({k: record[k] for k in ("network", "tool", "method", "step", "layer", "class")}, max(map(abs, record["values"])))
path = os.path.join(here, "newer-methods.json")
with open(path, "w") as f:
    json.dump(result, f, separators=(",", ":"))
    f.write("\n")
print(len(result["records"]), "records,", os.path.getsize(path), "bytes")
