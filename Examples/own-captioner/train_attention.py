"""Trains a captioner with soft attention on Flickr8k, and keeps the checkpoint with the best dev loss.

    python train_attention.py --data flickr8k --resnet resnet18.pth --output attention --minutes 35

writes attention/BEST_checkpoint_flickr8k.pth.tar (torch.save of a dictionary with the whole modules) and
attention/WORDMAP_flickr8k.json ({word: index}). The CNN stays as it is, so its maps are computed once. The attention
looks at 14x14 regions, which the CNN's 8x8 cells are pooled to. To save time, the training looks at the 8x8 cells
themselves first, and at the regions in the last part (--fine); the dev loss is always that of the regions. Written for
PyTorch 2.15.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
from torch import nn

import flickr8k
from models import DecoderWithAttention, Encoder
from scores import bleu4, greedy_attention

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", required=True, help="the folder with images/, captions.csv, train.txt and dev.txt")
parser.add_argument("--resnet", required=True, help="torchvision's ResNet-18 weights")
parser.add_argument("--output", required=True, help="the folder to write to")
parser.add_argument("--maps", help="where to keep the CNN's maps, 460 MB (default: layer4.npy in --output)")
parser.add_argument("--minutes", type=float, default=35, help="the learning rate falls to zero over this time")
parser.add_argument("--fine", type=float, default=0.3, help="the part of the time that 14x14 regions are used in")
parser.add_argument("--threads", type=int, help="threads of PyTorch (one is faster where others use the processor)")
parser.add_argument("--limit", type=int, help="use only so many training images and a fifth as many dev images")
parser.add_argument("--bfloat16", action="store_true", help="products in bfloat16: faster on processors that have it")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

ATTENTION, EMBEDDING, HIDDEN = 256, 256, 512
LEAST_COUNT, LONGEST = 5, 50
IMAGES_A_BATCH = 16
LEARNING_RATE, CLIP = 1e-3, 5.0


def autocast():
    return torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16)


class Part:
    """Images with their captions as indices, <start> first and <end> last."""

    def __init__(self, names, captions, wordmap, maps, first):
        self.names, self.maps, self.first = names, maps, first
        unknown = wordmap["<unk>"]
        self.words = [captions[name] for name in names]
        self.indices = [
            [[wordmap["<start>"]] + [wordmap.get(word, unknown) for word in words[:LONGEST]] + [wordmap["<end>"]]
             for words in five]
            for five in self.words]

    def features(self, positions, pool):
        """[N, 14, 14, 512] of the images at these positions ([N, 8, 8, 512] where the pool is an Identity)."""
        maps = torch.from_numpy(self.maps[[self.first + p for p in positions]].astype(np.float32))
        return pool(maps).permute(0, 2, 3, 1).contiguous()

    def batch(self, positions):
        """All captions of these images, the longest first: indices [N, T], lengths, and whose caption each is."""
        rows = [(caption, owner) for owner, p in enumerate(positions) for caption in self.indices[p]]
        rows.sort(key=lambda row: -len(row[0]))
        captions = torch.zeros(len(rows), len(rows[0][0]), dtype=torch.long)
        for row, (caption, _) in enumerate(rows):
            captions[row, :len(caption)] = torch.tensor(caption)
        return captions, [len(caption) - 1 for caption, _ in rows], torch.tensor([owner for _, owner in rows])


def loss_of(decoder, features, captions, lengths, owners):
    """The cross-entropy of the words, and beside it the penalty for regions that no word looked at."""
    logits, targets, looked = decoder(features, captions, lengths, owners)
    entropy = nn.functional.cross_entropy(logits.float(), targets)
    return entropy, ((1 - looked.float()) ** 2).mean(), len(targets)


def evaluate(decoder, part, pool, wordmap):
    """The mean cross-entropy of a word, and BLEU-4 of the greedy captions."""
    decoder.eval()
    total = words = 0
    written = []
    with torch.inference_mode(), autocast():
        for start in range(0, len(part.names), 50):
            positions = list(range(start, min(start + 50, len(part.names))))
            features = part.features(positions, pool)
            entropy, _, count = loss_of(decoder, features, *part.batch(positions))
            total, words = total + entropy.item() * count, words + count
            written += [caption for caption, _ in greedy_attention(decoder, features, wordmap)]
    decoder.train()
    return total / words, bleu4(written, part.words)


def main():
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    os.makedirs(options.output, exist_ok=True)
    captions = flickr8k.captions(options.data)
    train, dev = flickr8k.split(options.data, "train"), flickr8k.split(options.data, "dev")
    if options.limit:
        train, dev = train[:options.limit], dev[:max(1, options.limit // 5)]

    frequent = flickr8k.frequent([words for name in train for words in captions[name]], LEAST_COUNT)
    wordmap = {word: index + 1 for index, word in enumerate(frequent)}
    for special in ("<unk>", "<start>", "<end>"):
        wordmap[special] = len(wordmap) + 1
    wordmap["<pad>"] = 0
    with open(os.path.join(options.output, "WORDMAP_flickr8k.json"), "w") as file:
        json.dump(wordmap, file)

    encoder = flickr8k.load_resnet(Encoder(), options.resnet)
    maps = flickr8k.layer4(options.data, encoder, options.maps or os.path.join(options.output, "layer4.npy"),
                           train + dev, options.bfloat16)
    train_part = Part(train, captions, wordmap, maps, 0)
    dev_part = Part(dev, captions, wordmap, maps, len(train))

    decoder = DecoderWithAttention(ATTENTION, EMBEDDING, HIDDEN, len(wordmap), encoder_dim=512)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=LEARNING_RATE)
    print(f"{len(wordmap)} words, {len(train)} + {len(dev)} images", flush=True)

    began, best, since, epoch = time.time(), math.inf, 0, 0
    while time.time() - began < 60 * options.minutes:
        order = torch.randperm(len(train)).tolist()
        for start in range(0, len(order), IMAGES_A_BATCH):
            fraction = (time.time() - began) / (60 * options.minutes)
            if fraction >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * (0.5 + 0.5 * math.cos(math.pi * fraction))
            positions = order[start:start + IMAGES_A_BATCH]
            pool = encoder.adaptive_pool if fraction > 1 - options.fine else nn.Identity()
            with autocast():
                entropy, penalty, _ = loss_of(
                    decoder, train_part.features(positions, pool), *train_part.batch(positions))
            optimizer.zero_grad()
            (entropy + penalty).backward()
            nn.utils.clip_grad_norm_(decoder.parameters(), CLIP)
            optimizer.step()
            if start % (50 * IMAGES_A_BATCH) == 0:
                print(f"epoch {epoch}, image {start}: loss {entropy.item():.3f} + {penalty.item():.3f}, "
                      f"{(time.time() - began) / 60:.1f} min", flush=True)
        loss, bleu = evaluate(decoder, dev_part, encoder.adaptive_pool, wordmap)
        better = loss < best
        print(f"epoch {epoch}: dev loss {loss:.4f}, dev BLEU-4 {bleu:.4f}{', kept' if better else ''}, "
              f"{(time.time() - began) / 60:.1f} min", flush=True)
        since = 0 if better else since + 1
        if better:
            best = loss
            save(encoder, decoder, optimizer, epoch, since, bleu)
        epoch += 1


def save(encoder, decoder, optimizer, epoch, since, bleu):
    """Whole modules, as many tutorials save them. The CNN was not trained, so it has no optimiser."""
    path = os.path.join(options.output, "BEST_checkpoint_flickr8k.pth.tar")
    decoder.eval()
    torch.save({
        "epoch": epoch, "epochs_since_improvement": since, "bleu-4": bleu,
        "encoder": encoder, "decoder": decoder, "encoder_optimizer": None, "decoder_optimizer": optimizer,
    }, path + ".new")
    os.replace(path + ".new", path)
    decoder.train()


main()
