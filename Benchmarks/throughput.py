"""Many photographs, from files to every word's raw map: photographs a second and memory, mmx against PyTorch with a DataLoader."""
import json
import os
import subprocess
import tempfile
import time

from turns import ENVIRONMENT, HERE, Worker, results


def resident(pid):
    """The largest resident memory so far of a process and its children, in MB. Linux only."""
    total = 0
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            total += int(line.split()[1]) / 1000
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in open(f"/proc/{pid}/task/{task}/children").read().split():
            total += resident(int(child))
    return total


def throughput(options, photos):
    wanted = [photos[i % len(photos)] for i in range(options.count)]
    print(f"\nThroughput: {len(wanted)} photographs ({len(set(wanted))} files), decoded, resized, captioned (beam 3), every word's raw map; no evidence")
    found = {}

    def mmx(threads):
        """Milliseconds and memory of all, on so many threads; one photograph at a time on each."""
        worker = Worker(os.path.join(options.build, "mmx-bench"), MMX_THREADS=str(threads))
        worker("load", model=options.model, evidence=False)
        worker("throughput", photos=wanted[:16])
        answer = worker("throughput", photos=wanted)
        memory = resident(worker.process.pid)
        worker.close()
        return answer["wall"], memory, answer["captions"]

    def torch(batch, workers):
        """The same in PyTorch: the encoder in batches, photographs decoded in `workers` processes (0: in the same one)."""
        worker = Worker(options.python, os.path.join(HERE, "peer.py"))
        worker("load", model=options.model)
        worker("throughput", photos=wanted[:16], batch=batch, workers=workers)
        answer = worker("throughput", photos=wanted, batch=batch, workers=workers)
        memory = answer["memory"] + resident(worker.process.pid)
        worker.close()
        return answer["wall"], memory, answer["captions"]

    def show(name, result):
        wall, memory, _ = found[name] = result
        print(f"{name:44} {len(wanted) / wall * 1e3:8.1f} photographs/s {memory:8.0f} MB", flush=True)
        results[f"throughput, {name}"] = {"photographs/s": len(wanted) / wall * 1e3, "MB": memory}

    show("mmx, 1 thread", mmx(1))
    if options.threads > 1:
        show(f"mmx, {options.threads} threads", mmx(options.threads))
    ours = name = f"mmx, {options.threads} thread{'s' if options.threads > 1 else ''}"
    peers = []
    for batch in (1, 8, 32):
        for workers in (0, options.threads):
            name = f"PyTorch, batches of {batch}, {workers} DataLoader workers"
            show(name, torch(batch, workers))
            peers.append(name)
    best = min(peers, key=lambda name: found[name][0])
    # Once more, after the other side, so that what else the machine did disturbs both.
    again = mmx(options.threads)
    if again[0] < found[ours][0]:
        show(ours, again)
    same = sum(a == b for a, b in zip(found[ours][2], found[best][2]))
    ratio = found[ours][0] / found[best][0]
    results["throughput"] = {"ratio": ratio}
    print(f"mmx / PyTorch at its best ({best}): {ratio:.3f} of its time, {found[ours][1] / found[best][1]:.2f} of its memory; "
          f"{same} of {len(wanted)} captions are the same (Pillow's resizing rounds otherwise)")
    if options.threads > 1:
        print(f"mmx on {options.threads} threads: {found['mmx, 1 thread'][0] / found[ours][0]:.2f} times the rate of one")
    command(options, wanted)


def command(options, wanted):
    """The command on the same photographs, with evidence, records and archives of maps, beside the engine in one process."""
    binary = os.path.join(options.build, "mmx")
    rates = {"engine": [], "command": []}
    same = 0
    for turn in range(3):
        worker = Worker(os.path.join(options.build, "mmx-bench"), MMX_THREADS=str(options.threads))
        worker("load", model=options.model, evidence=True)
        worker("throughput", photos=wanted[:16])
        answer = worker("throughput", photos=wanted)
        worker.close()
        rates["engine"].append(len(wanted) / answer["wall"] * 1e3)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            subprocess.run(
                [binary, "caption", "-", "--explain-all", "--model", options.model, "--output", folder], check=True,
                input="\n".join(wanted).encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, **ENVIRONMENT, "MMX_THREADS": str(options.threads)})
            rates["command"].append(len(wanted) / (time.perf_counter() - start))
            lines = [json.loads(line) for line in open(os.path.join(folder, "results.jsonl"))]
        same = sum(line["caption"].split() == caption.split() for line, caption in zip(lines, answer["captions"]))
    engine, whole = max(rates["engine"]), max(rates["command"])
    results["throughput, command"] = {"engine": engine, "command": whole, "ratio": whole / engine}
    print(f"with evidence, {options.threads} threads: the engine {engine:.1f} photographs/s, the command with start, records and maps "
          f"{whole:.1f} ({whole / engine:.2f} of it; best of three in turns); {same} of {len(wanted)} captions are the same")
