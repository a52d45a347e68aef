"""What a batch on many machines takes: a model of its time, its bytes and its files (docs/scale.md).

    python3 docs/scale.py

The measured inputs stand below. The rest is simulated: every shard has each n-th photograph, a machine's speed differs by
some percent, processes are killed now and then and go on from their last checkpoint, all read from one storage, and one
process merges the shards.
"""
import math
import random

# Measured on one machine, with every word's map (docs/scale.md says how).
RATE = 18.5  # photographs a second on one core: 37 on two
START = 0.15  # seconds from the start of a process to its first photograph
RECORD = 6_200  # bytes of a record in results.jsonl
ENTRY = 3_220  # bytes of a photograph's maps in an archive: ten words at 9x9, 32-bit floats
MERGE = 20_000  # photographs a second that one process merges
CHECKPOINT = 2  # seconds of work that a kill costs at most

# Assumed.
SPREAD = 0.1  # of the machines' speeds: standard deviation of the logarithm
KILLS = 0.05  # of each process, an hour
WAIT = 60  # seconds until a killed process runs again
BANDWIDTH = 1e9  # bytes a second that the storage reads, for all machines together
REQUESTS = 5_000  # a second that an object store answers for one prefix


def simulate(photographs, cores, size, seed=1):
    """Hours of the slowest shard, hours of the storage, hours of the merge."""
    draw = random.Random(seed)
    slowest = 0
    for shard in range(cores):
        work = photographs // cores / (RATE * math.exp(draw.gauss(0, SPREAD)))
        time, left = START, work
        while True:
            until = draw.expovariate(KILLS / 3600)
            if until >= left:
                time += left
                break
            time += until + WAIT + START
            left -= max(0, until - draw.uniform(0, CHECKPOINT))
        slowest = max(slowest, time)
    storage = max(photographs * size / BANDWIDTH, photographs / REQUESTS)
    return max(slowest, storage) / 3600, storage / 3600, photographs / MERGE / 3600


print("photographs      cores    hours  storage alone  merge  core hours  records    maps F32   maps F16  archives")
for photographs in (1_000_000, 100_000_000):
    for cores in (2, 16, 256, 4096):
        hours, storage, merge = simulate(photographs, cores, size=120_000)
        print(
            f"{photographs:11,} {cores:10,} {hours:8.2f} {storage:14.2f} {merge:6.2f} {photographs / RATE / 3600:11,.0f} "
            f"{photographs * RECORD / 1e9:7,.0f} GB {photographs * ENTRY / 1e9:8,.1f} GB "
            f"{photographs * (ENTRY - 10 * 81 * 2) / 1e9:7,.1f} GB {cores * math.ceil(photographs / cores / 1000):11,}")
