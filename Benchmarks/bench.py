"""mmx against PyTorch, in turns, in one run. `make bench` calls it; needs only Python's standard library, the peers run in --python.

python bench.py --model DIR [--parts caption,vqa,cold,train,kernels,gradcam,forward,rise,memory,throughput] [--answerers DIR,DIR] [--rounds N] [--photos DIR]
                [--python PYTHON] [--build DIR] [--json FILE] [--threads N] [--clock wall|cpu] [--instructions avx2]

On a machine that others use too, `--threads 1 --clock cpu` counts processor time on one thread, which they disturb least.
"""
import argparse
import glob
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import networks
import throughput
from turns import ENVIRONMENT, HERE, Worker, head, in_turns, results, row, same_map

STEPS_IN_EPOCH = 231  # 6,000 pictures, 26 a batch


def best_peer(options, picture):
    """PyTorch with its threads waiting busily (the default, better on a quiet machine) or asleep (better on a busy one): the faster."""
    policies = [{}, {"OMP_WAIT_POLICY": "passive"}] if options.threads > 1 else [{}]
    workers = [Worker(options.python, os.path.join(HERE, "peer.py"), **policy) for policy in policies]
    for worker in workers:
        layout = worker("load", model=options.model)["layout"]
        worker("prepare", photo=picture)
    times = in_turns(15, *[lambda worker=worker: worker("look")[options.clock] for worker in workers])
    medians = [statistics.median(t) for t in times]
    chosen = medians.index(min(medians))
    for worker in workers:
        if worker is not workers[chosen]:
            worker.close()
    ENVIRONMENT.update(policies[chosen])
    print(f"PyTorch's encoder runs fastest with its tensors {layout} and OMP_WAIT_POLICY {'passive' if chosen else 'as it is'} "
          f"(of {', '.join(f'{m:.1f} ms' for m in medians)})")
    return workers[chosen]


def caption(options, mmx, peer, folder, photos):
    head("Warm: one caption (beam 3) and Grad-CAM maps, of one word and of every word, from the prepared picture")
    words, all_look, all_explain, all_words = {}, ([], []), ([], []), ([], [])
    evident = Worker(os.path.join(options.build, "mmx-bench"))
    evident("load", model=options.model)
    all_evident = [], []
    for photo in photos:
        prepared, map1, map2 = (os.path.join(folder, name) for name in ("picture.npy", "mmx-map.npy", "peer-map.npy"))
        mmx("prepare", photo=photo, output=prepared)
        peer("prepare", photo=prepared)
        evident("prepare", photo=photo)
        first = mmx("explain")
        word = words[photo] = max(first["caption"], key=len)
        a, b = mmx("explain", word=word, output=map1), peer("explain", word=word, output=map2)
        if a["caption"] != b["caption"]:
            raise SystemExit(f"bench: {photo}: the captions differ: {a['caption']} and {b['caption']}")
        apart = same_map(f"{photo}, '{word}'", map1, map2)
        look = in_turns(options.rounds, lambda: mmx("look")[options.clock], lambda: peer("look")[options.clock])
        explain = in_turns(options.rounds, lambda: mmx("explain", word=word)[options.clock], lambda: peer("explain", word=word)[options.clock])
        a, b = mmx("explain", all=True, output=map1), peer("explain", all=True, output=map2)
        apart_all = same_map(f"{photo}, every word", map1, map2)
        every = in_turns(options.rounds, lambda: mmx("explain", all=True)[options.clock], lambda: peer("explain", all=True)[options.clock])
        evidence = in_turns(options.rounds, lambda: evident("explain", all=True)[options.clock], lambda: mmx("explain", all=True)[options.clock])
        for total, times in ((all_look, look), (all_explain, explain), (all_words, every), (all_evident, evidence)):
            for side in (0, 1):
                total[side].extend(times[side])
        name = os.path.splitext(os.path.basename(photo))[0]
        row(f"{name[:20]} '{word}'", *explain, note=f"same caption; maps differ by {max(apart, apart_all):.0e} of their largest value")
    row("caption + map, all photographs", *all_explain)
    row("caption + every word's map", *all_words)
    row("encoder alone, all photographs", *all_look)
    evident.close()
    row("every word's map with evidence", *all_evident, note="(mmx with evidence, which the peer does not compute, and without)", peer="mmx without evidence")
    return words


QUESTIONS = ["what color is the shirt?", "is there a dog?", "how many people are in the picture?", "where is this?"]


def vqa(options, mmx, peer, folder, photos):
    head("Warm: one question's best answer and its map, from the prepared picture")
    for model in options.answerers:
        mmx("load-answerer", model=model, evidence=False)
        peer("load-answerer", model=model)
        total, apart = ([], []), 0
        for number, photo in enumerate(photos):
            prepared, map1, map2 = (os.path.join(folder, name) for name in ("picture.npy", "mmx-map.npy", "peer-map.npy"))
            mmx("prepare-question", photo=photo, output=prepared)
            peer("prepare", photo=prepared)
            question = QUESTIONS[number % len(QUESTIONS)]
            a = mmx("ask", question=question, output=map1)
            b = peer("ask", words=a["words"], output=map2)
            if a["answer"] != b["answer"] or abs(a["value"] - b["value"]) > 1e-3 * max(1, abs(b["value"])):
                raise SystemExit(f"bench: {photo}: {question} {a['answer']} ({a['value']}) and {b['answer']} ({b['value']})")
            apart = max(apart, same_map(photo, map1, map2))
            times = in_turns(options.rounds, lambda: mmx("ask", question=question)[options.clock],
                             lambda: peer("ask", words=a["words"])[options.clock])
            for side in (0, 1):
                total[side].extend(times[side])
        kind = json.load(open(os.path.join(model, "config.json")))["answerer"]["kind"]
        row(f"answer + map, {kind}", *total, note=f"same answers; maps differ by at most {apart:.0e} of their largest value")


def cold_answer(options, folder, photo):
    model, question = options.answerers[0], QUESTIONS[0]
    ours = [os.path.join(options.build, "mmx"), "vqa", photo, question, "--model", model, "--output", os.path.join(folder, "mmx")]
    theirs = [options.python, os.path.join(HERE, "cold_answer_peer.py"), model, photo, question, os.path.join(folder, "peer")]
    first, second = timed(ours), timed(theirs)  # files are now in the page cache
    if not first[2].endswith(second[2]):
        print(f"note: answers from the file differ (Pillow's resizing rounds otherwise): '{first[2]}' and '{second[2]}'")
    head(f"Cold: the whole command, {os.path.basename(photo)}, '{question}', overlay written")
    whole_process(options, ours, theirs)


def whole_process(options, ours, theirs):
    memory = [[], []]

    def run(side, command):
        elapsed, megabytes, _ = timed(command, options.clock)
        memory[side].append(megabytes)
        return elapsed

    row("command", *in_turns(max(7, options.rounds // 2), lambda: run(0, ours), lambda: run(1, theirs), burst=1))
    row("peak resident memory", *memory, unit="MB")


def timed(command, clock="wall"):
    """Milliseconds and peak resident MB of a whole process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = process.stdout.read().decode(), process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = (time.perf_counter() - start) * 1e3
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed:\n{text[1]}")
    if clock == "cpu":
        elapsed = (usage.ru_utime + usage.ru_stime) * 1e3
    return elapsed, usage.ru_maxrss / 1024, text[0].split("\n")[0]


def cold(options, folder, words):
    photo, word = next(iter(words.items()))
    tool = os.path.join(options.build, "mmx")
    ours = [tool, "caption", photo, "--explain-word", word, "--model", options.model, "--output", os.path.join(folder, "mmx")]
    theirs = [options.python, os.path.join(HERE, "cold_peer.py"), options.model, photo, word, os.path.join(folder, "peer")]
    plain = [options.python, "-c", "import torch"]
    first, second = timed(ours), timed(theirs)  # files are now in the page cache
    if first[2].split() != second[2].split():
        print(f"note: captions from the file differ (Pillow's resizing rounds otherwise): '{first[2]}' and '{second[2]}'")
    head(f"Cold: the whole command, {os.path.basename(photo)} with '{word}', overlay written")
    whole_process(options, ours, theirs)
    importing = [timed(plain, options.clock)[0] for _ in range(3)]
    print(f"{'(`import torch` alone':34} {'':32} {statistics.median(importing):9.1f} ms)")


def captions_like_flickr8k(vocabulary, pictures, generator):
    """Captions of made-up words: lengths as in Flickr8k (mean 10.8, deviation 3.8, 3 to 22), frequencies by Zipf's law."""
    weights = [1 / (rank + 1) for rank in range(vocabulary - 4)]
    def one():
        length = min(22, max(3, round(generator.gauss(10.8, 3.8))))
        return [4 + i for i in generator.choices(range(vocabulary - 4), weights, k=length)]
    return [[one() for _ in range(5)] for _ in range(pictures)]


def train(options, mmx, peer, folder, features, vocabulary):
    rows, generator = 260, random.Random(1)
    peer("make-features", folder=folder, shape=features, rows=rows)
    # The trainer's batches: of ten batches' pictures, those with captions of like length together; then in random order.
    pictures = captions_like_flickr8k(vocabulary, 26 * 50, generator)
    batches = []
    for start in range(0, len(pictures), 260):
        stretch = sorted(pictures[start:start + 260], key=lambda own: max(map(len, own)))
        batches += [[c for own in stretch[i:i + 26] for c in own] for i in range(0, 260, 26)]
    generator.shuffle(batches)
    for side in (mmx, peer):
        side("train", model=options.model, folder=folder)
    for captions in batches[:3]:  # without dropout both must lose the same, also after two steps
        request = {"pictures": generator.sample(range(rows), 26), "captions": captions, "dropout": 0}
        a, b = mmx("step", **request)["loss"], peer("step", **request)["loss"]
        if abs(a - b) > 1e-3 * abs(b):
            raise SystemExit(f"bench: the losses differ: {a} and {b}")
    print(f"\nlosses without dropout after two steps: mmx {a:.5f}, PyTorch {b:.5f}")
    count = min(options.steps, len(batches) - 3)
    times, losses = [[], []], [[], []]
    for number, captions in enumerate(batches[3:3 + count]):
        request = {"pictures": generator.sample(range(rows), 26), "captions": captions, "dropout": 0.4}
        sides = [(0, mmx), (1, peer)] if number % 2 == 0 else [(1, peer), (0, mmx)]
        for side, worker in sides:
            time.sleep(0.01)
            answer = worker("step", **request)
            times[side].append(answer[options.clock])
            losses[side].append(answer["loss"])
    words = sum(len(c) + 1 for batch in batches[3:3 + count] for c in batch) / count
    head(f"Training on cached features {features}: {count} steps of 26 pictures x 5 captions ({words:.0f} words a step), dropout 0.4, {vocabulary} words known")
    row("step", *times)
    medians = [[statistics.median(side)] for side in times]
    row(f"epoch of {STEPS_IN_EPOCH} steps, extrapolated", *medians, unit="s", scale=STEPS_IN_EPOCH / 1e3, note="(from the medians)")
    print(f"mean loss of these steps: mmx {statistics.mean(losses[0]):.3f}, PyTorch {statistics.mean(losses[1]):.3f}")


VGG = [("VGG-16 3x3", h, h, c, o, 3, 1, 1, n) for h, c, o, n in (
    (224, 3, 64, 1), (224, 64, 64, 1), (112, 64, 128, 1), (112, 128, 128, 1), (56, 128, 256, 1), (56, 256, 256, 2), (28, 256, 512, 1),
    (28, 512, 512, 2), (14, 512, 512, 3))]


def kernels(options, mmx, peer):
    def pair(command, repeats, **request):
        answers = [], []
        for _ in range(max(3, options.rounds // 4)):
            for side, worker in enumerate((mmx, peer)):
                time.sleep(0.005)
                answers[side].append(worker(command, repeats=repeats, **request))
        times = [statistics.median(a[options.clock] for a in side) for side in answers]
        a, b = (side[0]["checksum"] for side in answers)
        if abs(a - b) > 1e-3 * abs(b):
            raise SystemExit(f"bench: {command} {request} computed something else: {a} and {b}")
        return times, answers[1][-1].get("layout", "")

    size = [1536, 1536, 1536]
    peaks, _ = pair("gemm", 5, size=size)
    flops = 2 * size[0] * size[1] * size[2]
    peak = [flops / t / 1e6 for t in peaks]
    print(f"\nGEMM 1536 x 1536 x 1536: mmx (OpenBLAS) {peak[0]:.0f} GFLOP/s, PyTorch (MKL) {peak[1]:.0f} GFLOP/s")
    print("share: of the larger of these; Winograd's 3x3 may pass 100 %, as direct convolution's operations are counted\n")
    print("| layer | in | kernel | x | mmx ms | PyTorch ms (layout) | mmx/PyTorch | mmx GFLOP/s | share |\n|---|---|---|---|---|---|---|---|---|")
    totals = {}
    for name, h, w, c, o, k, s, g, count in peer("layers", model=options.model)["layers"] + VGG:
        (ours, theirs), layout = pair("convolution", 9, size=[h, w, c, o, k, s, g])
        work = 2 * -(-h // s) * -(-w // s) * o * (c // g) * k * k
        total = totals.setdefault(name, [0, 0, 0])
        for i, value in enumerate((ours, theirs, work)):
            total[i] += value * count
        rate = work / ours / 1e6
        print(f"| {name} | {h}x{w}x{c} | {k}x{k}/{s} -> {o} | {count} | {ours:.3f} | {theirs:.3f} ({layout}) | {ours / theirs:.2f} "
              f"| {rate:.0f} | {100 * rate / max(peak):.0f} % |", flush=True)
    for name, (ours, theirs, work) in totals.items():
        rate = work / ours / 1e6
        results[f"all {name}"] = {"mmx": ours, "pytorch": theirs, "unit": "ms", "ratio": ours / theirs}
        print(f"| **all {name}** | | | | {ours:.2f} | {theirs:.2f} | **{ours / theirs:.2f}** | {rate:.0f} | {100 * rate / max(peak):.0f} % |")


def limit_to_avx2():
    """Lets both sides use no better vector instructions than AVX2. ONNX Runtime asks the processor itself and cannot be limited."""
    ENVIRONMENT.update(MMX_INSTRUCTIONS="avx2", ATEN_CPU_CAPABILITY="avx2", ONEDNN_MAX_CPU_ISA="AVX2", MKL_ENABLE_INSTRUCTIONS="AVX2")
    print("both sides with AVX2 at most: MMX_INSTRUCTIONS, ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA, MKL_ENABLE_INSTRUCTIONS "
          "(ONNX Runtime cannot be limited and uses AVX-512 where the processor has it)")


def machine(options):
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
    torch = subprocess.run([options.python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True).stdout.strip()
    print(f"{cpu}, {os.cpu_count()} cores; {options.threads} thread(s) for each side; {options.clock} time; {platform.system()} {platform.release()}; PyTorch {torch}; "
          f"load average at the start {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d %H:%M')}")


def memory(options, photos):
    """Whether a long run grows: 2,000 captions with every word's map in one process. Linux only."""
    worker = Worker(os.path.join(options.build, "mmx-bench"))
    worker("load", model=options.model)
    held = []
    for i in range(2000):
        worker("prepare", photo=photos[i % len(photos)])
        worker("explain", all=True)
        if i in (99, 1999):
            with open(f"/proc/{worker.process.pid}/status") as status:
                held.append(next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1000)
    worker.close()
    print(f"\n2,000 captions with every word's map: {held[0]:.1f} MB resident after the first 100, {held[1]:.1f} MB at the end ({held[1] / held[0] - 1:+.1%})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--build", default=os.path.join(HERE, "..", ".build", "release"))
    parser.add_argument("--photos", required=True, help="a folder of JPEG and PNG files, or one file")
    parser.add_argument("--parts", default="caption,vqa,cold,train,kernels,gradcam,forward,rise,memory,throughput")
    parser.add_argument("--answerers", default=os.path.join(HERE, "..", "models", "vqa-flickr8k"), help="models that answer questions, by commas")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--masks", type=int, default=200, help="of RISE; the time of 2,000 is extrapolated")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=shutil.which("g++") is not None,
                        help="torch.compile too, in the part forward; takes minutes and a C++ compiler (default: where there is one)")
    parser.add_argument("--instructions", choices=["avx2"], help="the vector instructions of both sides, on a machine that has AVX-512")
    parser.add_argument("--count", type=int, default=512, help="photographs of the part throughput")
    parser.add_argument("--limit", type=int, default=6, help="photographs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--json")
    options = parser.parse_args()
    for name in ("MMX_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        ENVIRONMENT[name] = str(options.threads)
    options.model, options.build = os.path.abspath(options.model), os.path.abspath(options.build)
    if options.instructions:
        limit_to_avx2()
    found = [options.photos] if os.path.isfile(options.photos) else sorted(glob.glob(os.path.join(options.photos, "*.jp*g")) + glob.glob(os.path.join(options.photos, "*.png")))
    all_photos = [os.path.abspath(p) for p in found[:options.count]]
    photos = all_photos[:options.limit]
    if not photos:
        raise SystemExit(f"bench: {options.photos} holds no .jpg or .png")
    parts = options.parts.split(",")
    unknown = set(parts) - {"caption", "vqa", "cold", "train", "kernels", "memory", "throughput"} - set(networks.PARTS)
    if unknown:
        raise SystemExit(f"bench: there is no part {', '.join(sorted(unknown))}")
    options.answerers = [os.path.abspath(model) for model in options.answerers.split(",")]
    machine(options)
    mmx = Worker(os.path.join(options.build, "mmx-bench"))
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            if part in networks.PARTS:
                networks.PARTS[part](options, mmx, folder, photos[0])
        if "memory" in parts:
            memory(options, photos)
        if "throughput" in parts:
            throughput.throughput(options, all_photos)
        if not set(parts) - set(networks.PARTS) - {"memory", "throughput"}:
            return finish(options)
        vocabulary = mmx("load", model=options.model, evidence=False)["vocabulary"]
        picture = os.path.join(folder, "picture.npy")
        mmx("prepare", photo=photos[0], output=picture)
        peer = best_peer(options, picture)
        features = mmx("look")["features"][1:]
        words = {}
        if "caption" in parts:
            words = caption(options, mmx, peer, folder, photos)
        if "train" in parts:
            train(options, mmx, peer, folder, features, vocabulary)
        if "kernels" in parts:
            kernels(options, mmx, peer)
        if "vqa" in parts:
            vqa(options, mmx, peer, folder, photos)
        if "cold" in parts:
            words = words or {photos[0]: max(mmx("explain")["caption"], key=len)}
            mmx.close()
            peer.close()
            cold(options, folder, words)
            cold_answer(options, folder, photos[0])
    finish(options)


def finish(options):
    print(f"\nload average at the end {os.getloadavg()[0]:.1f}")
    if options.json:
        json.dump(results, open(options.json, "w"), indent=1)


main()
