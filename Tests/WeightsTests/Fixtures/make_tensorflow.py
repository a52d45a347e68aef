"""Fixtures of TensorFlowCheckpointTests: checkpoints that TensorFlow itself writes.

Made with Python 3.11 and tensorflow-cpu 2.21.0:
    cd Tests/WeightsTests/Fixtures && python make_tensorflow.py
tensorflow.json has the shapes, and the sums of the elements times position + 1, that TensorFlow's own reader finds
(tf.train.load_checkpoint).
"""
import json
import shutil
import struct

import numpy
import tensorflow

tf1 = tensorflow.compat.v1


made = 0


def ramp(*shape):
    """Position / 4 and a start that differs for every variable."""
    global made
    made += 1
    return (numpy.arange(int(numpy.prod(shape))) / 4 + made / 2 - 3).reshape(shape).astype("float32")


def save(name, variables, **options):
    with tensorflow.Graph().as_default(), tf1.Session() as session:
        for key, (value, type) in variables.items():
            if key == "partitioned":
                tf1.get_variable(key, initializer=tf1.constant_initializer(1), shape=value.shape, use_resource=False,
                                 partitioner=tf1.fixed_size_partitioner(2))
            else:
                tf1.get_variable(key, initializer=tensorflow.constant(value, type), use_resource=False)
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver(**options).save(session, name, write_meta_graph=False, write_state=False)


def facts(name):
    reader = tensorflow.train.load_checkpoint(name)
    found = {}
    for key, shape in reader.get_variable_to_shape_map().items():
        value = numpy.asarray(reader.get_tensor(key))
        if value.dtype.kind == "f" or value.dtype == tensorflow.bfloat16.as_numpy_dtype:
            flat = value.astype("float64").ravel()
            found[key] = {"shape": shape, "sum": float(numpy.dot(flat, numpy.arange(1, flat.size + 1)))}
    return found


float32 = tensorflow.float32
im2txt = {
    "lstm/basic_lstm_cell/kernel": (ramp(4, 8), float32), "lstm/basic_lstm_cell/bias": (ramp(8), float32),
    "image_embedding/weights": (ramp(3, 2), float32), "seq_embedding/map": (ramp(5, 2), float32),
    "logits/weights": (ramp(2, 5), float32), "logits/biases": (ramp(5), float32),
    "global_step": (numpy.array(2000000), tensorflow.int64), "scalar": (numpy.array(2.5), float32),
    "empty": (ramp(0, 3), float32), "half": (ramp(2, 3), tensorflow.float16), "double": (ramp(3), tensorflow.float64),
    "bfloat": (ramp(5), tensorflow.bfloat16), "mask": (numpy.array([True, False]), tensorflow.bool),
    "names": (numpy.array(["a", "dog"]), tensorflow.string), "counts": (numpy.array([1, 2]), tensorflow.int32),
    "partitioned": (ramp(4, 2), float32),
}
for module in ["Mixed_5b", "Mixed_5c", "Mixed_6a", "Mixed_7a", "Mixed_7b", "Mixed_7c"]:
    for branch in range(4):
        for layer in ["Conv2d_0a_1x1", "Conv2d_0b_3x3"]:
            path = f"InceptionV3/{module}/Branch_{branch}/{layer}"
            im2txt[f"{path}/weights"] = (ramp(1, 1, 1, 2), float32)
            for name in ["beta", "moving_mean", "moving_variance"]:
                im2txt[f"{path}/BatchNorm/{name}"] = (ramp(2), float32)
save("model.ckpt-2000000", im2txt)
small = {"lstm/kernel": (ramp(2, 4), float32), "half": (ramp(3), tensorflow.float16), "bias": (ramp(4), float32),
         "global_step": (numpy.array(7), tensorflow.int64)}
save("small.ckpt", small)

# Two data files: the two halves of a sharded checkpoint, joined as a program on two machines does it.
with tensorflow.device("cpu:0"):
    from tensorflow.python.ops import gen_io_ops
    for part, keys in enumerate([["lstm/kernel", "bias"], ["half"]]):
        gen_io_ops.save_v2(
            f"part-{part}", keys, [""] * len(keys), [tensorflow.constant(*small[key]) for key in keys])
    gen_io_ops.merge_v2_checkpoints(["part-0", "part-1"], "shards.ckpt", delete_old_dirs=False)

# TensorFlow begins a block of the index after 256 kB, far more than a fixture should have. This index has the entries of
# model.ckpt-2000000 in blocks of 20, written by hand as LevelDB's format has it; TensorFlow reads it like the other.
def varint(value):
    result = b""
    while value > 127:
        result += bytes([value & 127 | 128])
        value >>= 7
    return result + bytes([value])


def crc(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def entries_of(block):
    entries, position, key = [], 0, b""
    end = len(block) - 4 - 4 * struct.unpack("<I", block[-4:])[0]

    def number():
        nonlocal position
        value = shift = 0
        while True:
            byte = block[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while position < end:
        shared, others, length = number(), number(), number()
        key = key[:shared] + block[position:position + others]
        entries.append((key, block[position + others:position + others + length]))
        position += others + length
    return entries


def block_of(entries):
    block, restarts, last = b"", [], b""
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % 16 == 0:
            restarts.append(len(block))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return block + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def in_blocks(index, size):
    footer = index[-48:]
    numbers, position = [], 0
    while len(numbers) < 4:
        value = shift = 0
        while True:
            byte = footer[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        numbers.append(value)
    blocks = entries_of(index[numbers[2]:numbers[2] + numbers[3]])
    assert len(blocks) == 1
    entries = entries_of(index[:numbers[0]][:-5])
    result, places = b"", []

    def add(block):
        nonlocal result
        place = varint(len(result)) + varint(len(block))
        result += block + b"\0" + struct.pack("<I", crc(block + b"\0"))
        return place
    for start in range(0, len(entries), size):
        part = entries[start:start + size]
        places.append((part[-1][0], add(block_of(part))))
    meta, top = add(block_of([])), add(block_of(places))
    return result + (meta + top).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


with open("model.ckpt-2000000.index", "rb") as file:
    whole = file.read()
with open("blocks.ckpt.index", "wb") as file:
    file.write(in_blocks(whole, 20))
shutil.copy("model.ckpt-2000000.data-00000-of-00001", "blocks.ckpt.data-00000-of-00001")

# tf.train.Checkpoint's names, with its graph of objects as a text.
tensorflow.train.Checkpoint(dense=tensorflow.Variable(ramp(2, 3)), step=tensorflow.Variable(5)).write("objects.ckpt")

found = {name: facts(name) for name in ["model.ckpt-2000000", "small.ckpt", "shards.ckpt", "objects.ckpt"]}
assert facts("blocks.ckpt") == found["model.ckpt-2000000"]
with open("tensorflow.json", "w") as file:
    json.dump(found, file, separators=(",", ":"))
