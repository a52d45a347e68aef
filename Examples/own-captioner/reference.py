"""What the frameworks themselves make of the trained models, to compare an import with.

    KERAS_BACKEND=torch python reference.py --data flickr8k --attention attention --merge merge --resnet resnet18.pth

For each model that is named, a folder reference/ beside its files gets, from the dev split:

    greedy.jsonl   {image, caption (words), log_p (the sum, with the end's)} of the first 200 images
    beam5.jsonl    the same by beam search with 5 beams (attention only)
    gradcam.json   100 entries {image, caption, position, word, log_p}: a noun of the image's greedy caption
    gradcam.npz    maps [100, 8, 8]: Grad-CAM over layer4 of the noun's log p, raw; signed: before the ReLU
    scores.json    BLEU-4 of the greedy captions of all dev images

All is computed with float32 from the photographs. Written for PyTorch 2.15, Keras 3.15 and pycocoevalcap 1.2 (which may
be missing: the BLEU-4 of scores.py, which is the same, remains).
"""

import argparse
import json
import os
import pickle
import time

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np  # noqa: E402
import torch  # noqa: E402

import flickr8k  # noqa: E402
from models import Encoder  # noqa: E402
from scores import bleu4, greedy_attention  # noqa: E402

NOUNS = set("""
    ball baseball basketball beach bench bike bicycle bird boat boy building camera car child children climber couple
    crowd dog dogs field flower football frisbee game girl girls grass group guy hat helmet hill horse jacket lake man
    men motorcycle mountain ocean park people person picture player players pool race ramp rider river road rock rocks
    sand shirt sidewalk skateboard skateboarder snow snowboarder soccer stick street surfboard surfer swing swimmer team
    tree trick water wave woman women
""".split())


class AttentionModel:
    """The checkpoint of train_attention.py. Opening it runs the pickle's code: only open your own."""

    def __init__(self, folder, _):
        checkpoint = torch.load(os.path.join(folder, "BEST_checkpoint_flickr8k.pth.tar"), weights_only=False)
        self.encoder = checkpoint["encoder"].eval().requires_grad_(False)
        self.decoder = checkpoint["decoder"].eval().requires_grad_(False)
        with open(os.path.join(folder, "WORDMAP_flickr8k.json")) as file:
            self.wordmap = json.load(file)
        self.names = {index: word for word, index in self.wordmap.items()}
        self.vocabulary = len(self.wordmap)

    def trunk(self, images):
        return self.encoder.resnet(images)

    def features(self, maps):
        return self.encoder.adaptive_pool(maps).permute(0, 2, 3, 1)

    def greedy(self, maps):
        return greedy_attention(self.decoder, self.features(maps), self.wordmap)

    def beam(self, maps, width=5, steps=50):
        """The caption with the greatest sum of log p among those that ended, for one image's maps [1, 512, 8, 8].

        All beams share the places: a beam that ends leaves one place fewer for the others. There is no normalisation by
        length. If no beam has ended after `steps` words, the best that has not ended is taken.
        """
        decoder, end = self.decoder, self.wordmap["<end>"]
        regions = self.features(maps).flatten(1, 2)
        projected = decoder.attention.encoder_att(regions)
        hidden, cell = decoder.start(regions)
        beams, sums, ended = [[self.wordmap["<start>"]]], torch.zeros(1), []
        for _ in range(steps):
            n = len(beams)
            words = torch.tensor([beam[-1] for beam in beams])
            hidden, cell, _ = decoder.step(
                words, regions.expand(n, -1, -1), projected.expand(n, -1, -1), hidden, cell)
            totals = sums.unsqueeze(1) + torch.log_softmax(decoder.fc(hidden), dim=1)
            best, places = totals.flatten().topk(width - len(ended))
            parents, chosen = places // self.vocabulary, places % self.vocabulary
            grown = [beams[parent] + [word] for parent, word in zip(parents.tolist(), chosen.tolist())]
            ended += [(total, beam) for total, beam in zip(best.tolist(), grown) if beam[-1] == end]
            going = [row for row, beam in enumerate(grown) if beam[-1] != end]
            if not going:
                break
            beams, sums = [grown[row] for row in going], best[going]
            hidden, cell = hidden[parents[going]], cell[parents[going]]
        total, beam = max(ended) if ended else (sums[0].item(), beams[0])
        return [self.names[word] for word in beam[1:] if word != end], total

    def log_p(self, maps, caption, position):
        """log p of the word at this position, given the words before it and one image's maps."""
        decoder = self.decoder
        regions = self.features(maps).flatten(1, 2)
        projected = decoder.attention.encoder_att(regions)
        hidden, cell = decoder.start(regions)
        for word in ["<start>"] + caption[:position]:
            hidden, cell, _ = decoder.step(torch.tensor([self.wordmap[word]]), regions, projected, hidden, cell)
        return torch.log_softmax(decoder.fc(hidden), dim=1)[0, self.wordmap[caption[position]]]


class MergeModel:
    """The network and the tokenizer of train_merge.py; the CNN comes from its own file."""

    def __init__(self, folder, resnet):
        import keras

        self.model = keras.saving.load_model(os.path.join(folder, "model.keras"), compile=False)
        # Keras 3.15 writes the mask of mask_zero as a layer "NotEqual" to .h5 and cannot open the network again, but
        # it can read the weights out of the file.
        ours = self.model.get_weights()
        self.model.load_weights(os.path.join(folder, "model.h5"))
        for one, other in zip(ours, self.model.get_weights(), strict=True):
            assert np.array_equal(one, other), "model.h5 and model.keras differ"
        with open(os.path.join(folder, "tokenizer.pkl"), "rb") as file:
            self.tokenizer = pickle.load(file)
        self.encoder = flickr8k.load_resnet(Encoder(), resnet)
        self.longest = self.model.inputs[1].shape[1]
        self.vocabulary = len(self.tokenizer.word_index) + 1

    def trunk(self, images):
        return self.encoder.resnet(images)

    def next_word(self, maps, rows):
        """log p of all words [N, V] after the words in `rows` (lists of indices), which are padded in front."""
        words = torch.zeros(len(rows), self.longest)
        for row, indices in enumerate(rows):
            words[row, self.longest - len(indices):] = torch.tensor(indices, dtype=torch.float32)
        return torch.log(self.model([maps.mean(dim=(2, 3)), words], training=False))

    def greedy(self, maps):
        end = self.tokenizer.word_index["endseq"]
        rows, sums = [[self.tokenizer.word_index["startseq"]] for _ in maps], [0.0] * len(maps)
        going = list(range(len(maps)))
        for _ in range(self.longest):
            best, words = self.next_word(maps[going], [rows[row] for row in going]).max(dim=1)
            for row, log_p, word in zip(list(going), best.tolist(), words.tolist()):
                sums[row] += log_p
                if word == end:
                    going.remove(row)
                else:
                    rows[row].append(word)
            if not going:
                break
        return [([self.tokenizer.index_word[word] for word in row[1:]], total) for row, total in zip(rows, sums)]

    def log_p(self, maps, caption, position):
        indices = [self.tokenizer.word_index[word] for word in ["startseq"] + caption[:position + 1]]
        return self.next_word(maps, [indices[:-1]])[0, indices[-1]]


def grad_cam(model, maps, caption, position):
    """Sum over the channels of A_k times the mean of d log p / dA_k, before the ReLU, [8, 8]; and log p."""
    maps = maps.clone().requires_grad_(True)
    log_p = model.log_p(maps, caption, position)
    gradient, = torch.autograd.grad(log_p, maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * maps).sum(dim=1)[0].detach().numpy(), log_p.item()


def coco_bleu4(candidates, references):
    """pycocoevalcap's figure, or None where it is not installed."""
    try:
        from pycocoevalcap.bleu.bleu import Bleu
    except ImportError:
        return None
    keys = range(len(candidates))
    figures, _ = Bleu(4).compute_score(
        {key: [" ".join(other) for other in references[key]] for key in keys},
        {key: [" ".join(candidates[key])] for key in keys}, verbose=0)
    return figures[3]


def write_lines(path, images, captions):
    with open(path, "w") as file:
        for image, (words, total) in zip(images, captions):
            file.write(json.dumps({"image": image, "caption": words, "log_p": total}) + "\n")


def refer(model, folder, options):
    began = time.time()
    output = os.path.join(folder, "reference")
    os.makedirs(output, exist_ok=True)
    images = flickr8k.split(options.data, "dev")[:options.limit]
    known = flickr8k.captions(options.data)

    def say(text):
        print(f"{folder}: {text}, {time.time() - began:.0f} s", flush=True)

    with torch.no_grad():
        maps = torch.cat([model.trunk(flickr8k.load_images(options.data, images[start:start + 32])).contiguous()
                          for start in range(0, len(images), 32)])
        say(f"layer4 of {len(images)} images")
        captions = [caption for start in range(0, len(images), 50) for caption in model.greedy(maps[start:start + 50])]
        write_lines(os.path.join(output, "greedy.jsonl"), images[:options.captions], captions)
        written, references = [words for words, _ in captions], [known[image] for image in images]
        scores = {"images": len(images), "vocabulary": model.vocabulary, "bleu4": bleu4(written, references),
                  "bleu4_pycocoevalcap": coco_bleu4(written, references)}
        with open(os.path.join(output, "scores.json"), "w") as file:
            json.dump(scores, file, indent=1)
        say(f"greedy captions, {scores}")
        if hasattr(model, "beam"):
            found = [model.beam(maps[row:row + 1]) for row in range(min(options.captions, len(images)))]
            write_lines(os.path.join(output, "beam5.jsonl"), images, found)
            say("beam search")

    entries, signed = [], []
    for row, (image, (words, _)) in enumerate(zip(images, captions)):
        for position, word in enumerate(words):
            if word in NOUNS and word not in words[:position] and len(entries) < options.pairs:
                values, log_p = grad_cam(model, maps[row:row + 1], words, position)
                signed.append(values)
                entries.append({"image": image, "caption": words, "position": position, "word": word, "log_p": log_p})
    with open(os.path.join(output, "gradcam.json"), "w") as file:
        json.dump(entries, file, indent=1)
    signed = np.array(signed, dtype=np.float32)
    np.savez(os.path.join(output, "gradcam.npz"), maps=np.maximum(signed, 0), signed=signed)
    say(f"{len(entries)} maps")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder with images/, captions.csv and dev.txt")
    parser.add_argument("--attention", help="the folder that train_attention.py wrote")
    parser.add_argument("--merge", help="the folder that train_merge.py wrote")
    parser.add_argument("--resnet", help="torchvision's ResNet-18 weights, for --merge")
    parser.add_argument("--limit", type=int, help="only so many dev images (default: all)")
    parser.add_argument("--captions", type=int, default=200, help="captions to write (default: 200)")
    parser.add_argument("--pairs", type=int, default=100, help="maps to write (default: 100)")
    parser.add_argument("--threads", type=int, help="threads of PyTorch (one is faster where others use the processor)")
    options = parser.parse_args()
    if options.merge and not options.resnet:
        parser.error("--merge needs --resnet: the CNN is not in the files of train_merge.py")
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    if options.attention:
        refer(AttentionModel(options.attention, options.resnet), options.attention, options)
    if options.merge:
        refer(MergeModel(options.merge, options.resnet), options.merge, options)


main()
