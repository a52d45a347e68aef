"""Fixtures of WeightsTests: files as torch.save, safetensors and NumPy write them, a few hundred bytes each.

Made with Python 3, torch 2.15.0, safetensors and numpy:
    cd Tests/WeightsTests/Fixtures && python make.py
Every element is position / 4 - 3 of its storage, so that half and bfloat16 hold it exactly and the tests can
compute what they expect.
"""
import argparse
import collections
import os
import pathlib
import pickle
import sys
import zipfile

import numpy
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch


def ramp(count, dtype=torch.float32):
    return (torch.arange(count, dtype=torch.float32) / 4 - 3).to(dtype)


def state():
    grid = ramp(24)
    shared = ramp(10)
    return collections.OrderedDict([
        ("plain", ramp(6).reshape(2, 3)),
        ("transposed", ramp(12).reshape(3, 4).t()),
        ("strided", grid.reshape(2, 3, 4)[:, 1:, ::2]),
        ("half", ramp(7, torch.float16)),
        ("bfloat", ramp(5, torch.bfloat16)),
        ("double", ramp(3, torch.float64)),
        ("shared.a", shared[:4]),
        ("shared.b", shared[4:].reshape(2, 3)),
        ("scalar", torch.tensor(2.5)),
        ("empty", torch.empty(0, 3)),
        ("parameter", torch.nn.Parameter(ramp(2))),
        ("bn.num_batches_tracked", torch.tensor(7)),
        ("mask", torch.tensor([True, False])),
    ])


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/mmx-weights-test-was-executed",)


plain = state()
torch.save(plain, "zip.pth")
torch.save(plain, "zip-protocol4.pth", pickle_protocol=4)
torch.save(plain, "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(plain, "legacy-protocol4.pth", _use_new_zipfile_serialization=False, pickle_protocol=4)
module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2))
with torch.no_grad():
    for parameter in module.parameters():
        parameter.copy_(ramp(parameter.numel()).reshape(parameter.shape))
torch.save({"epoch": 3, "model": {"state_dict": module.state_dict()}, "optimizer": {"state": {0: ramp(3)}},
            "device": torch.device("cpu"), "best": 0.5}, "wrapped.pth")
torch.save({"encoder": {"w": ramp(2)}, "heads": [{"w": ramp(3)}, (ramp(1), None)], "size": torch.Size([1, 2])},
           "nested.pth")
small = collections.OrderedDict([("w", ramp(4).reshape(2, 2)), ("b", ramp(2, torch.float16))])
torch.save(small, "small.pth")
torch.save(small, "small-legacy.pth", _use_new_zipfile_serialization=False)
torch.save({"w": ramp(2), "evil": Evil()}, "evil.pth")
torch.save({"w": ramp(2), "evil": Evil()}, "evil-legacy.pth", _use_new_zipfile_serialization=False)
torch.save(ramp(3), "not-a-dictionary.pth")
torch.save({"epoch": 1}, "no-tensors.pth")
with zipfile.ZipFile("small.pth") as source, zipfile.ZipFile("compressed.pth", "w", zipfile.ZIP_DEFLATED) as target:
    for name in source.namelist():
        target.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), source.read(name), zipfile.ZIP_DEFLATED)

floats = {"a": ramp(6).reshape(2, 3), "half": ramp(37, torch.float16), "bfloat": ramp(21, torch.bfloat16),
          "double": ramp(3, torch.float64), "scalar": torch.tensor(2.5), "empty": torch.empty(0, 3)}
save_torch(floats, "floats.safetensors", metadata={"made by": "make.py", "quote": "\"\\\n\u00e9\U0001f431"})
save_torch({**floats, "steps": torch.arange(3)}, "integers.safetensors")
save_numpy({"x": numpy.arange(4, dtype=numpy.float32).reshape(2, 2), "h": numpy.arange(3, dtype=numpy.float16)},
           "numpy.safetensors")

for name, kind in [("f2", "<f2"), ("f4", "<f4"), ("f8", "<f8"), ("i8", "<i8"), ("u1", "|u1"), ("big", ">f4")]:
    numpy.save(f"{name}.npy", numpy.arange(6).reshape(2, 3).astype(kind))
numpy.save("fortran.npy", numpy.asfortranarray(numpy.arange(24, dtype=numpy.float32).reshape(2, 3, 4)))
numpy.save("scalar.npy", numpy.float32(2.5))
numpy.save("bool.npy", numpy.array([True, False]))
with open("version2.npy", "wb") as file:
    numpy.lib.format.write_array(file, numpy.arange(3, dtype=numpy.float32), version=(2, 0))


def pickled(value, name, protocol):
    with open(name, "wb") as file:
        pickle.dump(value, file, protocol=protocol)


# Dictionaries of arrays and of tensors as pickle.dump writes them. NumPy's own protocol-5 form differs from the older ones.
arrays = {"net": {"Conv_0": {"kernel": numpy.arange(24, dtype=numpy.float32).reshape(1, 2, 3, 4) / 4 - 3,
                             "bias": numpy.arange(4, dtype=numpy.float64) / 4 - 3}},
          "fortran": numpy.asfortranarray(numpy.arange(6, dtype=numpy.float16).reshape(2, 3) / 4 - 3),
          "steps": numpy.arange(3), "lr": numpy.float32(0.5)}
for protocol in range(6):
    pickled(arrays, f"arrays-{protocol}.pkl", protocol)


class Settings(dict):
    pass


# What training programs keep beside the weights. Classes of Python and NumPy only, but for one of this file.
objects = {"args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("data")), "best": numpy.float64(0.5),
           "history": collections.defaultdict(list, loss=[numpy.float32(1), 2.5]), "seen": {1, 2}, "fixed": frozenset([3]),
           "range": slice(1, 2), "z": 1j, "big": 1 << 80, "settings": Settings(a=1), "text": "\u00e9\n\\ \U0001f431",
           "params": {"w": numpy.arange(4, dtype=numpy.float32).reshape(2, 2) / 4 - 3, "texts": numpy.array(["cat", "dog"]),
                      "objects": numpy.array([None, {}]), "records": numpy.zeros(2, [("a", "<f4"), ("b", "<i4")])}}
for protocol in range(6):
    pickled(objects, f"objects-{protocol}.pkl", protocol)
pickled({"a": numpy.arange(3).astype(">f4")}, "big-endian.pkl", 4)
pickled(collections.OrderedDict([("w", ramp(4).reshape(2, 2)), ("t", ramp(6).reshape(2, 3).t()), ("n", torch.tensor(3))]),
        "tensors.pkl", 4)
pickled({"a": numpy.arange(3, dtype=numpy.float32), "evil": Evil()}, "evil.pkl", 4)
numpy.savez("arrays.npz", **{"layer.weight": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 4 - 3,
                             "layer.bias": numpy.arange(2, dtype=numpy.float64) / 4 - 3})
numpy.savez_compressed("compressed.npz", w=numpy.zeros(100, numpy.float32))


# A .caffemodel by hand: the wire format of caffe.proto's NetParameter.
def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def blob(array, old=False):
    if old:
        four = (1,) * (4 - array.ndim) + array.shape
        shape = b"".join(varint(i + 1 << 3) + varint(size) for i, size in enumerate(four))
    else:
        shape = field(7, field(1, b"".join(varint(size) for size in array.shape)))
    return shape + field(5, array.astype("<f4").tobytes())


def net(layers, old=False):
    message = field(1, b"net")
    for name, arrays in layers:
        layer = field(4 if old else 1, name.encode()) + (b"\x28\x04" if old else field(2, b"Convolution"))
        layer += b"".join(field(6 if old else 7, blob(array, old)) for array in arrays)
        message += field(2 if old else 100, layer)
    return message


layers = [("conv1", [numpy.arange(24).reshape(2, 3, 2, 2) / 4 - 3, numpy.arange(2) / 4 - 3]),
          ("relu", []), ("fc", [numpy.arange(6).reshape(2, 3) / 4 - 3])]
for name, old in (("new.caffemodel", False), ("old.caffemodel", True)):
    with open(name, "wb") as file:
        file.write(net(layers, old))
print(torch.__version__, numpy.__version__, sys.version)
