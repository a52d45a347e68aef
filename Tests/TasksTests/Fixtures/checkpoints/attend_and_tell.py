"""sgrvinod/a-PyTorch-Tutorial-to-Image-Captioning: a checkpoint that pickles whole modules."""
import torch
import torchvision
from torch import nn

from common import *
from show_and_tell import resnet_map

A, E, H, K, V = 16, 12, 20, 512, 25
SCALES = {"embedding.weight": 4, "fc.weight": 5, "decode_step.weight_ih": 2, "decode_step.weight_hh": 2,
          "attention.full_att.weight": 4}


class Encoder(nn.Module):
    def __init__(self, encoded_image_size=14):
        super().__init__()
        self.enc_image_size = encoded_image_size
        self.resnet = nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-2])
        self.adaptive_pool = nn.AdaptiveAvgPool2d((encoded_image_size, encoded_image_size))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder_att = nn.Linear(K, A)
        self.decoder_att = nn.Linear(H, A)
        self.full_att = nn.Linear(A, 1)
        self.relu = nn.ReLU()
        self.softmax = nn.Softmax(dim=1)


class DecoderWithAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder_dim, self.attention_dim, self.embed_dim, self.decoder_dim, self.vocab_size = K, A, E, H, V
        self.attention = Attention()
        self.embedding = nn.Embedding(V, E)
        self.dropout = nn.Dropout(p=0.5)
        self.decode_step = nn.LSTMCell(E + K, H, bias=True)
        self.init_h = nn.Linear(K, H)
        self.init_c = nn.Linear(K, H)
        self.f_beta = nn.Linear(H, K)
        self.sigmoid = nn.Sigmoid()
        self.fc = nn.Linear(H, V)


place_in("models", Encoder, Attention, DecoderWithAttention)


class Captioner:
    def __init__(self, decoder):
        self.d = decoder

    def begin(self, map):
        d = self.d
        pooled = nn.functional.adaptive_avg_pool2d(map.permute(0, 3, 1, 2), (14, 14))
        regions = pooled.flatten(2).transpose(1, 2)[0]
        mean, projected = regions.mean(0), d.attention.encoder_att(regions)

        def step(words, state):
            h, c = state
            scores = torch.relu(projected[None] + d.attention.decoder_att(h)[:, None]) @ d.attention.full_att.weight[0]
            self.attention = torch.softmax(scores + d.attention.full_att.bias, 1)
            context = torch.sigmoid(d.f_beta(h)) * (self.attention @ regions)
            h, c = d.decode_step(torch.cat([d.embedding(words), context], 1), (h, c))
            return torch.log_softmax(d.fc(h), 1), (h, c)

        return (d.init_h(mean)[None], d.init_c(mean)[None]), step


def checkpoint(encoder, decoder, fine_tuned):
    """What save_checkpoint writes after a step of training. With `fine_tuned`, the encoder has an optimiser too."""
    optimiser = torch.optim.Adam(decoder.parameters(), lr=4e-4)
    for p in decoder.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step()
    for state in optimiser.state.values():
        for tensor in state.values():
            tensor.zero_()
    for p in decoder.parameters():
        p.grad = None
    encoders = None
    if fine_tuned:
        tuned = [p for child in list(encoder.resnet.children())[5:] for p in child.parameters()]
        encoders = torch.optim.Adam(tuned, lr=1e-4)
    return {
        "epoch": 11, "epochs_since_improvement": 0, "bleu-4": 0.24282101513928897, "encoder": encoder,
        "decoder": decoder, "encoder_optimizer": encoders, "decoder_optimizer": optimiser,
    }


def sgrvinod():
    name, start, end = "sgrvinod", 23, 24
    word_map = {w: i + 1 for i, w in enumerate(WORDS[: V - 4])}
    word_map |= {"<unk>": V - 3, "<start>": start, "<end>": end, "<pad>": 0}
    map = features(name, 7, K)

    def make(salt, addition):
        d = fill(DecoderWithAttention(), f"{salt}/decoder.", SCALES, {"fc.bias": (end, addition)})
        return Captioner(d.double())

    def beam(begin, start, end, k):
        return shrinking_beam(begin, start, end, k)

    salt, addition = search(make, map, start, end, (0, V - 3, start, end), 50, beam, salts=1500)
    model = make(salt, addition)
    ids = [word_map[w] for w in FIXED]
    result = {
        "features": {"name": f"{name}.features", "shape": list(map.shape)}, "picture": "checkpoints.picture",
        "wordMap": word_map, "start": start, "end": end, "bleu4": 0.24282101513928897, "epoch": 11,
        **expected(model, map, start, end, ids, 50, beam),
    }
    begin = model.begin(map)
    forced(begin, start, ids[:2], ids[2])
    result["attention"] = {"word": 2, "shape": [14, 14], "first16": numbers(model.attention[0, :16])}
    encoder = fill(Encoder(), "encoder.").double()
    x = resnet_map(encoder.resnet)
    result["fromPicture"] = {
        "map": {"shape": list(x.shape), "sum": number(x.sum()), "norm": number(x.norm())},
        "forcedLogProbabilities": numbers(forced(model.begin(x), start, ids, end)),
    }
    write_json("sgrvinod.json", result)
    write("sgrvinod-WORDMAP_x.json", json.dumps(word_map).encode())
    print(name, (salt, addition), result["captions"], flush=True)

    names = DecoderWithAttention().state_dict()
    changes = changes_of(names, f"{salt}/decoder.", SCALES, {"fc.bias": (end, addition)}, None)
    for form, writer in (("zip", template), ("legacy", legacy_template)):
        encoder, decoder = Encoder().eval(), DecoderWithAttention().eval()
        value = checkpoint(encoder, decoder, form == "zip")
        named = {f"encoder.{k}": v for k, v in encoder.state_dict().items()}
        named |= {f"{salt}/decoder.{k}": v for k, v in decoder.state_dict().items()}
        writer(f"sgrvinod-{form}", value, named, changes)
