"""Greedy captions and BLEU-4, for both training scripts and for reference.py."""

import math
from collections import Counter

import torch


def bleu4(candidates, references):
    """Corpus BLEU-4 with the closest reference's length, as pycocoevalcap computes it.

    Candidates are lists of words, references lists of lists of words, in the same order.
    """
    matched, possible = [0] * 4, [0] * 4
    length = reference_length = 0
    for words, alternatives in zip(candidates, references, strict=True):
        length += len(words)
        reference_length += min((abs(len(other) - len(words)), len(other)) for other in alternatives)[1]
        for n in range(1, 5):
            allowed = Counter()
            for other in alternatives:
                allowed |= grams(other, n)
            counts = grams(words, n)
            matched[n - 1] += sum((counts & allowed).values())
            possible[n - 1] += sum(counts.values())
    if min(matched) == 0:
        return 0.0
    precision = math.exp(sum(math.log(m / p) for m, p in zip(matched, possible)) / 4)
    return precision * min(1.0, math.exp(1 - reference_length / length))


def grams(words, n):
    return Counter(tuple(words[i:i + n]) for i in range(len(words) - n + 1))


def greedy_attention(decoder, features, wordmap, steps=50):
    """The most probable word at each step, for a batch of features [N, 14, 14, K].

    Returns a list of (words, sum of log p); the words end before <end>, whose log p counts. A caption that has not
    ended after `steps` words ends there.
    """
    names = {index: word for word, index in wordmap.items()}
    regions = features.flatten(1, 2)
    projected = decoder.attention.encoder_att(regions)
    hidden, cell = decoder.start(regions)
    previous = torch.full([len(regions)], wordmap["<start>"])
    captions = [[] for _ in regions]
    sums, open_ = torch.zeros(len(regions)), torch.ones(len(regions), dtype=torch.bool)
    for _ in range(steps):
        hidden, cell, _ = decoder.step(previous, regions, projected, hidden, cell)
        best, previous = torch.log_softmax(decoder.fc(hidden), dim=1).max(dim=1)
        sums += torch.where(open_, best, 0)
        open_ &= previous != wordmap["<end>"]
        for caption, word, unfinished in zip(captions, previous.tolist(), open_.tolist()):
            if unfinished:
                caption.append(names[word])
        if not open_.any():
            break
    return list(zip(captions, sums.tolist()))
