"""Writes methods.json: what pytorch-grad-cam, captum and torch-cam draw of three small networks, method by method, and
the steps of the Grad-CAM authors' own code.

    python Tests/ExplainTests/Fixtures/methods.py

Made with torch 2.15.0, grad-cam 1.5.7, captum 0.9.0, torchcam 0.5.0, numpy 2.4.6, opencv-python-headless 5.0.0.93 and
pillow 13.0.0 on Python 3.11, CPU, one thread. Nothing random: parameters and pictures are a hash of a name and of each
element's index, the same in Swift (Tests/TestSupport/ReproducibleWeights.swift), so neither is shipped. Networks run in
evaluation mode, in float64 on float32 parameters: what is written is exact for our purposes. Everything is computed
twice, and must come out the same.

Records: network, tool, method (named as `--method` names it), step ("raw" before the tool's own post-processing,
"final" after, else which choice or step of the tool's), layer (null for maps of pixels), class, shape (channels last),
values (7 significant digits).
"""
import contextlib
import copy
import io
import json
import math
import os
import warnings
from unittest import mock

import numpy as np
import torch
from torch import nn

import captum.attr
import pytorch_grad_cam
import torchcam.methods
from PIL import Image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

here = os.path.dirname(os.path.abspath(__file__))
warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU|Input Tensor 0 did not already require grad")
torch.set_num_threads(1)

CLASSES = 4
INTEGRATION_STEPS = 32
# SmoothGrad: noisy pictures, the noise's standard deviation as a part of the range of the picture's values, its seed.
SAMPLES, NOISE, SEED = 8, 0.15, 3
# Side of the occluding window and its step, in pixels: most networks' last windows stick out of the picture.
WINDOW, STRIDE = 4, 3


class ReLU6(nn.ReLU):
    """captum's guided backpropagation and deconvolution know nn.ReLU alone; as its child, ReLU6 obeys their rules, as
    ours does."""

    def forward(self, x):
        return torch.clamp(x, 0, 6)


class Chain(nn.Module):
    """Convolutions one after the other, global average pooling, one linear layer: CAM's kind of network."""

    size = (15, 19)
    layers = {"conv2": "relu2", "conv3": "relu3"}

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.conv3, self.relu3 = nn.Conv2d(8, 10, 3, padding=1), nn.ReLU()
        self.fc = nn.Linear(10, CLASSES)

    def forward(self, x):
        x = self.relu2(self.conv2(self.relu1(self.conv1(x))))
        return self.fc(self.relu3(self.conv3(self.pool(x))).mean((2, 3)))


class Residual(nn.Module):
    """ReLU6, batch normalisation and a residual block, global average pooling, one linear layer."""

    size = (14, 18)
    layers = {"block": "relu3", "conv4": "relu4"}

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv3, self.bn3 = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv4, self.bn4 = nn.Conv2d(6, 9, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(9)
        self.relu1, self.relu2, self.relu3, self.relu4 = ReLU6(), ReLU6(), ReLU6(), ReLU6()
        self.fc = nn.Linear(9, CLASSES)

    def forward(self, x):
        x = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(x)))
        x = self.relu3(self.bn3(self.conv3(y)) + x)
        return self.fc(self.relu4(self.bn4(self.conv4(x))).mean((2, 3)))


class Perceptron(nn.Module):
    """A head of several layers: the score's gradient differs from cell to cell of the last feature map."""

    size = (12, 16)
    layers = {"conv2": "relu2"}

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU()
        self.pool = nn.AvgPool2d(2)
        self.conv2, self.relu2 = nn.Conv2d(6, 8, 3, padding=1), nn.ReLU()
        self.grid = nn.AdaptiveAvgPool2d((4, 3))
        self.fc1, self.relu3 = nn.Linear(96, 12), nn.ReLU()
        self.fc2 = nn.Linear(12, CLASSES)

    def forward(self, x):
        x = self.relu2(self.conv2(self.pool(self.relu1(self.conv1(x)))))
        return self.fc2(self.relu3(self.fc1(self.grid(x).flatten(1))))


# Two classes each, the second's score below zero: layers are explained for both, pixels for the first. The factor is
# what batch normalisation's weights are multiplied with, so that some of ReLU6's inputs are above 6.
NETWORKS = {"chain": (Chain, 1.0, (1, 0)), "residual": (Residual, 2.0, (3, 0)), "perceptron": (Perceptron, 1.0, (1, 3))}


def fnv(text):
    """FNV-1a, 32 bits."""
    h = 2166136261
    for byte in text.encode():
        h = (h ^ byte) * 16777619 % 2**32
    return h


def noise(name, shape):
    """In [-0.5, 0.5), exact in float32: the finaliser of MurmurHash3 over the index, salted with the name."""
    h = np.arange(int(np.prod(shape)), dtype=np.uint32)
    h *= np.uint32(0x9E3779B1)
    h += np.uint32(fnv(name))
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return ((h >> np.uint32(8)).astype(np.float32) * np.float32(2**-24) - np.float32(0.5)).reshape(shape)


def parameter(name, shape, gain):
    """As ReproducibleWeights.parameter."""
    values = noise(name, shape)
    if len(shape) > 1:
        values = values * np.float32(2 * np.sqrt(6 / np.prod(shape[1:])))
    elif name.endswith("running_var"):
        values = values + np.float32(1)
    elif name.endswith("weight"):
        values = (values * np.float32(0.4) + np.float32(1)) * np.float32(gain)
    else:
        values = values * np.float32(0.4)
    return torch.from_numpy(values.astype(np.float32))


def make(name):
    """The network and its picture `[1, 3, height, width]`, in [-2, 2)."""
    kind, gain, _ = NETWORKS[name]
    net = kind()
    state = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    net.load_state_dict({k: parameter(f"{name}.{k}", tuple(v.shape), gain) for k, v in state.items()}, strict=False)
    picture = torch.from_numpy(noise(f"{name}.picture", (1, *kind.size, 3)) * np.float32(4))
    return net.eval().double(), picture.permute(0, 3, 1, 2).contiguous().double()


def check_margins(name, net, x):
    """No ReLU's input may lie so near its corner that float32 could fall on the other side."""
    nearest, saturated = [], []

    def look(module, inputs, output):
        corners = (0, 6) if isinstance(module, ReLU6) else (0,)
        nearest.append(min(float((inputs[0].detach() - corner).abs().min()) for corner in corners))
        saturated.append(int((inputs[0] >= 6).sum()) if isinstance(module, ReLU6) else 0)

    handles = [m.register_forward_hook(look) for m in net.modules() if isinstance(m, nn.ReLU)]
    logits = net(x)
    for handle in handles:
        handle.remove()
    assert min(nearest) > 5e-6, f"{name}: a ReLU's input is {min(nearest)} from its corner; choose another size"
    assert name != "residual" or sum(saturated) > 3, "no ReLU6 is saturated"
    print(name, logits.detach().numpy().round(4).tolist(), "nearest corner", min(nearest), "saturated", sum(saturated))
    return logits.detach()


def channels_last(value):
    """`[1, C, h, w] -> [h, w, C]`, or a map `[h, w]` as it is."""
    value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    return value[0].transpose(1, 2, 0) if value.ndim == 4 else value


# --- pytorch-grad-cam

CAMS = {
    "grad-cam": pytorch_grad_cam.GradCAM,
    "hirescam": pytorch_grad_cam.HiResCAM,
    "grad-cam++": pytorch_grad_cam.GradCAMPlusPlus,
    "xgrad-cam": pytorch_grad_cam.XGradCAM,
    "layercam": pytorch_grad_cam.LayerCAM,
    "eigen-cam": pytorch_grad_cam.EigenCAM,
    "ablation-cam": pytorch_grad_cam.AblationCAM,
    "score-cam": pytorch_grad_cam.ScoreCAM,
}


def cam(kind, net, x, layers, index):
    """The tool's map of the last of the layers before its own ReLU, scaling and resizing, and what its public call
    returns.

    The tool replaces layers of the network that it explains: it gets a copy. Its Score-CAM enlarges masks with corners
    on corners, all else with half-pixel centres; here the masks too.
    """
    net = copy.deepcopy(net)
    raw = []

    class Kept(kind):
        def get_cam_image(self, *arguments, **named):
            raw.append(super().get_cam_image(*arguments, **named))
            return raw[-1]

    # The tool draws a progress bar.
    half_pixel = mock.patch("torch.nn.UpsamplingBilinear2d", lambda size: nn.Upsample(size, mode="bilinear"))
    with contextlib.redirect_stderr(io.StringIO()), half_pixel, Kept(net, [getattr(net, layer) for layer in layers]) as method:
        final = method(x.clone(), [ClassifierOutputTarget(index)])
    return raw[-1][0], final[0]


# --- captum


def occlusion(net, x, index):
    """One channel: the window covers all three, so they are the same."""
    window, strides = (3, WINDOW, WINDOW), (3, STRIDE, STRIDE)
    result = captum.attr.Occlusion(net).attribute(x, window, strides, baselines=0, target=index)
    assert torch.equal(result[:, 0], result[:, 2])
    return result[0, 0]


def normals(seed):
    """Standard normal numbers as Tensors' SeededGenerator draws them: SplitMix64, Box-Muller."""
    state = seed

    def uniform():
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return ((z ^ (z >> 31)) >> 40) * 2.0**-24

    while True:
        u = max(uniform(), 2.0**-24)
        yield math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * uniform())


def smoothgrad(net, x, index):
    """captum's noise tunnel, with the noise that Swift draws, channels last."""
    sigma, random = NOISE * float(x.max() - x.min()), normals(SEED)

    def noise(mean, deviations):
        batch, channels, height, width = deviations.shape
        drawn = torch.tensor([next(random) for _ in range(deviations.numel())], dtype=torch.float64)
        return mean + deviations * drawn.reshape(batch, height, width, channels).permute(0, 3, 1, 2)

    with mock.patch("torch.normal", noise):
        return captum.attr.NoiseTunnel(captum.attr.Saliency(net)).attribute(
            x.clone(), nt_type="smoothgrad", nt_samples=SAMPLES, nt_samples_batch_size=1, stdevs=sigma, target=index,
            abs=False,
        )


def pixel_maps(net, x, index, layer):
    """(method, step, values) of everything that is drawn over pixels."""
    attr, net = captum.attr, copy.deepcopy(net)
    gradient = attr.Saliency(net).attribute(x.clone(), index, abs=False)
    product = attr.InputXGradient(net).attribute(x.clone(), index)
    assert torch.equal(product, x * gradient)
    guided = attr.GuidedBackprop(net).attribute(x.clone(), index)
    yield "gradient", "raw", gradient
    yield "gradient-x-input", "raw", product.sum(1)[0]
    yield "guided-backpropagation", "raw", guided
    yield "deconvnet", "raw", attr.Deconvolution(net).attribute(x.clone(), index)
    product = attr.GuidedGradCam(net, getattr(net, layer)).attribute(x.clone(), index, interpolate_mode="bilinear")
    yield "guided-grad-cam", "bilinear", product
    integral = attr.IntegratedGradients(net).attribute(x, 0, index, n_steps=INTEGRATION_STEPS, method="riemann_middle")
    yield "integrated-gradients", "midpoint", integral.sum(1)[0]
    yield "smoothgrad", "raw", smoothgrad(net, x, index)
    yield "occlusion", "raw", occlusion(net, x, index)
    if not any(isinstance(m, ReLU6) for m in net.modules()):
        other = pytorch_grad_cam.GuidedBackpropReLUModel(copy.deepcopy(net))(x.clone(), index)
        assert np.allclose(other, channels_last(guided), rtol=1e-12, atol=0), "the two guided backpropagations differ"


# --- torch-cam

# Without its Grad-CAM++, whose `alpha[idx][mask].div_(...)` divides a copy, so that in 0.5.0 alpha stays the gradient
# squared, and its Score-CAM, whose masks are brought to 0...1 before they are enlarged.
TORCH_CAMS = {
    "grad-cam": torchcam.methods.GradCAM,
    "xgrad-cam": torchcam.methods.XGradCAM,
    "layercam": torchcam.methods.LayerCAM,
}


def torch_cam(kind, net, x, layers, index, *arguments):
    """What the tool returns, at the layers' own resolutions; fused over several layers."""
    net = copy.deepcopy(net)
    with kind(net, layers, *arguments, input_shape=tuple(x.shape[1:])) as method:
        maps = method(index, net(x.clone()))
        return (maps[0] if len(maps) == 1 else method.fuse_cams(maps))[0]


def overlaid(mask, size):
    """As overlay_mask enlarges a mask over a picture of `size` (height, width), before it squares it to colour it."""
    return np.asarray(Image.fromarray(mask.numpy().astype(np.float32)).resize(size[::-1], Image.Resampling.BICUBIC))


# --- ramprs/grad-cam, the authors' own


def ramprs(net, x, layer, index):
    """The steps of misc/utils.lua (grad_cam) and classification.lua, which need Torch 7: the gradients' sum, ReLU,
    image.scale (bilinear, corners on corners), image.toDisplayTensor (x - min over the range)."""
    kept = {}
    handle = getattr(net, layer).register_forward_hook(lambda m, i, o: kept.update(a=o))
    score = net(x)[0, index]
    handle.remove()
    (gradient,) = torch.autograd.grad(score, kept["a"])
    low = torch.relu((kept["a"] * gradient.sum((2, 3), keepdim=True)).sum(1, keepdim=True))
    shown = nn.functional.interpolate(low, x.shape[2:], mode="bilinear", align_corners=True)[0, 0]
    return (shown - shown.min()) / (shown.max() - shown.min())


def compute():
    records, logits = [], {}
    for name, (kind, _, classes) in NETWORKS.items():
        net, x = make(name)
        logits[name] = rounded(check_margins(name, net, x)[0].numpy())

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
                for method, tool in CAMS.items():
                    raw, final = cam(tool, net, x, [module], index)
                    add("pytorch-grad-cam", method, "raw", layer, index, raw)
                    if index == classes[0] and method in ("grad-cam", "eigen-cam"):
                        add("pytorch-grad-cam", method, "final", layer, index, final)
                own = captum.attr.LayerGradCam(net, getattr(net, module)).attribute(x.clone(), index)
                add("captum", "grad-cam", "raw", layer, index, own[0, 0])
                if index == classes[0]:
                    large = captum.attr.LayerAttribution.interpolate(own, kind.size)
                    add("captum", "grad-cam", "final", layer, index, large[0, 0])
            for method, tool in TORCH_CAMS.items():
                mask = torch_cam(tool, net, x, [module], classes[0])
                add("torch-cam", method, "final", layer, classes[0], mask)
                if method == "grad-cam":
                    add("torch-cam", method, "overlaid", layer, classes[0], overlaid(mask, kind.size))
            add("ramprs", "grad-cam", "final", layer, classes[0], ramprs(net, x, module, classes[0]))
        last = list(kind.layers.values())[-1]
        if name != "perceptron":
            # The second class: its maps reach down to 0, so that the tool's scaling by the range is the paper's by the
            # maximum.
            both, joined = list(kind.layers.values()), "+".join(kind.layers)
            fused = torch_cam(torchcam.methods.LayerCAM, net, x, both, classes[1])
            add("torch-cam", "layercam", "final", joined, classes[1], fused)
            fused = torch_cam(torchcam.methods.GradCAM, net, x, both, classes[0])
            add("torch-cam", "grad-cam", "fused", joined, classes[0], fused)
            for method in "grad-cam", "layercam":
                add("pytorch-grad-cam", method, "fused", joined, classes[0], cam(CAMS[method], net, x, both, classes[0])[1])
            own = torch_cam(torchcam.methods.CAM, net, x, [last], classes[0], "fc")
            add("torch-cam", "cam", "final", list(kind.layers)[-1], classes[0], own)
        for method, step, value in pixel_maps(net, x, classes[0], last):
            add("captum", method, step, None, classes[0], value)
    return {"logits": logits, "records": records}


def rounded(values):
    return [float("%.7g" % v) for v in np.asarray(values, np.float64).reshape(-1)]


if __name__ == "__main__":
    result = compute()
    assert result == compute(), "not deterministic"
    with open(os.path.join(here, "methods.json"), "w") as f:
        json.dump(result, f, separators=(",", ":"))
        f.write("\n")
    print(len(result["records"]), "records,", os.path.getsize(os.path.join(here, "methods.json")), "bytes")
