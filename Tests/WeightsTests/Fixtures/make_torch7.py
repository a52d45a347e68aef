"""Fixtures of Torch7FileTests: files in the binary format of Torch7's torch.save.

Torch7 itself could not be had, so the writer below was written from the format's description: what these files prove is
weaker than what files of Torch7 would. (Once, outside the tests, the reader was tried on the files of Torch7 in
testfiles_x86_64 of github.com/bshillingford/python-torchfile, a network of nngraph among them: its values were those
that torchfile finds. Files of a function or of a class of tds, which are refused, are there, too.)

The values that the tests expect are what another reader, the package torchfile of PyPI, finds in the files
(torch7.json); for half floats, which torchfile does not read, they are NumPy's.

Made with Python 3.11, numpy and torchfile 0.1.0:
    cd Tests/WeightsTests/Fixtures && python make_torch7.py
"""
import json
import struct

import numpy
import torchfile


class Object:
    def __init__(self, type, **fields):
        self.type = type
        self.fields = fields


class Storage:
    def __init__(self, kind, values):
        self.kind = kind
        self.values = values


class Tensor:
    def __init__(self, kind, storage, offset, shape, strides=None):
        self.kind, self.storage, self.offset, self.shape = kind, storage, offset, shape
        self.strides = strides or [int(numpy.prod(shape[i + 1:])) for i in range(len(shape))]


class Function:
    def __init__(self, upvalues, kind=8):
        self.upvalues, self.kind = upvalues, kind


class Writer:
    def __init__(self):
        self.bytes = bytearray()
        self.indices = {}
        self.kept = []

    def int(self, value):
        self.bytes += struct.pack("<i", value)

    def longs(self, values):
        self.bytes += struct.pack(f"<{len(values)}q", *values)

    def text(self, value):
        value = value if isinstance(value, bytes) else value.encode()
        self.int(len(value))
        self.bytes += value

    def is_known(self, kind, value):
        self.int(kind)
        known = id(value) in self.indices
        index = self.indices.setdefault(id(value), len(self.indices) + 1)
        self.kept.append(value)
        self.int(index)
        return known

    def head(self, name):
        self.text("V 1")
        self.text(name)

    def write(self, value):
        if value is None:
            self.int(0)
        elif isinstance(value, bool):
            self.int(5)
            self.int(int(value))
        elif isinstance(value, (int, float)):
            self.int(1)
            self.bytes += struct.pack("<d", value)
        elif isinstance(value, (str, bytes)):
            self.int(2)
            self.text(value)
        elif isinstance(value, Function):
            if not self.is_known(value.kind, value):
                self.text(b"\x1bLJ\x02 not run \xff")
                self.write({i + 1: {"name": f"u{i}", "value": v} for i, v in enumerate(value.upvalues)})
        elif isinstance(value, (dict, list)):
            if not self.is_known(3, value):
                pairs = list(value.items() if isinstance(value, dict) else enumerate(value, 1))
                self.int(len(pairs))
                for key, item in pairs:
                    self.write(key)
                    self.write(item)
        elif isinstance(value, Object):
            if not self.is_known(4, value):
                self.head(value.type)
                self.write(value.fields)
        elif isinstance(value, Tensor):
            if not self.is_known(4, value):
                self.head(f"torch.{value.kind}Tensor")
                self.int(len(value.shape))
                self.longs(value.shape)
                self.longs(value.strides)
                self.longs([value.offset + 1])
                self.write(value.storage)
        elif isinstance(value, Storage):
            if not self.is_known(4, value):
                self.head(f"torch.{value.kind}Storage")
                self.longs([len(value.values)])
                self.bytes += value.values.tobytes()
        else:
            raise TypeError(type(value))


def ramp(count, dtype="<f4"):
    return (numpy.arange(count) / 4 - 3).astype(dtype)


def tensor(kind, dtype, *shape):
    return Tensor(kind, Storage(kind, ramp(int(numpy.prod(shape)), dtype)), 0, list(shape))


def captioner():
    # The parameters of the convolutions are views of one storage, as getParameters() leaves them.
    flat = Storage("Cuda", ramp(2 * 3 * 9 + 2 + 4 * 2 * 9 + 4))
    conv1 = Object("cudnn.SpatialConvolution", nInputPlane=3, nOutputPlane=2, kW=3, kH=3, padW=1, padH=1, dW=1, dH=1,
                   weight=Tensor("Cuda", flat, 0, [2, 3, 3, 3]), bias=Tensor("Cuda", flat, 54, [2]),
                   gradWeight=Tensor("Cuda", None, 0, []), train=False)
    conv2 = Object("nn.SpatialConvolutionMM", nInputPlane=2, nOutputPlane=4,
                   weight=Tensor("Cuda", flat, 56, [4, 18]), bias=Tensor("Cuda", flat, 128, [4]), groups=None)
    linear = Object("nn.Linear", weight=Tensor("Float", Storage("Float", ramp(12)), 0, [3, 4], [1, 3]),
                    bias=Tensor("Float", Storage("Float", ramp(9)), 1, [3], [3]))
    view = Object("nn.View", size=Storage("Long", numpy.array([-1, 4], "<i8")), numElements=4)
    cnn = Object("nn.Sequential", modules=[conv1, Object("cudnn.ReLU", inplace=True), conv2, view, linear],
                 _type="torch.CudaTensor")

    def gate(name, out, size):
        module = Object("nn.Linear", weight=tensor("Float", "<f4", out, size), bias=tensor("Float", "<f4", out))
        data = {"module": module, "annotations": {"name": name}, "input": []}
        node = Object("nngraph.Node", data=data, id=len(nodes) + 1, children=[], visited=False)
        data["self"] = node
        if nodes:
            nodes[-1].fields["children"].append(node)
            data["mapindex"] = {1: nodes[-1].fields["data"], nodes[-1]: 1}
        nodes.append(node)
        return module

    nodes = []
    modules = [gate("i2h_1", 8, 3), gate("h2h_1", 8, 2), gate("decoder", 6, 2)]
    nodes[-1].fields["children"].append(nodes[0])
    # The graph comes before the list of its modules, so that the first way to each of them is the long one.
    core = Object("nn.gModule", fg=Object("graph.Graph", nodes=nodes, edges=[]), innode=nodes[0], modules=modules,
                  forwardnodes=nodes, nInputs=3)
    lookup = Object("nn.LookupTable", weight=tensor("Double", "<f8", 6, 3))
    lm = Object("nn.LanguageModel", core=core, lookup_table=lookup, seq_length=16, vocab_size=5)
    callback = Function([{"hidden": tensor("Float", "<f4", 2)}, 3])
    shared = {"a": 1}
    opt = {"rnn_size": 2, "learning_rate": 4e-4, "id": "toy", "callback": callback, "again": callback, "1": shared,
           2: shared, 2.5: "half", "bytes": b"\xff\xfe", "mask": tensor("Byte", "u1", 2), "ids": [3, {5: 1}]}
    opt["self"] = opt
    return {"opt": opt, "iter": 1000, "protos": {"cnn": cnn, "lm": lm},
            "vocab": {"1": "a", "2": "dog", "3": "caf\u00e9", "4": "runs", "5": "UNK"}}


def halves():
    return {"half": tensor("Half", "<f2", 2, 3), "cuda": tensor("CudaHalf", "<f2", 4),
            "double": tensor("CudaDouble", "<f8", 3)}


def save(name, value):
    writer = Writer()
    writer.write(value)
    with open(name, "wb") as file:
        file.write(writer.bytes)


def arrays(value, path, seen, result, skip=("self", "mapindex", "children")):
    """The float arrays below `path`, by every way that does not go in a circle."""
    if isinstance(value, numpy.ndarray):
        if value.dtype.kind == "f":
            result[path] = {"shape": list(value.shape), "values": value.ravel().tolist()}
        return
    items = {}
    if isinstance(value, torchfile.TorchObject):
        items = value._obj
    elif isinstance(value, dict):
        items = value
    elif isinstance(value, list):
        items = dict(enumerate(value, 1))
    for key, item in items.items():
        key = key.decode() if isinstance(key, bytes) else str(key)
        if key not in skip and id(item) not in seen:
            arrays(item, f"{path}.{key}" if path else key, seen | {id(item)}, result, skip)


save("captioner.t7", captioner())
found = {}
arrays(torchfile.load("captioner.t7"), "", set(), found)
with open("torch7.json", "w") as file:
    json.dump(found, file)
save("halves.t7", halves())
