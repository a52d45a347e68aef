"""im2txt.ckpt.index of OlderFamiliesTests, as TensorFlow writes it, and a map of Inception-v3.

The data file, 88 MB, is left out: OlderFamiliesTests writes it from the hashes. Inception-v3 is written here from the
names and shapes that TF-Slim publishes, with TensorFlow's own convolutions and pools.

Made with Python 3.11 and tensorflow-cpu 2.21.0, after make.py:
    cd Tests/TasksTests/Fixtures/older && python make_index.py
"""
import json
import os
import shutil
import tempfile

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


def noise(name, shape):
    salt = 2166136261
    for byte in name.encode():
        salt = (salt ^ byte) * 16777619 % 2**32
    h = np.arange(int(np.prod(shape)), dtype=np.uint32)
    h *= np.uint32(0x9E3779B1)
    h += np.uint32(salt)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    h ^= h >> np.uint32(16)
    return ((h >> np.uint32(8)).astype(np.float32) * np.float32(2**-24) - np.float32(0.5)).reshape(shape)


variables = {}


def weight(name, shape):
    if len(shape) > 1:
        value = noise(name, shape) * np.float32(2 * np.sqrt(6 / np.prod(shape[:-1])))
    else:
        value = noise(name, shape) * np.float32(0.4) + np.float32(1 if name.endswith("variance") else 0)
    variables[name] = value
    return tf.constant(value, tf.float64)


def unit(x, scope, outputs, height, width, stride=1, padding="SAME"):
    name = "InceptionV3/" + scope
    x = tf.nn.conv2d(x, weight(f"{name}/weights", [height, width, x.shape[3], outputs]), stride, padding)
    beta, mean, variance = (weight(f"{name}/BatchNorm/{part}", [outputs]) for part in (
        "beta", "moving_mean", "moving_variance"))
    return tf.nn.relu((x - mean) / tf.sqrt(variance + 0.001) + beta)


def chain(x, scope, *layers, stride=False):
    for i, (name, outputs) in enumerate(layers):
        last = stride and i == len(layers) - 1
        size = [int(n) for n in name.split("_")[-1].split("x")]
        # Slim calls the strided 3x3 convolutions of Mixed_6a 1x1.
        size = [3, 3] if last else size
        x = unit(x, f"{scope}/{name}", outputs, *size, *((2, "VALID") if last else ()))
    return x


def pool(x):
    return tf.nn.max_pool2d(x, 3, 2, "VALID")


def branch_pool(x, module, outputs):
    return chain(tf.nn.avg_pool2d(x, 3, 1, "SAME"), f"{module}/Branch_3", ("Conv2d_0b_1x1", outputs))


def join(*parts):
    return tf.concat(parts, 3)


def inception(x):
    x = unit(x, "Conv2d_1a_3x3", 32, 3, 3, 2, "VALID")
    x = unit(x, "Conv2d_2a_3x3", 32, 3, 3, 1, "VALID")
    x = pool(unit(x, "Conv2d_2b_3x3", 64, 3, 3))
    x = unit(x, "Conv2d_3b_1x1", 80, 1, 1, 1, "VALID")
    x = pool(unit(x, "Conv2d_4a_3x3", 192, 3, 3, 1, "VALID"))
    for module, outputs in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        odd = module == "Mixed_5c"
        x = join(
            chain(x, f"{module}/Branch_0", ("Conv2d_0a_1x1", 64)),
            chain(x, f"{module}/Branch_1", ("Conv2d_0b_1x1" if odd else "Conv2d_0a_1x1", 48),
                  ("Conv_1_0c_5x5" if odd else "Conv2d_0b_5x5", 64)),
            chain(x, f"{module}/Branch_2", ("Conv2d_0a_1x1", 64), ("Conv2d_0b_3x3", 96), ("Conv2d_0c_3x3", 96)),
            branch_pool(x, module, outputs))
    x = join(
        chain(x, "Mixed_6a/Branch_0", ("Conv2d_1a_1x1", 384), stride=True),
        chain(x, "Mixed_6a/Branch_1", ("Conv2d_0a_1x1", 64), ("Conv2d_0b_3x3", 96), ("Conv2d_1a_1x1", 96), stride=True),
        pool(x))
    for module, n in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        x = join(
            chain(x, f"{module}/Branch_0", ("Conv2d_0a_1x1", 192)),
            chain(x, f"{module}/Branch_1", ("Conv2d_0a_1x1", n), ("Conv2d_0b_1x7", n), ("Conv2d_0c_7x1", 192)),
            chain(x, f"{module}/Branch_2", ("Conv2d_0a_1x1", n), ("Conv2d_0b_7x1", n), ("Conv2d_0c_1x7", n),
                  ("Conv2d_0d_7x1", n), ("Conv2d_0e_1x7", 192)),
            branch_pool(x, module, 192))
    x = join(
        chain(x, "Mixed_7a/Branch_0", ("Conv2d_0a_1x1", 192), ("Conv2d_1a_3x3", 320), stride=True),
        chain(x, "Mixed_7a/Branch_1", ("Conv2d_0a_1x1", 192), ("Conv2d_0b_1x7", 192), ("Conv2d_0c_7x1", 192),
              ("Conv2d_1a_3x3", 192), stride=True),
        pool(x))
    for module, second in (("Mixed_7b", "Conv2d_0b_3x1"), ("Mixed_7c", "Conv2d_0c_3x1")):
        one = chain(x, f"{module}/Branch_1", ("Conv2d_0a_1x1", 384))
        two = chain(x, f"{module}/Branch_2", ("Conv2d_0a_1x1", 448), ("Conv2d_0b_3x3", 384))
        x = join(
            chain(x, f"{module}/Branch_0", ("Conv2d_0a_1x1", 320)),
            chain(one, f"{module}/Branch_1", ("Conv2d_0b_1x3", 384)), chain(one, f"{module}/Branch_1", (second, 384)),
            chain(two, f"{module}/Branch_2", ("Conv2d_0c_1x3", 384)),
            chain(two, f"{module}/Branch_2", ("Conv2d_0d_3x1", 384)), branch_pool(x, module, 192))
    return x


with open("im2txt.json") as file:
    expected = json.load(file)
# Large enough for 2x2 cells, so that the averages have an edge.
picture = np.floor((noise("checkpoints.picture", [107, 107, 3]) + np.float32(0.5)) * np.float32(256)).astype(np.float64)
map = inception(tf.constant(picture[None] / 127.5 - 1)).numpy()
flat = map.ravel()
expected["map"] = {"shape": list(map.shape), "sum": float(flat.sum()), "norm": float(np.linalg.norm(flat)), "every": 97,
                   "values": [float("%.6g" % v) for v in flat[::97]]}
with open("im2txt.json", "w") as file:
    json.dump(expected, file)
    file.write("\n")

for name, (salted, shape, scale, add) in expected["weights"].items():
    variables[name] = np.zeros(shape, np.float32)
folder = tempfile.mkdtemp()
with tf.Graph().as_default(), tf1.Session() as session:
    for name, value in variables.items():
        tf1.get_variable(name, initializer=tf1.zeros_initializer(), shape=value.shape, use_resource=False)
    tf1.get_variable("global_step", initializer=tf.constant(2000000, tf.int64), use_resource=False)
    session.run(tf1.global_variables_initializer())
    tf1.train.Saver().save(session, os.path.join(folder, "im2txt.ckpt"), write_meta_graph=False, write_state=False)
shutil.copy(os.path.join(folder, "im2txt.ckpt.index"), "im2txt.ckpt.index")
shutil.rmtree(folder)
print(len(variables), map.shape, flat.mean(), flat.max())
