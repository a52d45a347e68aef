"""PyTorch's side of the benchmarks: answers the same commands as mmx-bench (one JSON object a line in, one out)."""
import hashlib
import json
import multiprocessing
import os
import struct
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

import peer_answerers
import peer_models
import peer_tasks

state = {}


def duration(body):
    """Milliseconds by the wall clock, and of processor time on all threads together."""
    wall, cpu = time.perf_counter(), time.process_time()
    body()
    return {"wall": (time.perf_counter() - wall) * 1e3, "cpu": (time.process_time() - cpu) * 1e3}


def load(request):
    config, encoder, decoder, words = peer_models.load(request["model"])
    state.update(config=config, encoder=encoder, decoder=decoder.requires_grad_(False), words=words)
    # PyTorch may have the layout that is faster for it on this machine.
    size = config["preprocessing"]
    plain = torch.zeros(1, 3, size["height"], size["width"])
    last = plain.to(memory_format=torch.channels_last)
    last_encoder = peer_models.load(request["model"])[1].to(memory_format=torch.channels_last)
    with torch.no_grad():
        times = [sorted(duration(lambda: net(x))["cpu"] for _ in range(7))[3] for net, x in ((encoder, plain), (last_encoder, last))]
    state["layout"] = torch.contiguous_format if times[0] <= times[1] else torch.channels_last
    state["encoder"] = encoder if times[0] <= times[1] else last_encoder
    return {"layout": "NCHW" if times[0] <= times[1] else "channels last", "cpu milliseconds of both": times}


def prepare(request):
    picture = torch.from_numpy(np.load(request["photo"])).permute(0, 3, 1, 2)
    state["picture"] = picture.contiguous(memory_format=state["layout"])
    return {}


@torch.no_grad()
def features():
    return state["encoder"](state["picture"]).permute(0, 2, 3, 1).contiguous()


def look(request):
    return duration(features)


class Photographs(torch.utils.data.Dataset):
    """Photographs from files, as the model's configuration wants them: [3, height, width]."""

    def __init__(self, photos, size):
        self.photos, self.size = photos, size

    def __len__(self):
        return len(self.photos)

    def __getitem__(self, i):
        from PIL import Image

        import cold_peer
        return cold_peer.prepared(Image.open(self.photos[i]).convert("RGB"), self.size)[0]


def throughput(request):
    """Captions and every word's raw map of many photographs: the encoder in batches, beams and maps one photograph at a time."""
    search, captions = state["config"]["search"], []
    loader = torch.utils.data.DataLoader(
        Photographs(request["photos"], state["config"]["preprocessing"]), batch_size=request["batch"], num_workers=request["workers"])
    memory = 0

    def body():
        nonlocal memory
        for pictures in loader:
            with torch.no_grad():
                found = state["encoder"](pictures.contiguous(memory_format=state["layout"])).permute(0, 2, 3, 1).contiguous()
            for own in found.split(1):
                words = peer_tasks.beam_search(state["decoder"], own, search["beam"], search["maximumLength"], search["lengthNormalisation"])
                if words:
                    peer_tasks.grad_cam(state["decoder"], own, words, range(len(words)), state["config"].get("maps", {}))
                captions.append(" ".join(state["words"][i] for i in words))
            memory = max(memory, sum(resident(p.pid) for p in multiprocessing.active_children()))

    return {**duration(body), "captions": captions, "memory": memory}


def resident(pid):
    """The largest resident memory so far, in MB; 0 for a process that has ended."""
    try:
        return next(int(line.split()[1]) / 1000 for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM"))
    except OSError:
        return 0


def explain(request):
    search, words, out = state["config"]["search"], state["words"], {}

    def body():
        seen = features()
        caption = peer_tasks.beam_search(
            state["decoder"], seen, search["beam"], search["maximumLength"], search["lengthNormalisation"])
        names = [words[i] for i in caption]
        positions = range(len(names)) if request.get("all") else [names.index(request["word"]) if request.get("word") in names else 0]
        out.update(map=peer_tasks.grad_cam(state["decoder"], seen, caption, positions, state["config"].get("maps", {})), words=caption, caption=names)

    time = duration(body)
    if "output" in request:
        np.save(request["output"], out["map"].numpy())
    return {**time, "caption": out["caption"], "words": out["words"]}


def load_answerer(request):
    """Beside the captioner, whose encoder's layout is this one's too."""
    config, encoder, answerer, _, answers = peer_answerers.load(request["model"])
    state.update(encoder=encoder.to(memory_format=state["layout"]), answerer=answerer, answers=answers, maps=config.get("maps", {}))
    return {}


def ask(request):
    out = {}

    def body():
        out["answer"], out["value"], out["map"] = peer_answerers.answer(state["answerer"], features(), request["words"], state["maps"])

    time = duration(body)
    if "output" in request:
        np.save(request["output"], out["map"].numpy())
    return {**time, "answer": state["answers"][out["answer"]], "value": out["value"]}


HEADER = 128


def make_features(request):
    """A cache of made-up features in mmx's format: a header (FeatureCache.Header), then half precision, half of the
    features zero, as after a ReLU6."""
    shape, rows = request["shape"], request["rows"]
    x = torch.randn(rows, *shape, generator=torch.Generator().manual_seed(1)).clamp(0, 6).half().numpy()
    key = hashlib.sha256(b"bench").hexdigest().encode()
    header = b"mmxfeat1" + key + struct.pack("<4Q", rows, *shape)
    with open(os.path.join(request["folder"], "bench.f16"), "wb") as file:
        file.write(header.ljust(HEADER, b"\0"))
        x.tofile(file)
    json.dump({"shape": shape, "rows": rows}, open(os.path.join(request["folder"], "bench.json"), "w"))
    return {}


def train(request):
    label = json.load(open(os.path.join(request["folder"], "bench.json")))
    path = os.path.join(request["folder"], "bench.f16")
    state["cache"] = np.memmap(path, np.float16, "r", offset=HEADER, shape=(label["rows"], *label["shape"]))
    state["trainer"] = peer_tasks.Trainer(peer_models.load(request["model"])[2])
    return {}


def step(request):
    out = {}

    def body():
        cached = torch.from_numpy(state["cache"][request["pictures"]]).float()
        out["loss"] = state["trainer"].step(cached, request["captions"], request.get("dropout", 0))

    return {**duration(body), **out}


def numbers(*shape):
    count = int(np.prod(shape))
    return torch.from_numpy((np.arange(count) * 7919 % 1000 / np.float32(1000) - np.float32(0.5)).astype(np.float32)).view(shape)


def median(repeats, body):
    """Medians of `repeats` runs after 10 ms of runs that are not counted: caches are warm, threads awake."""
    warm = 0
    while warm < 10:
        warm += duration(body)["wall"]
    times = [duration(body) for _ in range(repeats)]
    return {clock: sorted(t[clock] for t in times)[repeats // 2] for clock in ("wall", "cpu")}


@torch.no_grad()
def gemm(request):
    m, n, k = request["size"]
    a, b, c = numbers(m, k), numbers(n, k).T, torch.empty(m, n)
    time = median(request["repeats"], lambda: torch.mm(a, b, out=c))
    return {**time, "checksum": c.abs().double().mean().item()}


@torch.no_grad()
def convolution(request):
    """The faster of PyTorch's two layouts."""
    h, w, c, o, k, s, g = request["size"]
    x, weight, bias = numbers(1, h, w, c).permute(0, 3, 1, 2), numbers(o, c // g, k, k), numbers(o)
    uneven = s > 1
    results = {}
    for name, form in (("NCHW", torch.contiguous_format), ("channels last", torch.channels_last)):
        fx, fw = x.contiguous(memory_format=form), weight.contiguous(memory_format=form)

        def body():
            padded = peer_models.same_pad(fx, k, s) if uneven else fx
            return F.conv2d(padded, fw, bias, s, 0 if uneven else k // 2, groups=g)

        results[name] = median(request["repeats"], body)
        checksum = body().abs().double().mean().item()
    layout = min(results, key=lambda name: results[name]["cpu"])
    return {**results[layout], "layout": layout, "checksum": checksum}


def layers(request):
    """The encoder's convolutions as [name, height, width, inputs, outputs, kernel, stride, groups, how many]; "same" padding."""
    config = json.load(open(os.path.join(request["model"], "config.json")))
    size, name = config["preprocessing"]["height"], config["encoder"]["name"]
    found = {}

    def add(kind, h, c, o, k, s, g):
        found[(kind, h, h, c, o, k, s, g)] = found.get((kind, h, h, c, o, k, s, g), 0) + 1

    h, channels = size, 3
    add("stem", h, 3, 32, 3, 2, 1)
    h = -(-h // 2)
    for k, s, e, i, o in peer_models.blocks(*peer_models.SCALES[name]):
        if e != 1:
            add("1x1", h, i, i * e, 1, 1, 1)
        add("depthwise", h, i * e, i * e, k, s, i * e)
        h, channels = -(-h // s), o
        add("1x1", h, i * e, o, 1, 1, 1)
    add("1x1", h, channels, 1280, 1, 1, 1)
    return {"layers": [[*key, count] for key, count in found.items()]}


def serve(commands):
    """Answers one JSON object a line with another, by the function of that name."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints goes elsewhere
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = commands[request["command"].replace("-", "_")](request)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answer, flush=True)


if __name__ == "__main__":
    serve(globals())
