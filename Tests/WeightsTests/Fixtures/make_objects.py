"""Fixtures of NumPyObjectsTests: dictionaries of arrays as numpy.save writes them.

Made with Python 3.11 and numpy 2.4.6 (which writes protocol 4):
    cd Tests/WeightsTests/Fixtures && python make_objects.py
"""
import io
import pickle

import numpy


def ramp(*shape, dtype="float32"):
    return (numpy.arange(int(numpy.prod(shape))) / 4 - 3).reshape(shape).astype(dtype)


class Options:
    def __init__(self):
        self.size = 3


flat = {
    "conv1_1/kernel:0": ramp(3, 3, 1, 2), "conv1_1/bias:0": ramp(2), "lstm/lstm_cell/kernel:0": ramp(4, 8),
    "fortran:0": numpy.asfortranarray(ramp(2, 3)), "half": ramp(3, dtype="float16"),
    "double": ramp(3, dtype="float64"), "scalar": ramp(1).reshape(()), "empty": ramp(0, 3),
    "global_step:0": numpy.array(289999), "words": numpy.array(["a", "dog"]), "mixed": numpy.array([1, "a"], object),
}
numpy.save("objects-dictionary.npy", flat, allow_pickle=True)
nested = {"conv1_1": {"weights": ramp(1, 1, 2, 3), "biases": ramp(3)}, "sizes": [1, 2.5, None, True, "text"],
          7: {"list": [ramp(2), (ramp(3), "x")]}, "options": Options(), "flat": ramp(2)}
numpy.save("objects-nested.npy", nested, allow_pickle=True)
# The list of several objects, which is no dictionary.
numpy.save("objects-list.npy", numpy.array([{"a": ramp(2)}, None], object), allow_pickle=True)

# The same as Python 2 and older versions of NumPy write them: with a pickle of another protocol.
for protocol in [2, 3, 5]:
    file = io.BytesIO()
    numpy.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
    pickle.dump(numpy.array(flat, object), file, protocol=protocol, fix_imports=True)
    with open(f"objects-dictionary-{protocol}.npy", "wb") as out:
        out.write(file.getvalue())

# Python 3 writes bytes by _codecs.encode; Python 2 wrote them as strings, and names, too. Written by hand, then read by
# NumPy.
array = ramp(2)
bytes_of = array.tobytes()
string = lambda value: b"U" + bytes([len(value)]) + value
old = (
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85U\x01b\x87R(K\x01)"
    b"cnumpy\ndtype\nq\x02U\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89]}"
    + string(b"conv/kernel:0") + b"h\x00h\x01K\x00\x85U\x01b\x87R(K\x01K\x02\x85h\x02U\x02f4K\x00K\x01\x87R"
    b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + string(bytes_of) + b"tbs" + b"atb.")
file = io.BytesIO()
numpy.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
with open("objects-python2.npy", "wb") as out:
    out.write(file.getvalue() + old)
read = numpy.load("objects-python2.npy", allow_pickle=True, encoding="latin1").item()
assert list(read) == ["conv/kernel:0"] and (read["conv/kernel:0"] == array).all()
