"""Writes encoders/NAME.json for each network: checksums and slices of torchvision's feature map, logits and gradients.
For keras_inception_v3 they are Keras's, and for the caffe_resnets those of torchvision's modules with other strides.

    python Tests/VisionTests/Fixtures/make_encoders.py             all networks
    python Tests/VisionTests/Fixtures/make_encoders.py vgg16 ...   some

Made with torch 2.15.0, torchvision 0.29.2, Keras 3.15.1, numpy 2.4.6 on Python 3.11.7, CPU. Nothing is random: every
parameter is a hash of its name and of each element's index, the same as in Swift
(TestSupport/ReproducibleWeights.swift), so no weights are shipped. The network runs in evaluation mode, in float64 with
float32 parameters, so the outputs are exact for our purposes.

To add a network, add a line to NETWORKS and its name to Architectures.swift.
"""
import json
import os
import re
import sys

import numpy as np
import torch
import torchvision

here = os.path.dirname(os.path.abspath(__file__))

SMALL = ((64, 64), (97, 75))
VGGS = {"vgg11": 19, "vgg13": 23, "vgg16": 29, "vgg19": 35, "vgg11_bn": 27, "vgg13_bn": 33, "vgg16_bn": 42, "vgg19_bn": 51}
CAFFE = ("caffe_resnet50", "caffe_resnet101", "caffe_resnet152")
RESNETS = (
    "resnet18 resnet34 resnet50 resnet101 resnet152 wide_resnet50_2 wide_resnet101_2"
    " resnext50_32x4d resnext101_32x8d resnext101_64x4d"
).split()

# name: (torchvision's module whose output is the feature map, a factor for the weights of batch normalisation, two input
# sizes, height and width). The factor keeps the sum over the blocks of a residual network from growing.
NETWORKS = {
    "alexnet": ("features.11", 1.0, ((224, 224), (97, 75))),
    **{name: (f"features.{last}", 1.0, SMALL) for name, last in VGGS.items()},
    **{name: ("layer4", 0.7, SMALL) for name in RESNETS},
    **{name: ("layer4", 0.7, SMALL) for name in CAFFE},
    "squeezenet1_0": ("features.12", 1.0, SMALL),
    "squeezenet1_1": ("features.12", 1.0, SMALL),
    "googlenet": ("inception5b", 1.0, SMALL),
    "inception_v3": ("Mixed_7c", 1.0, ((96, 96), (107, 91))),
    "keras_inception_v3": ("mixed10", 1.0, ((96, 96), (107, 91))),
    # torchvision's ReLU after norm5 works in place on the output of `features`.
    "densenet121": ("features", 1.0, SMALL),
    "mobilenet_v2": ("features.18", 1.0, ((64, 64), (71, 53))),
}

CLASSES = 1000
LOGIT = 7


def fnv(text):
    """FNV-1a, 32 bits."""
    h = 2166136261
    for byte in text.encode():
        h = (h ^ byte) * 16777619 % 2**32
    return h


def noise(name, count):
    """In [-0.5, 0.5), exact in float32: the finaliser of MurmurHash3 over the index, salted with the name."""
    out = np.empty(count, np.float32)
    salt = np.uint32(fnv(name))
    for start in range(0, count, 1 << 22):
        h = np.arange(start, min(count, start + (1 << 22)), dtype=np.uint32)
        h *= np.uint32(0x9E3779B1)
        h += salt
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> np.uint32(13)
        h *= np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
        out[start : start + len(h)] = (h >> np.uint32(8)).astype(np.float32) * np.float32(2**-24) - np.float32(0.5)
    return out


def parameter(name, shape, gain):
    """Convolutions and linear layers are uniform with the variance of He et al. (2015). The statistics of batch
    normalisation differ from those of an untrained network."""
    values = noise(name, int(np.prod(shape)))
    if len(shape) > 1:
        values *= np.float32(2 * np.sqrt(6 / np.prod(shape[1:])))
    elif name.endswith("running_var"):
        values += np.float32(1)
    elif name.endswith("weight"):
        values = (values * np.float32(0.4) + np.float32(1)) * np.float32(gain)
    else:
        values *= np.float32(0.4)
    return torch.from_numpy(values.reshape(shape))


def make(name):
    """The network, without its weights."""
    if name in CAFFE:
        # He et al.'s own network: the stride of a bottleneck is in its first convolution, and the pool has no padding.
        net = make(name.removeprefix("caffe_"))
        net.maxpool = torch.nn.MaxPool2d(3, stride=2, padding=0, ceil_mode=True)
        for layer in (net.layer2, net.layer3, net.layer4):
            layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
        return net
    extra = {"init_weights": False, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    return torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **extra)


def summary(tensor):
    """The sum, the sum of squares and 16 elements, evenly spread, in our order (channels last)."""
    tensor = tensor.detach()
    flat = (tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor).reshape(-1)
    step = max(1, flat.numel() // 16)
    return {
        "count": flat.numel(), "sum": float(flat.sum()), "squares": float((flat * flat).sum()),
        "slice": [float("%.9g" % v) for v in flat[::step][:16]],
    }


def keras_inception(gain, sizes):
    """The fixture of Keras's network. Its layers have torchvision's order, and here torchvision's names."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    keras.config.set_floatx("float64")
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in make("inception_v3").state_dict().items() if "num_batches" not in k}
    units = [k.removesuffix(".conv.weight") for k in shapes if k.endswith(".conv.weight")]
    value = lambda key: parameter(key, shapes[key], gain).numpy()
    cases = []
    for height, width in sizes:
        keras.backend.clear_session()
        net = keras.applications.InceptionV3(
            weights=None, input_shape=(height, width, 3), classes=CLASSES, classifier_activation=None)
        # "conv2d", "conv2d_1", ...: numbered as they were made.
        number = lambda layer: int(re.search(r"_(\d+)$", layer.name)[1]) if re.search(r"_\d+$", layer.name) else 0
        convolutions = sorted((l for l in net.layers if isinstance(l, keras.layers.Conv2D)), key=number)
        norms = sorted((l for l in net.layers if isinstance(l, keras.layers.BatchNormalization)), key=number)
        assert len(units) == len(convolutions) == len(norms) == 94
        for unit, convolution, norm in zip(units, convolutions, norms):
            assert not norm.scale and norm.epsilon == 1e-3
            convolution.set_weights([value(f"{unit}.conv.weight").transpose(2, 3, 1, 0)])
            norm.set_weights([value(f"{unit}.bn.{part}") for part in ("bias", "running_mean", "running_var")])
        net.get_layer("predictions").set_weights([value("fc.weight").T, value("fc.bias")])
        net = keras.Model(net.input, [net.get_layer("mixed10").output, net.output])
        x = torch.from_numpy(noise("input", height * width * 3).reshape(1, height, width, 3) * np.float32(4)).double()
        features, logits = net(x.requires_grad_(), training=False)
        at_features, at_input = torch.autograd.grad(logits[0, LOGIT], [features, x])
        # `summary` expects channels first.
        first = lambda t: t.permute(0, 3, 1, 2)
        cases.append(
            {
                "height": height, "width": width, "shape": list(features.shape),
                "features": summary(first(features)), "logits": summary(logits),
                "featureGradient": summary(first(at_features)), "inputGradient": summary(first(at_input)),
            }
        )
    return shapes, cases


def fixture(name):
    module, gain, sizes = NETWORKS[name]
    if name == "keras_inception_v3":
        shapes, cases = keras_inception(gain, sizes)
        return write(name, gain, sorted(f"{k} {'x'.join(map(str, v))}" for k, v in shapes.items()), cases)
    with torch.device("meta"):
        net = make(name)
    net = net.to_empty(device="cpu")
    state = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    # The number of tensors and a hash of their names and shapes.
    names = sorted(f"{k} {'x'.join(str(s) for s in v.shape)}" for k, v in state.items())
    net.load_state_dict({k: parameter(k, tuple(v.shape), gain) for k, v in state.items()}, strict=False)
    net = net.eval().double()
    for p in net.parameters():
        p.requires_grad_(False)
    kept = {}
    net.get_submodule(module).register_forward_hook(lambda m, i, o: kept.update(features=o))
    cases = []
    for height, width in sizes:
        x = torch.from_numpy(noise("input", height * width * 3).reshape(1, height, width, 3) * np.float32(4)).double()
        x = x.permute(0, 3, 1, 2).contiguous().requires_grad_()
        logits = net(x)
        at_features, at_input = torch.autograd.grad(logits[0, LOGIT], [kept["features"], x])
        cases.append(
            {
                "height": height, "width": width, "shape": list(kept["features"].permute(0, 2, 3, 1).shape),
                "features": summary(kept["features"]), "logits": summary(logits),
                "featureGradient": summary(at_features), "inputGradient": summary(at_input),
            }
        )
    write(name, gain, names, cases)


def write(name, gain, names, cases):
    with open(os.path.join(here, "encoders", f"{name}.json"), "w") as f:
        json.dump({"gain": gain, "tensors": len(names), "names": fnv("\n".join(names)), "cases": cases}, f, indent=1)
        f.write("\n")
    rms = lambda s: (s["squares"] / s["count"]) ** 0.5
    for case in cases:
        print(name, case["shape"], *(f"{k} {rms(case[k]):.3g}" for k in ("features", "logits", "featureGradient", "inputGradient")), flush=True)


os.makedirs(os.path.join(here, "encoders"), exist_ok=True)
for name in sys.argv[1:] or NETWORKS:
    fixture(name)
