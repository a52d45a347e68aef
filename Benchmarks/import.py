"""Imports captioners of real size: time and memory.

    python Benchmarks/import.py [--mmx PATH] [--folder DIR]

PyTorch writes a checkpoint of sgrvinod's kind with a ResNet-101 (whole modules, in the form of today and in that before
PyTorch 1.6) and one of yunjey's with a ResNet-152 (state dictionaries), with random weights and 9,490 words. Each is
imported in a process of its own; then one caption is written and explained. Needs torch and torchvision
(Benchmarks/requirements.txt). Prints a line for each: the file's size, seconds, peak memory over the file's size.
"""
import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import types

import torch
import torchvision
from torch import nn

WORDS = 9490


def place_in(name, *classes):
    """Pickle writes a class by its module and name."""
    module = sys.modules.setdefault(name, types.ModuleType(name))
    for c in classes:
        c.__module__ = name
        setattr(module, c.__name__, c)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet = nn.Sequential(*list(torchvision.models.resnet101(weights=None).children())[:-2])
        self.adaptive_pool = nn.AdaptiveAvgPool2d((14, 14))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder_att, self.decoder_att = nn.Linear(2048, 512), nn.Linear(512, 512)
        self.full_att = nn.Linear(512, 1)


class DecoderWithAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.embedding = nn.Embedding(WORDS, 512)
        self.decode_step = nn.LSTMCell(512 + 2048, 512)
        self.init_h, self.init_c = nn.Linear(2048, 512), nn.Linear(2048, 512)
        self.f_beta, self.fc = nn.Linear(512, 2048), nn.Linear(512, WORDS)


class Vocabulary:
    pass


place_in("models", Encoder, Attention, DecoderWithAttention)
place_in("build_vocab", Vocabulary)


def sgrvinod(folder):
    decoder = DecoderWithAttention()
    optimizer = torch.optim.Adam(decoder.parameters())
    state = {"epoch": 1, "bleu-4": 0.2, "encoder": Encoder(), "decoder": decoder, "encoder_optimizer": None,
             "decoder_optimizer": optimizer}
    words = {f"word{i}": i for i in range(1, WORDS - 3)}
    words |= {"<unk>": WORDS - 3, "<start>": WORDS - 2, "<end>": WORDS - 1, "<pad>": 0}
    with open(f"{folder}/WORDMAP.json", "w") as f:
        json.dump(words, f)
    for name, zipped in (("zip", True), ("legacy", False)):
        path = f"{folder}/BEST_checkpoint_{name}.pth.tar"
        torch.save(state, path, _use_new_zipfile_serialization=zipped)
        yield f"sgrvinod, ResNet-101, {name}", [path], f"{folder}/WORDMAP.json"


def yunjey(folder):
    encoder = nn.Module()
    encoder.resnet = nn.Sequential(*list(torchvision.models.resnet152(weights=None).children())[:-1])
    encoder.linear, encoder.bn = nn.Linear(2048, 256), nn.BatchNorm1d(256)
    decoder = nn.Module()
    decoder.embed, decoder.lstm = nn.Embedding(WORDS, 256), nn.LSTM(256, 512, 1, batch_first=True)
    decoder.linear = nn.Linear(512, WORDS)
    paths = [f"{folder}/encoder-5-3000.pkl", f"{folder}/decoder-5-3000.pkl"]
    for module, path in zip((encoder, decoder), paths):
        torch.save(module.state_dict(), path)
    words = ["<pad>", "<start>", "<end>", "<unk>"] + [f"word{i}" for i in range(WORDS - 4)]
    vocabulary = Vocabulary()
    vocabulary.word2idx = {w: i for i, w in enumerate(words)}
    vocabulary.idx2word = dict(enumerate(words))
    vocabulary.idx = len(words)
    with open(f"{folder}/vocab.pkl", "wb") as f:
        pickle.dump(vocabulary, f)
    yield "yunjey, ResNet-152", paths, f"{folder}/vocab.pkl"


MEASURE = """
import json, resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(json.dumps([code, time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024]))
"""


def measured(command):
    """Seconds and peak memory in bytes. A small process starts the command, because a child's peak begins with its
    parent's memory."""
    found = subprocess.run([sys.executable, "-c", MEASURE, *command], capture_output=True, text=True, check=True)
    code, seconds, peak = json.loads(found.stdout)
    if code != 0:
        sys.exit(f"{' '.join(command)} ended with {code}")
    return seconds, peak


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--mmx", default=".build/release/mmx")
    options.add_argument("--folder")
    options.add_argument("--photo", default="docs/images/box.jpg")
    options = options.parse_args()
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or temporary
        os.makedirs(folder, exist_ok=True)
        for make in (sgrvinod, yunjey):
            for name, paths, vocabulary in make(folder):
                size = sum(os.path.getsize(p) for p in paths)
                output = f"{folder}/{name.split(',')[0]}-{name.split()[-1]}"
                seconds, peak = measured(
                    [options.mmx, "model", "import", *paths, "--vocabulary", vocabulary, "--output", output])
                print(f"{name}: {size / 1e6:.0f} MB, import {seconds:.1f} s, peak memory {peak / size:.2f} of the size")
                seconds, _ = measured(
                    [options.mmx, "caption", options.photo, "--model", output, "--explain-all",
                     "--output", f"{output}-maps"])
                print(f"    caption with every word's map: {seconds:.1f} s")


if __name__ == "__main__":
    main()
