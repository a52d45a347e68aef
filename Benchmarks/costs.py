"""What large photographs and hostile files cost: seconds and peak memory of mmx, each run in a process of its own.

    python3 Benchmarks/costs.py                              # .build/release/mmx
    python3 Benchmarks/costs.py --mmx OLD/mmx --mmx NEW/mmx  # two programs in turns
    python3 Benchmarks/costs.py --orientations               # compares orientations with Pillow's exif_transpose

Needs Pillow and NumPy (Benchmarks/requirements.txt). The inputs are made in a temporary folder.
"""

import argparse
import io
import itertools
import json
import os
import pickle
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import numpy
from PIL import Image, ImageOps

Image.MAX_IMAGE_PIXELS = None
HERE = os.path.dirname(os.path.abspath(__file__))


def photographs(folder):
    """JPEG and PNG of 100 and 108 megapixels: a smooth image with noise, as photographs have."""
    random = numpy.random.default_rng(1)
    for name, (width, height) in {"100": (12000, 8333), "108": (12000, 9000)}.items():
        small = Image.fromarray(random.integers(0, 256, (90, 120, 3), dtype=numpy.uint8))
        pixels = numpy.asarray(small.resize((width, height), Image.BICUBIC)).astype(numpy.int16)
        pixels += random.integers(-3, 4, (height, width, 1), dtype=numpy.int16)
        image = Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8))
        for ending, options in {
            "jpg": {"quality": 85}, "progressive.jpg": {"quality": 85, "progressive": True},
            "png": {"compress_level": 1},
        }.items():
            path = os.path.join(folder, f"{name}.{ending}")
            image.save(path, **options)
            yield f"{name} megapixels, {ending}", ["caption", path, "--caption", "a dog", "--explain-word", "dog"]


def hostile(folder):
    """Files of weights whose few bytes stand for much."""
    def weights(name, title, data):
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return title, ["model", "import", path, "--encoder", "tiny"]

    shared = numpy.zeros(1, numpy.float32)
    for _ in range(10):
        shared = {letter * 100: shared for letter in "abcd"}
    yield weights("names.pkl", "4 kB of a million shared names", pickle.dumps(shared, 4))
    odd = {(i,): 0 for i in range(30000)}
    for _ in range(6):
        odd = {letter: odd for letter in "abcd"}
    yield weights("keys.pkl", "keys that name nothing", pickle.dumps({"w": numpy.zeros(1, "f4"), "odd": odd}, 4))
    sizes = b"\x80\2](" + b"]q\0(" + b"K\1" * 20000 + b"e" + b"ctorch\nSize\nh\0\x85R" * 17000 + b"e."
    yield weights("sizes.pkl", "310 kB of torch.Size over one list", sizes)
    layer = b"\x0a\1x" + b"\x3a\0" * 10_000_000
    length, number = b"", len(layer)
    while number > 127:
        length, number = length + bytes([number & 127 | 128]), number >> 7
    yield weights("blobs.caffemodel", "20 MB of empty Caffe blobs", b"\xa2\6" + length + bytes([number]) + layer)
    header = b"{" + b",".join(b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % i for i in range(1_550_000))
    header += b"}"
    yield weights("header.safetensors", "92 MB of safetensors header", struct.pack("<Q", len(header)) + header)


def measured(program, arguments, output):
    """Seconds, peak memory in MB and the exit code of one run."""
    start = time.perf_counter()
    with open(os.devnull, "w") as nothing:
        process = subprocess.Popen([program, *arguments, "--output", output], stdout=nothing, stderr=nothing)
        _, status, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - start, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def costs(programs, runs):
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: what is started from a large process is counted with that one's memory.
        made = subprocess.run([sys.executable, __file__, "--make", folder], check=True, capture_output=True, text=True)
        for number, (title, arguments) in enumerate(json.loads(made.stdout)):
            found = {program: [] for program in programs}
            for turn in range(runs):
                for program in programs:
                    output = os.path.join(folder, f"out-{number}-{turn}-{programs.index(program)}")
                    found[program].append(measured(program, arguments, output))
            cells = [
                f"{statistics.median(r[0] for r in rows):7.2f} s {max(r[1] for r in rows):6.0f} MB, exit {rows[0][2]}"
                for rows in found.values()
            ]
            print(f"{title:36}", *cells, sep="  ", flush=True)


def orientations(program):
    """Small files with orientations 0 to 9 in every place, alone and two that disagree: the size that mmx tells must be
    that of Pillow's exif_transpose."""
    image = Image.fromarray(numpy.random.default_rng(3).integers(0, 256, (24, 40, 3), dtype=numpy.uint8))
    buffers = [io.BytesIO(), io.BytesIO()]
    image.save(buffers[0], "JPEG", quality=95)
    image.save(buffers[1], "PNG")
    jpeg, png = (buffer.getvalue() for buffer in buffers)

    def tiff(value, big=True, kind=3):
        order, size = (">", "big") if big else ("<", "little")
        bytes_ = value.to_bytes(4 if kind in (4, 9) else 2, size)
        entry = struct.pack(order + "HHL", 0x112, kind, 1) + bytes_.ljust(4, b"\0")
        return (b"MM" if big else b"II") + struct.pack(order + "HLH", 42, 8, 1) + entry + b"\0" * 4

    def element(value):
        return b"<x:xmpmeta><rdf:RDF><rdf:Description xmlns:tiff='http://ns.adobe.com/tiff/1.0/'>" \
            b"<tiff:Orientation>%d</tiff:Orientation></rdf:Description></rdf:RDF></x:xmpmeta>" % value

    def attribute(value):
        return b'<x:xmpmeta><rdf:RDF><rdf:Description tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>' % value

    def segments(*bodies):
        return jpeg[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(b) + 2) + b for b in bodies) + jpeg[2:]

    def chunks(*parts):
        made = b"".join(
            struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))
            for kind, body in parts)
        return png[:33] + made + png[33:]

    def raw(data):
        return b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n%8d\n%s\n" % (len(data), data.hex().encode()))

    exif, xmp = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
    packet = b"XML:com.adobe.xmp\0\0\0\0\0"
    files = {}
    for v in range(10):
        for big, kind in itertools.product((True, False), (3, 4)):
            files[f"exif-{big}-{kind}-{v}.jpg"] = segments(exif + tiff(v, big, kind))
        files[f"element-{v}.jpg"] = segments(xmp + element(v))
        files[f"attribute-{v}.jpg"] = segments(xmp + attribute(v))
        files[f"exif-{v}.png"] = chunks((b"eXIf", tiff(v)))
        files[f"raw-{v}.png"] = chunks((b"zTXt", raw(exif + tiff(v))))
        files[f"xmp-{v}.png"] = chunks((b"iTXt", packet + element(v)))
        for w in range(10):
            files[f"exif-{v}-xmp-{w}.jpg"] = segments(exif + tiff(v), xmp + attribute(w))
            files[f"exif-{v}-xmp-{w}.png"] = chunks((b"eXIf", tiff(v)), (b"iTXt", packet + element(w)))
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(data)
            found = subprocess.run([program, "caption", path, "--caption", "a dog", "--json"], capture_output=True)
            photo = json.loads(found.stdout)["photo"]
            expected = ImageOps.exif_transpose(Image.open(path)).size
            if (photo["width"], photo["height"]) != expected:
                wrong += 1
                print(f"{name}: mmx {photo['width']}x{photo['height']}, Pillow {expected[0]}x{expected[1]}")
    print(f"{len(files)} files, {wrong} of another size than Pillow's")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mmx", action="append", help="a program; twice to compare two")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--orientations", action="store_true")
    parser.add_argument("--make", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        print(json.dumps([*hostile(arguments.make), *photographs(arguments.make)]))
        return
    programs = arguments.mmx or [os.path.join(HERE, "..", ".build", "release", "mmx")]
    if arguments.orientations:
        orientations(programs[-1])
    else:
        costs(programs, arguments.runs)


if __name__ == "__main__":
    main()
