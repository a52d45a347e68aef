"""`mmx caption PHOTO --explain-word WORD` as a Python script: python cold_peer.py MODEL PHOTO WORD FOLDER.

Prints the caption; writes the overlay (PNG, the photograph's own size) and the raw map (.npy).
"""
import os
import sys

import numpy as np
import torch
from PIL import Image

import peer_models
import peer_tasks


def turbo(x):
    """Mikhailov's polynomial for the turbo colour map; x [h, w] in 0...1 -> [h, w, 3]."""
    powers = np.stack([np.ones_like(x), x, x**2, x**3, x**4, x**5], -1)
    return np.clip(powers @ np.array([
        [0.13572138, 0.09140261, 0.10667330], [4.61539260, 2.19418839, 12.64194608], [-42.66032258, 4.84296658, -60.58204836],
        [132.13108234, -14.18503333, 110.36276771], [-152.94239396, 4.27729857, -89.90310912], [59.28637943, 2.82956604, 27.34824973],
    ], dtype=np.float32), 0, 1)


def prepared(photo, size):
    """[1, 3, height, width], as the model's configuration wants it."""
    frame = np.asarray(photo.resize((size["width"], size["height"]), Image.BICUBIC), np.float32)
    return torch.from_numpy((frame - np.float32(size["mean"])) / np.float32(size["std"])).permute(2, 0, 1)[None].contiguous()


def draw(photo, raw, stem):
    """Writes the overlay of a raw map, and the map."""
    heat = np.maximum(raw, 0) / max(raw.max(), 1e-12)
    heat = np.asarray(Image.fromarray(heat).resize(photo.size, Image.BILINEAR))
    cover = 0.65 * heat[..., None]
    overlay = np.asarray(photo, np.float32) * (1 - cover) + turbo(heat) * 255 * cover
    os.makedirs(os.path.dirname(stem), exist_ok=True)
    np.save(stem + "-map.npy", raw)
    Image.fromarray(overlay.round().astype(np.uint8)).save(stem + "-overlay.png")


def main(model, path, word, folder):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    config, encoder, decoder, words = peer_models.load(model)
    decoder.requires_grad_(False)
    search = config["search"]
    photo = Image.open(path).convert("RGB")
    with torch.no_grad():
        features = encoder(prepared(photo, config["preprocessing"])).permute(0, 2, 3, 1).contiguous()
    caption = peer_tasks.beam_search(decoder, features, search["beam"], search["maximumLength"], search["lengthNormalisation"])
    names = [words[i] for i in caption]
    raw = peer_tasks.grad_cam(decoder, features, caption, [names.index(word)], config.get("maps", {}))[0].numpy()
    draw(photo, raw, os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + "-" + word))
    print(" ".join(names))


if __name__ == "__main__":
    main(*sys.argv[1:5])
