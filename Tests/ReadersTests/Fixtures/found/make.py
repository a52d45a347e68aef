"""Small inputs that once cost much, or that were mistaken for something else: one folder for each reader of
Tests/Readers. Python 3.11's standard library is enough: python3 make.py. What `make fuzz` finds is put beside them."""

import os
import pickle
import struct
import zlib


def write(reader, name, data):
    os.makedirs(reader, exist_ok=True)
    with open(os.path.join(reader, name), "wb") as file:
        file.write(data)


# A few hundred bytes whose names would be a million: each level is shared by the next.
shared = {}
for level in range(20):
    shared = {"x" * 40: shared, "y" * 40: shared}
write("pickle", "shared-names.pkl", pickle.dumps(shared, 2))
write("weights", "shared-names.pkl", pickle.dumps(shared, 2))
# Keys that are neither text nor integers.
write("pickle", "odd-keys.pkl", pickle.dumps({(i,): {(i, i): i} for i in range(400)}, 2))
# torch.Size of one list, over and over: a list of 500 numbers, kept as memo 0, then 500 calls.
numbers = b"]q\0(" + b"K\1" * 500 + b"e0"
calls = b"](" + b"ctorch\nSize\nh\0\x85R" * 500 + b"e"
write("pickle", "sizes.pkl", b"\x80\2" + numbers + calls + b".")
# A memo that grows by its own copies.
write("pickle", "doubling.pkl", b"\x80\2]q\0" + b"(h\0h\0tq\0" * 60 + b".")
# Layers of empty blobs.
blob = b"\x3a\0" * 2000
layer = b"\x0a\1x" + blob
size = len(layer)
write("caffemodel", "empty-blobs.caffemodel", b"\xa2\6" + bytes([size & 127 | 128, size >> 7]) + layer)
# A header whose length begins like a pickle's first byte, 128.
header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'.ljust(128)
write("weights", "header-128.safetensors", struct.pack("<Q", 128) + header + b"\0" * 8)
# One header of many names without values.
names = ",".join(f'"{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for i in range(300)).encode()
names = b"{" + names + b"}"
write("safetensors", "names.safetensors", struct.pack("<Q", len(names)) + names)
write("safetensors", "huge-length.safetensors", struct.pack("<Q", 2**63 - 1) + b"{}")
# JSON that nests deeper than a stack allows.
deep = b"[" * 20000
for reader in ["shard-index", "caption-config", "vqa-config", "class-config", "questions", "easy-vqa", "vqa-questions"]:
    write(reader, "deep.json", deep)
    write(reader, "deep-objects.json", b'{"a":' * 5000)
nested = b'{"weight_map":' + b'{"a":' * 5000
write("shard-index", "nested.json", nested)
write("safetensors", "deep.safetensors", struct.pack("<Q", len(nested)) + nested)
for reader, key in [("caption-config", "decoder"), ("vqa-config", "answerer")]:
    write(reader, "huge.json", b'{"%s":{"hidden":1e9,"vocabulary":-1,"embedding":9223372036854775808}}' % key.encode())
# Text without an end.
write("captions", "open-quote.csv", b'image,caption\n1.jpg,"' + b'a ""' * 3000)
write("phrases", "tabs.tsv", b"\t" * 10000)
write("tokenizer", "quotes.txt", b"'" * 5000 + b"(" * 5000)
write("tokenizer", "dots.txt", b"a.b." * 4000)
write("vocabulary", "long-line.txt", b"a" * 20000)
write("answers", "many.txt", b"".join(b"%d\n" % i for i in range(4000)))
write("daquar", "long.txt", b"image\tquestion\tanswer\n" + b"image1\t" + b"?" * 9000 + b"\t" + b"," * 9000)
# Metadata that say the same thing many times, and texts that unfold.
write("xmp", "repeated.xmp", b"tiff:Orientation=" * 1000)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
bomb = zlib.compress(b"0" * 4_000_000, 9)
text = chunk(b"zTXt", b"Raw profile type exif\0\0" + bomb)
pixels = chunk(b"IDAT", zlib.compress(b"\0" * 72)) + chunk(b"IEND", b"")
write("png", "unfolding-texts.png", start + text * 2 + pixels)
write("png", "unfolding-profile.png", start + chunk(b"iCCP", b"x\0\0" + bomb) + pixels)
write("png", "surplus.png", start + chunk(b"IDAT", bomb) + chunk(b"IEND", b""))
