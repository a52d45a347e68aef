"""Made-up captions of 42 images and their scores: caption_scores.json, read by CaptionMetricsTests.

pycocoevalcap 1.2, NumPy 2.4.6, Python 3.11.7: Bleu(4), Rouge and Cider on tokens joined by spaces.
The captions are drawn from the small grammar below, with Python's random, seed 7; the first fifteen are edge cases.

    python caption_scores.py
"""

import json
import random
from pathlib import Path

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

WHO = ["a red kite", "two small boats", "an old baker", "the goat", "a girl with a drum", "seven geese", "a robot"]
DOES = ["rests on", "moves past", "looks at", "is painted on", "falls from", "stands behind", "is tied to"]
WHERE = ["a wall", "the harbour", "a pile of bread", "the roof of a barn", "a frozen pond", "the moon", "a bus"]
HOW = ["", " at night", " in the rain", " , slowly", " while others watch", " again and again and again"]

EDGE = [
    ("", ["a red kite rests on a wall"]),
    ("", ["", "a goat"]),
    ("goat", ["goat"]),
    ("goat", ["a goat", "the goat sleeps"]),
    ("the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"]),
    ("a a a a", ["a"]),
    ("seven geese", ["seven geese", "seven geese"]),
    ("a robot looks at the moon", ["a robot looks at the moon"]),
    ("a robot looks at the moon a robot looks at the moon a robot looks at the moon again", ["a robot looks", "moon"]),
    ("zebra xylophone quartz", ["a goat stands", "the goat", "goats"]),
    ("the moon looks at a robot", ["a robot looks at the moon", "a robot sees the moon"]),
    ("one two three four five", ["one two three four", "one two three four five six"]),
    ("one two three", ["one two three", "one two three four", "two three", "three", "four"]),
    ("a girl with a drum 's mother", ["a girl 's drum", "a girl with a drum", "the mother of a girl with a drum"]),
    ("x", [""]),
]


def main():
    draw = random.Random(7)

    def sentence(who, where):
        return f"{who} {draw.choice(DOES)} {where}{draw.choice(HOW)}"

    images = list(EDGE)
    while len(images) < 42:
        who, where = draw.choice(WHO), draw.choice(WHERE)
        references = [
            sentence(who if draw.random() < 0.7 else draw.choice(WHO), where if draw.random() < 0.7 else draw.choice(WHERE))
            for _ in range(draw.randint(1, 5))
        ]
        images.append((sentence(who, where if draw.random() < 0.8 else draw.choice(WHERE)), references))
    res = {i: [c] for i, (c, _) in enumerate(images)}
    gts = {i: r for i, (_, r) in enumerate(images)}
    bleu, bleus = Bleu(4).compute_score(gts, res, verbose=0)
    rouge, rouges = Rouge().compute_score(gts, res)
    cider, ciders = Cider().compute_score(gts, res)

    def scores(b, r, c):
        return {f"bleu{n + 1}": float(b[n]) for n in range(4)} | {"rougeL": float(r), "ciderD": float(c)}

    rows = [
        {"candidate": c, "references": r, "scores": scores([bleus[n][i] for n in range(4)], rouges[i], ciders[i])}
        for i, (c, r) in enumerate(images)
    ]
    lines = ",\n".join(json.dumps(row, sort_keys=True) for row in rows)
    text = '{"set": ' + json.dumps(scores(bleu, rouge, cider), sort_keys=True) + ',\n"images": [\n' + lines + "\n]}\n"
    Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
