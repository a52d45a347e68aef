"""Fixtures of HDF5FileTests and KerasFileTests: files as Keras and h5py write them, and what they hold.

Made with Python 3.11, keras 3.15.1 (KERAS_BACKEND=torch, torch 2.15.0), h5py 3.16.0 and numpy:
    cd Tests/WeightsTests/Fixtures && KERAS_BACKEND=torch python make_keras.py
The sums and single values in keras.json are of Keras's own variables; those in hdf5.json of what h5py reads back.
Most files are in keras.zip: HDF5 is full of zeros.
"""
import json
import os
import pathlib
import tempfile
import zipfile

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
import numpy as np
from keras import layers


def fill(model, seed):
    """Weights of two decimals, other ones for each position."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            weight.assign(np.round(random.uniform(-1, 1, weight.shape), 2).astype("float32"))


def merge():
    photo = keras.Input((8,))
    image = layers.Dense(6, activation="relu")(layers.Dropout(0.5)(photo))
    words = keras.Input((5,))
    sentence = layers.Dropout(0.5)(layers.Embedding(11, 4, mask_zero=True)(words))
    sentence = layers.LSTM(6)(sentence)
    hidden = layers.Dense(6, activation="relu", name="hidden")(layers.add([image, sentence]))
    model = keras.Model([photo, words], layers.Dense(11, activation="softmax", name="words")(hidden))
    model.compile("adam", "categorical_crossentropy")
    return model


def cnn():
    """A network within a network, too."""
    inner = keras.Sequential([keras.Input((4, 4, 3)), layers.Dense(2, use_bias=False, name="inner_dense"),
                              layers.BatchNormalization(center=False, name="inner_norm")], name="inner")
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, strides=2, padding="same", name="first")(image)
    x = inner(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.BatchNormalization(scale=False, name="norm")(x)
    x = layers.SeparableConv2D(4, 3, name="separable")(x)
    x = layers.BatchNormalization(name="full_norm")(x)
    return keras.Model(image, x)


def wrapped():
    frames = keras.Input((3, 4))
    x = layers.TimeDistributed(layers.Dense(2), name="each")(frames)
    x = layers.Bidirectional(layers.LSTM(2), name="both")(x)
    return keras.Model(frames, layers.Dense(1, use_bias=False, name="last")(x))


def small():
    return keras.Sequential([keras.Input((3,)), layers.Dense(2, name="one"), layers.Dropout(0.5, name="drop"),
                             layers.Dense(1, use_bias=False, name="two")])


def cells(model):
    """Every weight of real numbers by layer: shape, sum, first and last value."""
    result = []

    def visit(layer):
        if isinstance(layer, keras.Model):
            for inner in layer.layers:
                visit(inner)
            return
        weights = {}
        for weight in layer.weights:
            if "float" not in str(weight.dtype):
                continue
            name = weight.path.split("/")[-1]
            if isinstance(layer, layers.DepthwiseConv2D) and name == "kernel":
                name = "depthwise_kernel"
            if isinstance(layer, layers.Bidirectional):
                name = weight.path.split("/")[1].split("_")[0] + "_layer/" + name
            weights[name] = numbers(keras.ops.convert_to_numpy(weight))
        result.append({"name": layer.name, "class": type(layer).__name__, "weights": weights})

    for layer in model.layers:
        visit(layer)
    return result


def numbers(array):
    array = np.asarray(array, dtype=np.float64)
    return {"shape": list(array.shape), "sum": float(array.sum()), "first": float(array.ravel()[0]),
            "last": float(array.ravel()[-1])}


def keras2(model, path, nested_cell):
    """The weights alone as Keras 2's save_weights wrote them: attributes of fixed strings, names that end in :0. The
    older form has no scope for cells, and slashes in layers' names."""
    def name(layer):
        return "block/hidden" if layer.name == "hidden" and not nested_cell else layer.name

    with h5py.File(path, "w") as file:
        names = np.array([name(layer).encode() for layer in model.layers])
        if nested_cell:
            file.attrs["layer_names"] = names
        else:
            # As Keras cuts what is too long for HDF5.
            file.attrs["layer_names0"], file.attrs["layer_names1"] = names[:4], names[4:]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.2.4"
        for layer in model.layers:
            group = file.create_group(name(layer))
            names, values = [], []
            for weight in layer.weights:
                if "float" not in str(weight.dtype):
                    continue
                parts = [name(layer)] + weight.path.split("/")[1:]
                if not nested_cell:
                    parts = [part for part in parts if part != "lstm_cell"]
                names.append(("/".join(parts) + ":0").encode())
                values.append(keras.ops.convert_to_numpy(weight))
            group.attrs["weight_names"] = np.array(names) if names else np.zeros(0)
            for full, value in zip(names, values):
                group.create_dataset(full.decode(), data=value)


def ramp(*shape):
    return (np.arange(np.prod(shape)) / 4 - 3).reshape(shape)


def h5py_files():
    with h5py.File("layouts.h5", "w") as file:
        file.create_dataset("chunked", data=ramp(9, 7).astype("f4"), chunks=(4, 3))
        file.create_dataset("gzip", data=ramp(9, 7, 2).astype("f4"), chunks=(4, 3, 2), compression="gzip", shuffle=True)
        file.create_dataset("gzip64", data=ramp(40).astype("f8"), chunks=(16,), compression=9, shuffle=True)
        file.create_dataset("half", data=ramp(7).astype("f2"))
        file.create_dataset("double", data=ramp(3, 2).astype("f8"))
        file.create_dataset("scalar", data=np.float32(2.5))
        file.create_dataset("empty", data=np.zeros((0, 3), "f4"))
        file.create_dataset("integers", data=np.arange(4))
        file.create_dataset("big-endian", data=ramp(3).astype(">f4"))
        file.create_dataset("unwritten", shape=(3,), dtype="f4")
        file.create_dataset("lzf", data=ramp(8).astype("f4"), compression="lzf")
        # More chunks than one node of the index holds.
        file.create_dataset("many", data=ramp(70, 2).astype("f4"), chunks=(1, 1))
        space = h5py.h5s.create_simple((2, 3))
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        compact = h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32LE, space, properties)
        compact.write(h5py.h5s.ALL, h5py.h5s.ALL, ramp(2, 3).astype("f4"))
    with h5py.File("groups.h5", "w") as file:
        # More members than one node of a group's tree holds.
        for i in range(40):
            file[f"wide/g{i:02d}/x"] = np.float32(i)
        file["a/b/c/d/e/f/g/h/x"] = ramp(2).astype("f4")
        file["soft"] = h5py.SoftLink("/wide")
        group = file.create_group("attributes")
        group.attrs["text"] = "h\u00e9llo"
        group.attrs["fixed"] = np.bytes_(b"fixed")
        group.attrs["list"] = np.array([b"one", b"three"])
        group.attrs["texts"] = ["a", "", "ccc"]
        group.attrs["long"] = "x" * 5000
        group.attrs["integer"] = -7
        group.attrs["byte"] = np.uint8(200)
        group.attrs["real"] = 0.5
        group.attrs["reals"] = np.array([0.5, -1], "f4")
        group.attrs["flag"] = True
        group.attrs["nothing"] = h5py.Empty("f4")
        group.attrs["none"] = np.zeros(0)
        group.attrs["complex"] = np.complex64(1)
    with h5py.File("latest.h5", "w", libver="latest") as file:
        group = file.create_group("model", track_order=True)
        group["z/kernel"] = ramp(2, 3).astype("f4")
        group["a/kernel"] = ramp(4).astype("f4")
        group.attrs["layer_names"] = ["z", "a"]
    with h5py.File("dense.h5", "w", libver="latest") as file:
        for i in range(20):
            file[f"x{i}"] = np.float32(i)
    expected = {}
    for name in ["layouts.h5", "groups.h5", "latest.h5"]:
        values = {}
        with h5py.File(name) as file:
            def note(path, item):
                if isinstance(item, h5py.Dataset) and item.size and path not in ("lzf", "big-endian", "unwritten"):
                    values[path] = numbers(item[...])
            file.visititems(note)
        expected[name] = values
    return expected


def main():
    folder = pathlib.Path.cwd()
    with tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)
        expected = {}
        for build, seed in [(merge, 1), (cnn, 2), (wrapped, 3), (small, 4)]:
            keras.utils.clear_session()
            model = build()
            fill(model, seed)
            name = build.__name__
            expected[name] = cells(model)
            model.save(name + ".h5")
            model.save(name + ".keras")
            if name == "merge":
                model.save_weights("merge.weights.h5")
                keras2(model, "merge-keras2.h5", nested_cell=True)
                keras2(model, "merge-keras20.h5", nested_cell=False)
        hdf5 = h5py_files()
        # Another program's archive of the same files; Keras does not compress.
        with zipfile.ZipFile("small.keras") as file, zipfile.ZipFile(
                "packed.keras", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for member in file.namelist():
                packed.writestr(member, file.read(member))
        with h5py.File("keras1.h5", "w") as file:
            file.attrs["layer_names"] = np.array([b"block1_conv1"])
            file["block1_conv1/block1_conv1_W_1:0"] = ramp(3, 3, 1, 2).astype("f4")
            file["block1_conv1/block1_conv1_b_1:0"] = ramp(2).astype("f4")
            file["block1_conv1"].attrs["weight_names"] = np.array(
                [b"block1_conv1_W_1:0", b"block1_conv1_b_1:0"])
        # Seeds of Tests/Readers.
        for name in ["small.keras", "small.h5", "layouts.h5"]:
            pathlib.Path(name).rename(folder / name)
        with zipfile.ZipFile(folder / "keras.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for path in sorted(pathlib.Path(".").iterdir()):
                packed.write(path)
        os.chdir(folder)
    for name, value in [("keras.json", expected), ("hdf5.json", hdf5)]:
        with open(name, "w") as file:
            json.dump(value, file, separators=(",", ":"))
            file.write("\n")


main()
