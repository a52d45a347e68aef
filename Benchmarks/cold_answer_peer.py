"""`mmx vqa PHOTO QUESTION` as a Python script: python cold_answer_peer.py MODEL PHOTO QUESTION FOLDER.

Prints the answer; writes the overlay (PNG, the photograph's own size) and the raw map (.npy).
"""
import os
import re
import sys

import numpy as np
import torch
from PIL import Image

import peer_answerers
from cold_peer import draw, prepared


def main(model, path, question, folder):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    config, encoder, answerer, words, answers = peer_answerers.load(model)
    photo = Image.open(path).convert("RGB")
    with torch.no_grad():
        features = encoder(prepared(photo, config["preprocessing"])).permute(0, 2, 3, 1).contiguous()
    numbers = {word: i for i, word in enumerate(words)}
    asked = [numbers.get(w, numbers["<unknown>"]) for w in re.findall(r"[a-z0-9]+|'s", question.lower())]
    best, _, raw = peer_answerers.answer(answerer, features, asked, config.get("maps", {}))
    draw(photo, raw.numpy(), os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + "-answer"))
    print(answers[best])


main(*sys.argv[1:5])
