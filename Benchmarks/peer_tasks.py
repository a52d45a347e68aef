"""What mmx does with a captioner, in PyTorch: beam search, a word's Grad-CAM map, steps of training."""
import math

import torch
import torch.nn.functional as F

PAD, START, END, UNKNOWN = range(4)


@torch.no_grad()
def beam_search(decoder, features, beam, longest, normalisation):
    """mmx's beam search (Sources/Language/Captioning/BeamSearch.swift) for one picture; features [1, u, v, K] -> word indices."""
    a, keys, h, c = decoder.begin(features)
    regions = decoder.regions(features)
    h, c = h.expand(beam, -1), c.expand(beam, -1)
    alive, finished, last = [([], 0.0)], [], [START] * beam
    for length in range(longest):
        e = decoder.p("words.weight")[last]
        h, c, z, alpha = decoder.step(decoder.lin(e, "lstm.input"), a, keys, h, c)
        logs = decoder.score(h, z, e, None if regions is None else alpha @ regions[0]).log_softmax(1)
        logs[:, [PAD, START, UNKNOWN]] = -math.inf
        best, word = logs[:len(alive)].topk(beam + 1, dim=1)
        candidates = [(alive[r][1] + p, r, w) for r, (ps, ws) in enumerate(zip(best.tolist(), word.tolist())) for p, w in zip(ps, ws)]
        candidates.sort(key=lambda x: (-x[0], x[1], x[2]))
        following, rows = [], []
        for p, r, w in candidates:
            if len(following) == beam:
                break
            if w == END:
                finished.append((p / max(1, len(alive[r][0])) ** normalisation, alive[r][0]))
            else:
                following.append((alive[r][0] + [w], p))
                rows.append(r)
        if length + 1 == longest:
            finished += [(p / len(words) ** normalisation, words) for words, p in following]
        hope = max((p / len(words) ** normalisation for words, p in following), default=-math.inf)
        enough = len(finished) >= beam and max(finished, key=lambda x: x[0])[0] >= hope
        if enough or length + 1 == longest or not following:
            break
        alive = following
        rows += [0] * (beam - len(rows))
        last = [words[-1] for words, _ in alive] + [START] * (beam - len(alive))
        h, c = h[rows], c[rows]
    return max(finished, key=lambda x: x[0])[1]


def grad_cam(decoder, features, words, positions, maps):
    """The raw maps [len(positions), u, v] of words[position] given the words before it, as the model's configuration wants it (`maps`): of log
    p or of the visual term's part of the score, centred or not. All words' log p are computed too, as mmx prints them.

    The gradients stop at the encoder's last convolution. Several go back together, which is faster here than one after the other."""
    positions = list(positions)
    chosen = [words[p] for p in positions]
    activations = features.detach().requires_grad_()
    read = torch.tensor([START] + words)[:, None]
    if maps.get("score") == "visual":
        with torch.no_grad():
            decoder(features, read)[:, 0].log_softmax(1)
        y = decoder.visual_scores(activations, read)[positions, chosen]
    else:
        y = decoder(activations, read)[:, 0].log_softmax(1)[positions, chosen]
    if len(positions) == 1:
        gradients = torch.autograd.grad(y[0], activations)[0][None]
    else:
        gradients, = torch.autograd.grad(y, activations, torch.eye(len(positions)), is_grads_batched=True)
    raw = torch.einsum("uvk,nk->nuv", activations.detach()[0], gradients.mean((2, 3))[:, 0])
    return raw - raw.mean((1, 2), keepdim=True) if maps.get("method") == "centred-grad-cam" else raw


class Trainer:
    """The steps of `mmx train caption`'s first phase: Adam with clipping, dropout, label smoothing, an average of the weights."""

    def __init__(self, decoder):
        self.decoder = decoder
        self.parameters = list(decoder.parameters())
        self.optimizer = torch.optim.Adam(self.parameters, lr=8e-4, fused=True)
        self.average = None

    def step(self, features, captions, dropout):
        """features [M, u, v, K]; captions: word indices of N = 5 M captions."""
        longest = max(map(len, captions)) + 1
        words = torch.tensor([[START] + c + [PAD] * (longest - 1 - len(c)) for c in captions]).T
        targets = torch.tensor([c + [END] + [PAD] * (longest - 1 - len(c)) for c in captions]).T.flatten()
        keep = (targets != PAD).nonzero()[:, 0]
        drop = (lambda x: F.dropout(x, dropout)) if dropout else (lambda x: x)
        loss = F.cross_entropy(self.decoder(features, words, drop, keep), targets[keep], label_smoothing=0.1)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 5)
        self.optimizer.step()
        with torch.no_grad():
            if self.average is None:
                self.average = [p.clone() for p in self.parameters]
            else:
                torch._foreach_lerp_(self.average, self.parameters, 0.001)
        return loss.item()
