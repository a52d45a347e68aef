"""yunjey/pytorch-tutorial, Udacity's captioning project and aladdinpersson's: an LSTM that reads the picture first."""
import pickle
from collections import OrderedDict

import torch
import torchvision
from torch import nn

from common import *

E, H, V = 12, 16, 25
SCALES = {"embed.weight": 4, "word_embeddings.weight": 4, "linear.weight": 5, "hidden2vocab.weight": 5}
SCALES |= {f"lstm.weight_{kind}_l{layer}": 2 for kind in ("ih", "hh") for layer in (0, 1)}


# yunjey's modules.

class EncoderCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet = nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-1])
        self.linear = nn.Linear(512, E)
        self.bn = nn.BatchNorm1d(E, momentum=0.01)

    def from_map(self, map):
        return self.bn(self.linear(map.mean((1, 2))))


class DecoderRNN(nn.Module):
    def __init__(self, layers=1):
        super().__init__()
        self.embed = nn.Embedding(V, E)
        self.lstm = nn.LSTM(E, H, layers, batch_first=True)
        self.linear = nn.Linear(H, V)


# Udacity's, as one student may have written it.

class UdacityEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet = nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-1])
        self.embed = nn.Linear(512, E)

    def from_map(self, map):
        return self.embed(map.mean((1, 2)))


class UdacityDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.word_embeddings = nn.Embedding(V, E)
        self.lstm = nn.LSTM(E, H, 1, batch_first=True)
        self.hidden2vocab = nn.Linear(H, V)


# aladdinpersson's.

class InceptionEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.inception = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False)
        self.inception.fc = nn.Linear(2048, E)

    def from_map(self, map):
        return torch.relu(self.inception.fc(map.mean((1, 2))))


class CNNtoRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoderCNN = InceptionEncoder()
        self.decoderRNN = DecoderRNN()


class Captioner:
    """The image vector is the LSTM's first input, then <start>; its output after the image is not used."""

    def __init__(self, encoder, lstm, embed, linear):
        self.encoder, self.lstm, self.embed, self.linear = encoder, lstm, embed, linear

    def begin(self, map):
        v = self.encoder(map)
        _, (h, c) = self.lstm(v[:, None])
        self.first = torch.log_softmax(self.linear(h[-1]), 1)

        def step(words, state):
            h, c = (s.transpose(0, 1).contiguous() for s in state)
            out, (h, c) = self.lstm(self.embed(words)[:, None], (h, c))
            return torch.log_softmax(self.linear(out[:, 0]), 1), (h.transpose(0, 1), c.transpose(0, 1))

        return (h.transpose(0, 1), c.transpose(0, 1)), step


class Vocabulary:
    """The record of yunjey's build_vocab.py and of Udacity's vocabulary.py."""

    def __init__(self, special, **others):
        self.__dict__.update(others)
        self.word2idx, self.idx2word, self.idx = {}, {}, 0
        for word in special + WORDS[: V - len(special)]:
            self.word2idx[word] = self.idx
            self.idx2word[self.idx] = word
            self.idx += 1


def resnet_map(resnet):
    """The picture's map before the average pool, channels last."""
    x = picture()
    for layer in resnet:
        if not isinstance(layer, nn.AdaptiveAvgPool2d):
            x = layer(x)
    return x.permute(0, 2, 3, 1)


def from_picture(model, map, start, end, ids, limit):
    return {
        "map": {"shape": list(map.shape), "sum": number(map.sum()), "norm": number(map.norm())},
        "greedy": greedy(model.begin(map), start, end, limit)[0],
        "forcedLogProbabilities": numbers(forced(model.begin(map), start, ids, end)),
    }


def family(name, special, start, end, map, encoder, parts, variants, picture_map=None, every=97, step=STEP, limit=20):
    """Writes NAME.json. `variants` maps a name to a class of decoders, whose files are stored whole; `parts` are the
    names of its LSTM, table and output."""
    words = special + WORDS[: V - len(special)]
    ids = [words.index(w) for w in FIXED]
    result = {
        "features": {"name": f"{name}.features", "shape": list(map.shape)}, "words": words,
        "start": start, "end": end, "variants": {},
    }
    decoders = {}
    for variant, make_decoder in variants.items():
        def decoder(salt, addition):
            add = {parts[2] + ".bias": (end, addition)}
            return fill(make_decoder(), f"{salt}/{variant}/", SCALES, add, step)

        def make(salt, addition):
            d = decoder(salt, addition).double()
            return Captioner(encoder.from_map, *(getattr(d, p) for p in parts))

        def starts(model):
            return int(model.first.argmax()) == start

        salt, addition = search(make, map, start, end, range(len(special)), limit, ready=starts, salts=3000)
        model = make(salt, addition)
        decoders[variant] = decoder(salt, addition), salt, addition
        values = expected(model, map, start, end, ids, limit, every=every)
        model.begin(map)
        values["firstWord"] = {"id": start, "logProbability": number(model.first[0, start])}
        if picture_map is not None:
            values["fromPicture"] = from_picture(model, picture_map, start, end, ids, limit)
        result["variants"][variant] = values
        print(name, variant, (salt, addition), values["captions"], flush=True)
    write_json(f"{name}.json", result)
    return decoders


def yunjey():
    encoder = fill(EncoderCNN()).double()
    special = ["<pad>", "<start>", "<end>", "<unk>"]
    decoders = family(
        "yunjey", special, 1, 2, features("yunjey", 7, 512), encoder, ("lstm", "embed", "linear"),
        {"decoder": DecoderRNN, "decoder-2-layers": lambda: DecoderRNN(2)}, resnet_map(encoder.resnet))
    whole("yunjey-decoder.ckpt", decoders["decoder"][0].state_dict())
    decoder, salt, addition = decoders["decoder-2-layers"]
    state, prefix = decoder.state_dict(), f"{salt}/decoder-2-layers/"
    changes = changes_of(state, prefix, SCALES, {"linear.bias": (2, addition)}, STEP)
    template("yunjey-decoder-2-layers", state, {prefix + k: v for k, v in state.items()}, changes)
    state = EncoderCNN().state_dict()
    template("yunjey-encoder", state, state)
    place_in("build_vocab", Vocabulary)
    record = Vocabulary(special)
    write("yunjey-vocab-0.pkl", pickle_as_python2(record, WORDS))
    write("yunjey-vocab-3.pkl", pickle.dumps(record, 3))
    write("yunjey-vocab-4.pkl", pickle.dumps(record, 4))


def udacity():
    encoder = fill(UdacityEncoder()).double()
    special = ["<start>", "<end>", "<unk>"]
    decoders = family(
        "udacity", special, 0, 1, features("udacity", 7, 512), encoder, ("lstm", "word_embeddings", "hidden2vocab"),
        {"decoder": UdacityDecoder}, resnet_map(encoder.resnet))
    decoder, salt, addition = decoders["decoder"]
    state, prefix = decoder.state_dict(), f"{salt}/decoder/"
    changes = changes_of(state, prefix, SCALES, {"hidden2vocab.bias": (1, addition)}, STEP)
    template("udacity-decoder", state, {prefix + k: v for k, v in state.items()}, changes)
    state = UdacityEncoder().state_dict()
    template("udacity-encoder", state, state)
    place_in("vocabulary", Vocabulary)
    record = Vocabulary(special, vocab_threshold=5, vocab_file="./vocab.pkl", start_word="<start>", end_word="<end>",
                        unk_word="<unk>", annotations_file="../cocoapi/annotations/captions_train2014.json")
    write("udacity-vocab.pkl", pickle.dumps(record))


def aladdinpersson():
    """The decoder and the layer after Inception-v3; the CNN's part of the file has names and shapes only."""
    model = CNNtoRNN()
    fill(model.encoderCNN.inception.fc, "encoderCNN.inception.fc.")
    encoder = model.encoderCNN.double().eval()
    special = ["<PAD>", "<SOS>", "<EOS>", "<UNK>"]
    decoders = family(
        "aladdinpersson", special, 1, 2, features("aladdinpersson", 7, 2048), encoder, ("lstm", "embed", "linear"),
        {"decoder": DecoderRNN}, every=997, step=None, limit=50)
    _, salt, addition = decoders["decoder"]
    model = CNNtoRNN()
    trained = [*model.encoderCNN.inception.fc.parameters(), *model.decoderRNN.parameters()]
    optimiser = torch.optim.Adam(trained, lr=3e-4)
    for p in trained:
        p.grad = torch.zeros_like(p)
    optimiser.step()
    for state in optimiser.state.values():
        for tensor in state.values():
            tensor.zero_()
    root = "decoderRNN."
    named = {f"{salt}/decoder/{k[len(root):]}" if k.startswith(root) else k: v
             for k, v in model.state_dict().items()}
    names = model.decoderRNN.state_dict()
    changes = changes_of(names, f"{salt}/decoder/", SCALES, {"linear.bias": (2, addition)}, None)
    # PyTorch's versions of the modules, an attribute of the dictionary, take 3 kB; yunjey's encoder keeps them.
    plain = OrderedDict(model.state_dict().items())
    value = {"state_dict": plain, "optimizer": optimiser.state_dict(), "step": 4321}
    template("aladdinpersson", value, named, changes)
