"""What every part of the benchmarks has: two sides in processes that stay warm, asked in turns, and rows of medians and ratios."""
import ast
import json
import os
import statistics
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# OpenBLAS chooses its kernels itself, as on a machine where nobody has set anything.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
results = {}


class Worker:
    """One side, in a process of its own that stays warm."""

    def __init__(self, *command, **environment):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**ENVIRONMENT, **environment}, cwd=HERE)

    def __call__(self, command, **request):
        self.process.stdin.write(json.dumps({"command": command, **request}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"bench: {self.process.args} ended during '{command}'")
        answer = json.loads(line)
        if answer.get("error"):
            raise SystemExit(f"bench: {self.process.args[-1]}: {command}: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def in_turns(rounds, *bodies, burst=4):
    """Each body's milliseconds, `rounds` of each; who goes first alternates. A pause lets the other side's threads go to sleep.

    A turn is `burst` calls one after the other, as with a folder of photographs, and counts as the median of all but the first: that one
    finds its threads asleep and the caches full of the other side's numbers."""
    times = [[] for _ in bodies]
    for round in range(rounds):
        order = range(len(bodies)) if round % 2 == 0 else reversed(range(len(bodies)))
        for i in order:
            time.sleep(0.01)
            turn = [bodies[i]() for _ in range(burst)]
            times[i].append(statistics.median(turn[1:] or turn))
    return times


def row(name, ours, theirs, unit="ms", scale=1.0, note="", peer="pytorch"):
    def text(times):
        times = [t * scale for t in times]
        return f"{statistics.median(times):9.1f} {unit} ({min(times):.1f}-{max(times):.1f})"

    # Neighbours in time were disturbed alike: the ratio's spread is that of the pairs.
    pairs = sorted(a / b for a, b in zip(ours, theirs))
    ratio = statistics.median(ours) / statistics.median(theirs)
    results[name] = {"mmx": statistics.median(ours) * scale, peer: statistics.median(theirs) * scale, "unit": unit, "ratio": ratio}
    quarter = len(pairs) // 4
    print(f"{name:34} {text(ours):32} {text(theirs):32} {ratio:6.3f}  ({pairs[quarter]:.3f}-{pairs[-1 - quarter]:.3f}) {note}", flush=True)


def head(title, peer="PyTorch"):
    theirs = f"{peer}: median (min-max)"
    print(f"\n{title}\n{'':34} {'mmx: median (min-max)':32} {theirs:32} mmx/{peer} (quartiles of pairs)")


def read_npy(path):
    """Values of a float32 .npy file."""
    data = open(path, "rb").read()
    long = data[6] > 1
    start = (12 if long else 10) + int.from_bytes(data[8:12 if long else 10], "little")
    kind = ast.literal_eval(data[12 if long else 10:start].decode("latin1"))["descr"]
    assert kind == "<f4", kind
    return memoryview(data[start:]).cast("f").tolist()


def same_map(name, ours, theirs, on_average=False):
    """How far two raw maps are apart, as a part of the largest value; ends the run where that is more than 0.001.

    on_average: the mean difference, as a part of the mean magnitude, and up to 0.05."""
    ours, theirs = read_npy(ours), read_npy(theirs)
    of, limit = (sum, 0.05) if on_average else (max, 1e-3)
    apart, whole = of(abs(x - y) for x, y in zip(ours, theirs)), of(map(abs, theirs))
    if len(ours) != len(theirs) or apart > limit * whole:
        raise SystemExit(f"bench: {name}: the maps differ by {apart} of {whole}")
    return apart / whole
