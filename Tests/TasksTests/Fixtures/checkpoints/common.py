"""What the scripts of this folder share: reproducible values, what they write, and the repositories' searches."""
import gzip
import io
import json
import os
import pickle
import pickletools
import struct
import sys
import types
import zipfile

import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
torch.set_grad_enabled(False)
torch.set_num_threads(1)

# 24 words. Each family takes as many as its own special words leave of 25 ids.
WORDS = ("a the man dog on with is red ball sitting in grass near cat plays of street water and white horse two "
         "table bus").split()
# A fixed caption of six words, for log-probabilities; each family gives the ids.
FIXED = "a red dog plays near water".split()


# Values. The same as in Tests/VisionTests/Fixtures/make_encoders.py and TestSupport/ReproducibleWeights.swift.

def fnv(text):
    h = 2166136261
    for byte in text.encode():
        h = (h ^ byte) * 16777619 % 2**32
    return h


def noise(name, shape):
    count = int(np.prod(shape))
    out = np.empty(count, np.float32)
    salt = np.uint32(fnv(name))
    for start in range(0, count, 1 << 22):
        h = np.arange(start, min(count, start + (1 << 22)), dtype=np.uint32)
        h *= np.uint32(0x9E3779B1)
        h += salt
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> np.uint32(13)
        h *= np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
        out[start : start + len(h)] = (h >> np.uint32(8)).astype(np.float32) * np.float32(2**-24) - np.float32(0.5)
    return out.reshape(shape)


GAIN = 0.7
# Weights of files that are stored whole are multiples of it, because such files compress better.
STEP = 1 / 32


def parameter(name, shape):
    values = noise(name, shape)
    if len(shape) > 1:
        values *= np.float32(2 * np.sqrt(6 / np.prod(shape[1:])))
    elif name.endswith("running_var"):
        values += np.float32(1)
    elif name.endswith("weight"):
        values = (values * np.float32(0.4) + np.float32(1)) * np.float32(GAIN)
    else:
        values *= np.float32(0.4)
    return torch.from_numpy(values)


def fill(module, prefix="", scales={}, add={}, step=None):
    """Gives every tensor of a module its reproducible values.

    `prefix` is put before the tensor's name; `scales` multiplies the tensors whose names end like its keys, `add` is
    {name: (index, value)}. `step` rounds to its multiples, so that a file compresses well."""
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            tensor.zero_()
            continue
        values = parameter(prefix + name, tuple(tensor.shape))
        values *= np.float32(scales.get(name, 1))
        if name in add:
            index, value = add[name]
            values[index] += np.float32(value)
        if step:
            values = torch.round(values / step) * step
        tensor.copy_(values)
    return module.eval()


def features(family, side, channels):
    """A map without a CNN: |noise| * 4, channels last, in float64."""
    return torch.from_numpy(np.abs(noise(f"{family}.features", (1, side, side, channels))) * np.float32(4)).double()


def picture():
    """64x64 RGB bytes: the top 8 bits of each hash. Returns them normalised, [1, 3, 64, 64] in float64."""
    bytes = np.floor((noise("checkpoints.picture", (64, 64, 3)) + np.float32(0.5)) * np.float32(256)).astype(np.uint8)
    x = torch.from_numpy(bytes).double() / 255
    x = (x - torch.tensor([0.485, 0.456, 0.406]).double()) / torch.tensor([0.229, 0.224, 0.225]).double()
    return x.permute(2, 0, 1)[None].contiguous()


# Files.

def write(name, data):
    """A file; a name that ends in .gz is compressed, with a header of 10 bytes and no name in it."""
    if name.endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)
    with open(os.path.join(here, name), "wb") as f:
        f.write(data)


def lines(value, indent=""):
    """JSON, a line for each member down to the third level."""
    if isinstance(value, dict) and len(indent) < 3:
        inner = ",\n".join(f"{indent} {json.dumps(k)}: {lines(v, indent + ' ')}" for k, v in value.items())
        return "{\n" + inner + "\n" + indent + "}"
    return json.dumps(value)


def write_json(name, value):
    write(name, (lines(value) + "\n").encode())


def number(x):
    return float("%.10g" % float(x))


def numbers(values):
    return [number(v) for v in torch.as_tensor(values).reshape(-1)]


def gradient(g, every=97):
    flat = g.reshape(-1)
    return {"sum": number(flat.sum()), "norm": number(flat.norm()), "every": every, "values":
            [float("%.6g" % v) for v in flat[::every]]}


def whole(name, value):
    """The file as PyTorch writes it, compressed."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    write(name + ".gz", buffer.getvalue())


def place_in(module_name, *classes):
    """Pickle writes a class by its module and name."""
    module = sys.modules.setdefault(module_name, types.ModuleType(module_name))
    for c in classes:
        c.__module__, c.__qualname__ = module_name, c.__name__
        setattr(module, c.__name__, c)


def number_tensors(named):
    """Fills each tensor with its number in the list, so that its storage can be found in the file."""
    for i, tensor in enumerate(named.values()):
        tensor.data.fill_(i + 1)


def changes_of(names, prefix, scales, add, step):
    """What `fill` did to each tensor beyond the hash, for `template`."""
    out = {}
    for name in names:
        change = {"scale": scales[name]} if name in scales else {}
        if name in add and add[name][1]:
            change["add"] = list(add[name])
        if step:
            change["step"] = step
        if change:
            out[prefix + name] = change
    return out


def storage_entry(key, data, named, changes):
    """[key, name, dtype, shape] and, for a tensor changed after hashing, {"scale", "add", "step"}; no name: zeros."""
    items = list(named.items())
    for format, dtype in (("<q", torch.int64), ("<f", torch.float32)):
        if len(data) >= struct.calcsize(format):
            value = struct.unpack_from(format, data)[0]
            if 1 <= value <= len(items) and value == int(value):
                name, tensor = items[int(value) - 1]
                if tensor.dtype == dtype and tensor.numel() * tensor.element_size() == len(data):
                    entry = [key, name, str(dtype)[6:], list(tensor.shape)]
                    return entry + [changes[name]] if name in changes else entry
    assert not any(data), key
    return [key, "", "float32", [len(data) // 4]]


def template(name, value, named, changes={}):
    """NAME.data.pkl.gz and NAME.storages.json.gz: a checkpoint in zip form without its numbers.

    `named` maps the names to hash to the tensors in `value`."""
    number_tensors(named)
    buffer = io.BytesIO()
    torch.save(value, buffer)
    archive = zipfile.ZipFile(buffer)
    root = archive.namelist()[0].split("/")[0]
    keys = sorted((n.split("/")[-1] for n in archive.namelist() if f"{root}/data/" in n), key=int)
    entries = [storage_entry(k, archive.read(f"{root}/data/{k}"), named, changes) for k in keys]
    assert sorted(e[1] for e in entries if e[1]) == sorted(named)
    write(f"{name}.data.pkl.gz", archive.read(f"{root}/data.pkl"))
    write(f"{name}.storages.json.gz", json.dumps(entries, separators=(",", ":")).encode())


def legacy_template(name, value, named, changes={}):
    """NAME.head.gz and NAME.storages.json.gz: the stream of PyTorch before 1.6 up to its storages, which follow in the
    order of the list, each as its number of elements (8 bytes) and its elements.

    The stream holds each class's source text. PyTorch's is not ours to copy, so a line stands for it. Its keys are
    addresses; numbers in order of appearance stand for them, so that the file is the same each time."""
    number_tensors(named)
    lines = lambda c: ([f"class {c.__name__}(Module):\n", "    pass\n"], 1, "models.py")
    torch.serialization.get_source_lines_and_file = lines
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=False)
    buffer.seek(0)
    for part in range(5):
        start = buffer.tell()
        for _ in pickletools.genops(buffer):
            pass
    end = buffer.tell()
    data = buffer.getvalue()
    keys = pickle.loads(data[start:end])
    stream, entries = data[:start], {}
    order = sorted(keys, key=lambda k: stream.index(k.encode()))
    renamed = {key: str(order.index(key)).zfill(14) for key in keys}
    coded = lambda text: b"X" + struct.pack("<I", len(text)) + text.encode()
    for key, new in renamed.items():
        stream = stream.replace(coded(key), coded(new))
    for key in keys:
        count = struct.unpack_from("<q", data, end)[0]
        # The size of an element is known from the number that the tensor was filled with.
        for size in (8, 4):
            try:
                entry = storage_entry(renamed[key], data[end + 8 : end + 8 + count * size], named, changes)
            except AssertionError:
                continue
            if (size == 8) == (entry[2] == "int64"):
                break
        entries[renamed[key]] = entry
        end += 8 + count * size
    head = stream + pickle.dumps(sorted(entries), 2)
    entries = [entries[key] for key in sorted(entries)]
    assert end == len(data) and sorted(e[1] for e in entries if e[1]) == sorted(named)
    write(f"{name}.head.gz", head)
    write(f"{name}.storages.json.gz", json.dumps(entries, separators=(",", ":")).encode())


class Python2Pickler(pickle._Pickler):
    """Protocol 0 as Python 2 writes it: its byte strings are S'...' lines; its unicode strings V... lines."""

    dispatch = pickle._Pickler.dispatch.copy()
    unicode = frozenset()

    def save_str(self, text):
        if text in self.unicode:
            return pickle._Pickler.save_str(self, text)
        self.write(b"S" + repr(text).encode("ascii") + b"\n")
        self.memoize(text)

    dispatch[str] = save_str


def pickle_as_python2(value, unicode=()):
    buffer = io.BytesIO()
    pickler = Python2Pickler(buffer, 0)
    pickler.unicode = frozenset(unicode)
    pickler.dump(value)
    return buffer.getvalue()


# Searches. A captioner is `begin(map) -> state, step` and `step(words, state) -> log p [k, V], state`; a state is a
# tuple of tensors with a row for each beam.

def take(state, rows):
    return tuple(s[rows] for s in state)


def greedy(begin, start, end, limit):
    state, step = begin
    ids, total, margin, word = [], 0.0, 1e9, start
    for _ in range(limit):
        logp, state = step(torch.tensor([word]), state)
        best = logp[0].topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        word, total = int(best.indices[0]), total + float(best.values[0])
        if word == end:
            return {"ids": ids, "logProbability": number(total), "ended": True}, margin
        ids.append(word)
    return {"ids": ids, "logProbability": number(total), "ended": False}, margin


def select(sums, k):
    """The best k of [rows, V] and the distance to the next."""
    flat = sums.reshape(-1)
    best = flat.topk(min(k + 1, flat.numel()))
    margin = float(best.values[k - 1] - best.values[k]) if flat.numel() > k else 1e9
    return best.values[:k], best.indices[:k] // sums.shape[1], best.indices[:k] % sums.shape[1], margin


def best_of(done, margin):
    done = sorted(done, key=lambda d: -d[0])
    if len(done) > 1:
        margin = min(margin, done[0][0] - done[1][0])
    return {"ids": done[0][1], "logProbability": number(done[0][0]), "ended": True}, margin


def shrinking_beam(begin, start, end, k, limit=50):
    """sgrvinod: a beam that ends leaves and k shrinks; the best sum of log p, the end's included."""
    state, step = begin
    rows, sums, words, done, margin = [[]], torch.zeros(1).double(), torch.tensor([start]), [], 1e9
    for _ in range(limit + 1):
        logp, state = step(words, state)
        sums, parents, words, distance = select(sums[:, None] + logp, k)
        margin = min(margin, distance)
        rows = [rows[p] + [int(w)] for p, w in zip(parents, words)]
        done += [(float(s), r[:-1]) for s, r in zip(sums, rows) if r[-1] == end]
        open = [i for i, r in enumerate(rows) if r[-1] != end]
        k = len(open)
        if k == 0:
            break
        state = take(state, parents[open])
        rows, sums, words = [rows[i] for i in open], sums[open], words[open]
    return best_of(done, margin) if done else ({"ids": [], "logProbability": 0, "ended": False}, 0)


def refilled_beam(begin, start, end, k, limit):
    """ruotianluo: the best k each step; those that ended leave and the others fill k places again."""
    state, step = begin
    rows, sums, words, done, margin = [[]], torch.zeros(1).double(), torch.tensor([start]), [], 1e9
    for t in range(limit):
        logp, state = step(words, state)
        sums, parents, words, distance = select(sums[:, None] + logp, k)
        margin = min(margin, distance)
        rows = [rows[p] + [int(w)] for p, w in zip(parents, words)]
        last = t == limit - 1
        done += [(float(s), r[:-1] if r[-1] == end else r) for s, r in zip(sums, rows) if r[-1] == end or last]
        open = [i for i, r in enumerate(rows) if r[-1] != end]
        if not open:
            break
        state = take(state, parents[open])
        rows, sums, words = [rows[i] for i in open], sums[open], words[open]
    return best_of(done, margin)


def forced(begin, start, ids, end):
    """log p of each word of a caption and of its end."""
    state, step = begin
    out = []
    for before, word in zip([start] + ids, ids + [end]):
        logp, state = step(torch.tensor([before]), state)
        out.append(logp[0, word])
    return torch.stack(out)


def good(caption, special, margin, least=4):
    ids = caption["ids"]
    return (caption["ended"] and least <= len(ids) <= 12 and len(set(ids)) >= max(least, len(ids) - 1)
            and not set(ids) & set(special) and margin > 1e-3)


def captions(begin, start, end, limit, beam):
    """Greedy and, where the repository has one, beam captions; and the least distance between choices."""
    out, margin = greedy(begin, start, end, limit)
    found, margins = {"greedy": out}, [margin]
    for k in (3, 5) if beam else ():
        found[f"beam{k}"], margin = beam(begin, start, end, k)
        margins.append(margin)
    return found, min(margins)


def search(make, map, start, end, special, limit, beam=None, ready=lambda model: True, salts=150):
    """The first salt and addition to the end's bias with captions that are worth testing.

    make(salt, addition) gives a captioner. Where beams exist, the last ones should differ from the greedy caption."""
    best = None
    for addition in (2, 1, 3, 0):
        for salt in range(salts):
            model = make(salt, addition)
            begin = model.begin(map)
            if not ready(model):
                continue
            first, margin = greedy(begin, start, end, min(limit, 11))
            if not good(first, special, margin):
                continue
            found, margin = captions(begin, start, end, limit, beam)
            if not all(good(c, special, margin, 3) for c in found.values()):
                continue
            different = len({tuple(c["ids"]) for c in found.values()})
            if best is None or different > best[0]:
                best = different, salt, addition
            if different >= min(2, len(found)):
                return salt, addition
    assert best, "no salt gives captions that end"
    return best[1:]


def expected(model, map, start, end, ids, limit, beam=None, every=97):
    """The values that every captioner's JSON holds. `map` [1, h, w, K]."""
    found, margin = captions(model.begin(map), start, end, limit, beam)
    with torch.enable_grad():
        leaf = map.clone().requires_grad_()
        scores = forced(model.begin(leaf), start, ids, end)
        (g,) = torch.autograd.grad(scores[2], leaf)
    return {
        "captions": found, "smallestMargin": number(margin),
        "forced": {"ids": ids, "logProbabilities": numbers(scores.detach())},
        "gradient": {"word": 2, **gradient(g, every)},
    }
