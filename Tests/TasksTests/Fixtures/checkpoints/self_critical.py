"""ruotianluo/ImageCaptioning.pytorch (self-critical.pytorch): captioners without their CNN, and their infos."""
import argparse
import pickle

import torch
from torch import nn

from common import *

K, E, H, A, V = 128, 8, 10, 6, 24
SCALES = {"embed.weight": 4, "embed.0.weight": 4, "logit.weight": 6, "core.attention.alpha_net.weight": 4}
SCALES |= {f"{core}.{kind}.weight": 2 for core in ("core", "_core") for kind in ("i2h", "h2h")}
SCALES |= {f"core.{kind}_l0": 2 for kind in ("weight_ih", "weight_hh")}
SCALES |= {f"core.{cell}.{kind}": 3 for cell in ("att_lstm", "lang_lstm") for kind in ("weight_ih", "weight_hh")}


class LSTMCore(nn.Module):
    """Gates i, f, o and the larger of two candidates."""

    def __init__(self, context=None):
        super().__init__()
        self.i2h = nn.Linear(E, 5 * H)
        self.h2h = nn.Linear(H, 5 * H)
        if context:
            self.a2c = nn.Linear(context, 2 * H)
            self.attention = Attention()

    def cell(self, x, h, c, more=0):
        s = self.i2h(x) + self.h2h(h)
        i, f, o = torch.sigmoid(s[:, : 3 * H]).chunk(3, 1)
        left, right = (s[:, 3 * H :] + more).chunk(2, 1)
        c = f * c + i * torch.maximum(left, right)
        return o * torch.tanh(c), c


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.h2att = nn.Linear(H, A)
        self.alpha_net = nn.Linear(A, 1)

    def forward(self, h, regions, projected):
        e = self.alpha_net(torch.tanh(projected[None] + self.h2att(h)[:, None]))[:, :, 0]
        return torch.softmax(e, 1) @ regions


class UpDownCore(nn.Module):
    def __init__(self):
        super().__init__()
        self.att_lstm = nn.LSTMCell(E + 2 * H, H)
        self.lang_lstm = nn.LSTMCell(2 * H, H)
        self.attention = Attention()


class Embedded(nn.Module):
    """What every model has: `embed` (with a ReLU behind it for some) and `logit`."""

    def __init__(self, relu=False):
        super().__init__()
        table = nn.Embedding(V, E)
        self.embed = nn.Sequential(table, nn.ReLU(), nn.Dropout(0.5)) if relu else table
        self.logit = nn.Linear(H, V)

    def logp(self, h):
        return torch.log_softmax(self.logit(h), 1)

    def zeros(self):
        return torch.zeros(1, H).double()


class FCModel(Embedded):
    def __init__(self):
        super().__init__()
        self.img_embed = nn.Linear(K, E)
        self.core = LSTMCore()

    def parts(self):
        return self.img_embed, self.core

    def begin(self, map):
        image, core = self.parts()
        state = core.cell(image(map.mean((1, 2))), self.zeros(), self.zeros())

        def step(words, state):
            h, c = core.cell(self.embed(words), *state)
            return self.logp(h), (h, c)

        return state, step


class NewFCModel(FCModel):
    def __init__(self):
        Embedded.__init__(self)
        self.fc_embed = nn.Linear(K, E)
        self._core = LSTMCore()

    def parts(self):
        return self.fc_embed, self._core


class ShowTellModel(Embedded):
    def __init__(self):
        super().__init__()
        self.img_embed = nn.Linear(K, E)
        self.core = nn.LSTM(E, H, 1, bias=False)

    def begin(self, map):
        _, (h, c) = self.core(self.img_embed(map.mean((1, 2)))[None])

        def step(words, state):
            _, (h, c) = self.core(self.embed(words)[None], tuple(s[None] for s in state))
            return self.logp(h[0]), (h[0], c[0])

        return (h[0], c[0]), step


def regions_of(map):
    pooled = nn.functional.adaptive_avg_pool2d(map.permute(0, 3, 1, 2), (14, 14))
    return pooled.flatten(2).transpose(1, 2)[0]


class Att2inModel(Embedded):
    def __init__(self):
        super().__init__()
        self.ctx2att = nn.Linear(K, A)
        self.core = LSTMCore(context=K)

    def regions(self, map):
        return regions_of(map)

    def begin(self, map):
        regions = self.regions(map)
        projected = self.ctx2att(regions)

        def step(words, state):
            z = self.core.attention(state[0], regions, projected)
            h, c = self.core.cell(self.embed(words), *state, self.core.a2c(z))
            return self.logp(h), (h, c)

        return (self.zeros(), self.zeros()), step


def att_embed(use_bn):
    before = [nn.BatchNorm1d(K)] if use_bn else []
    after = [nn.BatchNorm1d(H)] if use_bn == 2 else []
    return nn.Sequential(*before, nn.Linear(K, H), nn.ReLU(), nn.Dropout(0.5), *after)


class Att2in2Model(Att2inModel):
    def __init__(self, use_bn=0):
        Embedded.__init__(self, relu=True)
        self.att_embed = att_embed(use_bn)
        self.ctx2att = nn.Linear(H, A)
        self.core = LSTMCore(context=H)

    def regions(self, map):
        return self.att_embed(regions_of(map))


class UpDownModel(Embedded):
    def __init__(self):
        super().__init__(relu=True)
        self.fc_embed = nn.Sequential(nn.Linear(K, H), nn.ReLU(), nn.Dropout(0.5))
        self.att_embed = att_embed(0)
        self.ctx2att = nn.Linear(H, A)
        self.core = UpDownCore()

    def begin(self, map):
        fc = self.fc_embed(map.mean((1, 2)))
        regions = self.att_embed(regions_of(map))
        projected, core = self.ctx2att(regions), self.core

        def step(words, state):
            att_h, att_c, lang_h, lang_c = state
            x = torch.cat([lang_h, fc.expand(len(words), -1), self.embed(words)], 1)
            att_h, att_c = core.att_lstm(x, (att_h, att_c))
            z = core.attention(att_h, regions, projected)
            lang_h, lang_c = core.lang_lstm(torch.cat([z, att_h], 1), (lang_h, lang_c))
            return self.logp(lang_h), (att_h, att_c, lang_h, lang_c)

        return (self.zeros(),) * 4, step


# name: (opt.caption_model, use_bn, the longest caption, model)
MODELS = {
    "fc": ("fc", 0, 16, FCModel), "newfc": ("newfc", 0, 20, NewFCModel),
    "show_tell": ("show_tell", 0, 16, ShowTellModel),
    "att2in": ("att2in", 0, 20, Att2inModel), "att2in2": ("att2in2", 0, 20, Att2in2Model),
    "att2in2-bn1": ("att2in2", 1, 20, lambda: Att2in2Model(1)),
    "att2in2-bn2": ("att2in2", 2, 20, lambda: Att2in2Model(2)),
    "updown": ("updown", 0, 20, UpDownModel),
}


def infos(name, vocab):
    caption_model, use_bn, _, _ = MODELS[name]
    opt = argparse.Namespace(
        id=name, caption_model=caption_model, rnn_size=H, num_layers=1, rnn_type="lstm", input_encoding_size=E,
        att_hid_size=A, fc_feat_size=K, att_feat_size=K, vocab_size=V - 1, seq_length=16, max_length=20, use_bn=use_bn,
        logit_layers=1, beam_size=1, batch_size=10, learning_rate=0.0005, drop_prob_lm=0.5, start_from=None,
        checkpoint_path="log_" + name, input_json="data/cocotalk.json", norm_att_feat=0, norm_box_feat=0, use_box=0)
    return {
        "iter": 129000, "epoch": 30, "iterators": {"train": 5, "val": 0, "test": 0},
        "split_ix": {"train": [4, 2, 9], "val": [1], "test": [7]}, "best_val_score": 0.9375, "opt": opt, "vocab": vocab,
    }


def ruotianluo():
    words = WORDS[: V - 2] + ["UNK"]
    vocab = {str(i + 1): w for i, w in enumerate(words)}
    ids = [words.index(w) + 1 for w in FIXED]
    map = features("ruotianluo", 7, K)
    result = {
        "features": {"name": "ruotianluo.features", "shape": list(map.shape)}, "words": [""] + words, "start": 0,
        "end": 0, "models": {},
    }
    for name, (_, _, limit, make_model) in MODELS.items():
        scales = SCALES | ({"embed.0.weight": 8, "fc_embed.0.weight": 0.3} if name == "updown" else {})

        def build(salt, addition):
            return fill(make_model(), f"{salt}/{name}/", scales, {"logit.bias": (0, addition)}, step=STEP)

        def make(salt, addition):
            return build(salt, addition).double()

        def beam(begin, start, end, k):
            return refilled_beam(begin, start, end, k, limit)

        salt, addition = search(make, map, 0, 0, (0, V - 1), limit, beam, salts=2000)
        state = build(salt, addition).state_dict()
        if name == "fc":
            whole(f"ruotianluo-{name}.pth", state)
        else:
            changes = changes_of(state, f"{salt}/{name}/", scales, {"logit.bias": (0, addition)}, STEP)
            template(f"ruotianluo-{name}", state, {f"{salt}/{name}/{k}": v for k, v in state.items()}, changes)
        write(f"ruotianluo-{name}-infos-2.pkl.gz", pickle.dumps(infos(name, vocab), 2))
        if name in ("fc", "att2in", "updown"):
            write(f"ruotianluo-{name}-infos-0.pkl.gz", pickle_as_python2(infos(name, vocab)))
        result["models"][name] = {"limit": limit, **expected(make(salt, addition), map, 0, 0, ids, limit, beam)}
        print("ruotianluo", name, (salt, addition), result["models"][name]["captions"], flush=True)
    write_json("ruotianluo.json", result)
