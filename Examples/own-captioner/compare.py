"""Imports the trained captioners with mmx and compares it with what reference.py wrote.

    python compare.py --data flickr8k --attention attention --merge merge --resnet $RESNET --mmx ../../.build/release/mmx

For each model: mmx's greedy captions of the dev images and their BLEU-4 beside the framework's; how many of the first
captions are the same word for word, greedy and by beam search; the worst difference of their log p; and the 100 words'
Grad-CAM maps, each compared by its largest difference over the map's largest value.
"""
import argparse
import json
import os
import subprocess
import tempfile

import numpy as np

from flickr8k import captions, split
from scores import bleu4


def run(options, *arguments, stdin=None):
    """A command of mmx; its standard output."""
    return subprocess.run(
        [options.mmx, *arguments], input=stdin, check=True, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL).stdout


def written(options, model, images, beam):
    """{image: (words, sum of log p with the end's)} by mmx."""
    names = "\n".join(os.path.join(options.data, "images", name) for name in images)
    out = run(options, "caption", "-", "--model", model, "--beam", str(beam), "--jsonl", stdin=names)
    found = {}
    for line in out.splitlines():
        record = json.loads(line)
        total = sum(word["logProbability"] for word in record["words"]) + record["endLogProbability"]
        found[os.path.basename(record["image"])] = ([word["word"] for word in record["words"]], total)
    return found


def same(reference, found, names, limit):
    """Equal captions, all, and the worst difference of log p among the equal ones. Captions that do not end have
    `limit` words in the reference; mmx's are compared as far, without their log p."""
    equal, worst = 0, 0.0
    for entry in reference:
        words, total = found[entry["image"]]
        right = [names.get(w, w) for w in entry["caption"]]
        if words[:limit] == right:
            equal += 1
            if len(right) < limit:
                worst = max(worst, abs(total - entry["log_p"]))
    return equal, len(reference), worst


def maps(options, model, folder):
    """The differences of the 100 words' maps, relative to each map's largest value."""
    entries = json.load(open(f"{folder}/reference/gradcam.json"))
    expected = np.load(f"{folder}/reference/gradcam.npz")["maps"]
    differences = []
    with tempfile.TemporaryDirectory() as output:
        lines = "\n".join(
            json.dumps({"image": os.path.join(os.path.abspath(options.data), "images", e["image"]),
                        "caption": " ".join("unknownword" if w == "<unk>" else w for w in e["caption"])})
            for e in entries)
        run(options, "caption", "-", "--model", model, "--explain-all", "--method", "grad-cam", "--score",
            "log-probability", "--smooth", "1", "--output", output, stdin=lines)
        records = [json.loads(line) for line in open(f"{output}/results.jsonl")]
        for entry, record, right in zip(entries, records, expected, strict=True):
            archive = np.load(f"{output}/{record['maps']}")
            found = archive[f"{record['index']:09d}-grad-cam"][entry["position"]]
            largest = max(right.max(), 1e-9)
            differences.append(np.abs(np.maximum(found, 0) - right).max() / largest)
    return np.array(differences)


def main():
    parser = argparse.ArgumentParser()
    for name in ("data", "attention", "merge", "resnet"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--mmx", default="mmx")
    options = parser.parse_args()
    images, known = split(options.data, "dev"), captions(options.data)
    # mmx's words for the special ones of the two vocabularies.
    names = {"<unk>": "<unknown>"}
    kinds = {
        "attention": ["BEST_checkpoint_flickr8k.pth.tar", "--vocabulary", "WORDMAP_flickr8k.json"],
        "merge": ["model.h5", "--vocabulary", "tokenizer.pkl"],
    }
    with tempfile.TemporaryDirectory() as temporary:
        for kind, files in kinds.items():
            folder = getattr(options, kind)
            if not folder:
                continue
            model = f"{temporary}/{kind}"
            files = [f"{folder}/{f}" if "." in f else f for f in files]
            beside = ["--encoder-weights", options.resnet] if kind == "merge" else []
            run(options, "model", "import", *files, *beside, "--output", model)
            if kind == "merge":
                # The importer cannot know how this script prepared its images: squashed to 256x256.
                path = f"{model}/config.json"
                configuration = json.load(open(path))
                configuration["preprocessing"] |= {"width": 256, "height": 256, "fit": "squash", "filter": "bilinear"}
                configuration["preprocessing"].pop("resizeShortSide", None)
                json.dump(configuration, open(path, "w"))
            greedy = written(options, model, images, 1)
            back = {new: old for old, new in names.items()}
            score = bleu4([[back.get(w, w) for w in greedy[i][0]] for i in images], [known[i] for i in images])
            theirs = json.load(open(f"{folder}/reference/scores.json"))["bleu4"]
            print(f"{kind}: BLEU-4 of {len(images)} dev images: mmx {score:.4f}, the framework {theirs:.4f}")
            for search, beam in (("greedy", 1), ("beam5", 5)):
                path = f"{folder}/reference/{search}.jsonl"
                if os.path.exists(path):
                    reference = [json.loads(line) for line in open(path)]
                    found = greedy if beam == 1 else written(options, model, [e["image"] for e in reference], beam)
                    limit = 50 if kind == "attention" else 36
                    equal, count, worst = same(reference, found, names, limit)
                    print(f"    {search}: {equal} of {count} captions the same, log p within {worst:.1e}")
            differences = maps(options, model, folder)
            print(f"    Grad-CAM of {len(differences)} words: worst difference {differences.max():.1e} of the map's "
                  f"largest value, median {np.median(differences):.1e}")


if __name__ == "__main__":
    main()
