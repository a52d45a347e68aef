"""Fixtures of KerasFamilyTests: merge captioners as Keras writes them, and what they compute.

Made with Python 3.11, keras 3.15.1 (KERAS_BACKEND=torch, torch 2.15.0), h5py 3.16.0, numpy 2.4.6:
    cd Tests/TasksTests/Fixtures/keras && KERAS_BACKEND=torch python make.py
Nothing is random: weights and maps are hashes of their names (ReproducibleWeights.swift). Captions are read as Keras's
tutorials read them: padded in front to the Input layer's length, with the Embedding's mask.

`*-keras2.h5` are files of Keras 3 whose description and names were put into the form of Keras 2.2 by h5py.
"""
import gzip
import io
import json
import os
import pickle
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "torch")
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "checkpoints"))

import h5py
import keras
import numpy as np
import torch
from keras import layers
from keras.src.legacy.preprocessing.text import Tokenizer

from common import gradient, lines, noise, number, numbers

torch.set_grad_enabled(True)

CHANNELS, LENGTH, HIDDEN = 128, 12, 8
# "pad", "start" and "end" are words of photographs' captions too.
WORDS = "a man dog on red ball in grass near cat plays of street water pad start end white horse two table bus".split()
FIXED = "a red dog plays near water".split()
STEP = 1 / 8


def write(name, data):
    if name.endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)
    with open(os.path.join(here, name), "wb") as f:
        f.write(data)


def save(name, model, weights=False):
    """The file as Keras writes it, compressed."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        (model.save_weights if weights else model.save)(path)
        with open(path, "rb") as f:
            write(name + ".gz", f.read())


def fill(model, salt, end, addition):
    for layer in model.layers:
        for weight in layer.weights:
            if "float" not in str(weight.dtype):
                continue
            name, shape = f"{salt}.{layer.name}.{weight.name}", tuple(weight.shape)
            values = noise(name, shape)
            if len(shape) > 1:
                values *= np.float32(2 * np.sqrt(6 / shape[0]))
            elif "variance" in weight.name or "gamma" in weight.name:
                # Some scales are negative.
                values = values + np.float32(1 if "variance" in weight.name else 0.3)
            else:
                values = values * np.float32(0.4)
            # The words before a word matter more than the photograph, so that captions do not repeat one word.
            if "embed" in weight.name or "kernel" in weight.name and layer.name.startswith("lstm"):
                values = values * np.float32(4)
            if layer.name.startswith("dense") and shape[0] == CHANNELS:
                values = values * np.float32(0.5)
            if layer.name == "words" and len(shape) == 1:
                values[[0, 1]] -= np.float32(6)
                values[end] += np.float32(addition)
            weight.assign(np.round(values / STEP) * np.float32(STEP))


def sentence(count, **lstm):
    words = keras.Input((LENGTH,), name="caption")
    x = layers.Embedding(count, 6, mask_zero=True)(words)
    return words, layers.LSTM(HIDDEN, **lstm)(layers.Dropout(0.5)(x))


def add(count, **lstm):
    """Brownlee's and DataFlair's."""
    photo = keras.Input((CHANNELS,), name="photo")
    image = layers.Dense(HIDDEN, activation="relu")(layers.Dropout(0.5)(photo))
    words, state = sentence(count, **lstm)
    merged = layers.Dense(12, activation="relu")(layers.add([image, state]))
    return keras.Model([photo, words], layers.Dense(count, activation="softmax", name="words")(merged))


def hard_sigmoid(x):
    """Keras's until version 2."""
    return keras.ops.clip(0.2 * x + 0.5, 0, 1)


def hard(count):
    return add(count, recurrent_activation=hard_sigmoid)


def hard3(count):
    """Keras 3's hard_sigmoid is another function. The test changes add.keras into this."""
    return add(count, recurrent_activation="hard_sigmoid")


def concatenate(count):
    """The sentence first, and the words as the first input."""
    photo = keras.Input((CHANNELS,), name="photo")
    image = layers.Dense(10, activation="relu")(photo)
    words, state = sentence(count)
    merged = layers.Dense(12, activation="relu")(layers.concatenate([state, image]))
    merged = layers.Dropout(0.2)(merged)
    return keras.Model([words, photo], layers.Dense(count, activation="softmax", name="words")(merged))


def image_first(count):
    photo = keras.Input((CHANNELS,), name="photo")
    image = layers.Dense(10, activation="relu")(photo)
    words, state = sentence(count)
    merged = layers.Dense(12, activation="relu")(layers.concatenate([image, state]))
    return keras.Model([photo, words], layers.Dense(count, activation="softmax", name="words")(merged))


def norms(count):
    """Batch normalisation wherever people put it, and activations as layers."""
    photo = keras.Input((CHANNELS,), name="photo")
    x = layers.BatchNormalization()(photo)
    x = layers.Dense(HIDDEN, activation="relu")(x)
    image = layers.BatchNormalization()(layers.Dropout(0.5)(x))
    words, state = sentence(count)
    x = layers.BatchNormalization(epsilon=1e-2)(layers.add([image, layers.BatchNormalization()(state)]))
    x = layers.Activation("relu")(layers.BatchNormalization(scale=False)(layers.Dense(12)(x)))
    x = layers.Dense(count, name="words")(layers.BatchNormalization(center=False)(x))
    return keras.Model([photo, words], layers.Softmax()(x))


def gru(count):
    photo = keras.Input((CHANNELS,), name="photo")
    words = keras.Input((LENGTH,), name="caption")
    state = layers.GRU(4)(layers.Embedding(count, 4, mask_zero=True)(words))
    merged = layers.Dense(4, activation="relu")(layers.add([layers.Dense(4, activation="relu")(photo), state]))
    return keras.Model([photo, words], layers.Dense(count, activation="softmax", name="words")(merged))


def bidirectional(count):
    photo = keras.Input((CHANNELS,), name="photo")
    words = keras.Input((LENGTH,), name="caption")
    state = layers.Bidirectional(layers.LSTM(4))(layers.Embedding(count, 4, mask_zero=True)(words))
    merged = layers.Dense(4, activation="relu")(layers.add([layers.Dense(8, activation="relu")(photo), state]))
    return keras.Model([photo, words], layers.Dense(count, activation="softmax", name="words")(merged))


def inject(count):
    photo = keras.Input((CHANNELS,), name="photo")
    words = keras.Input((LENGTH,), name="caption")
    image = layers.RepeatVector(LENGTH)(layers.Dense(4, activation="relu")(photo))
    both = layers.concatenate([image, layers.Embedding(count, 4)(words)])
    return keras.Model([photo, words], layers.Dense(count, activation="softmax", name="words")(layers.LSTM(4)(both)))


def deep(count):
    """A layer of the vocabulary's width before the scores."""
    photo = keras.Input((CHANNELS,), name="photo")
    image = layers.Dense(HIDDEN, activation="relu")(photo)
    words, state = sentence(count)
    merged = layers.Dense(count, activation="relu")(layers.Dense(12, activation="relu")(layers.add([image, state])))
    return keras.Model([photo, words], layers.Dense(count, activation="softmax", name="words")(merged))


def features():
    return torch.from_numpy(np.abs(noise("merge.features", (1, 3, 3, CHANNELS))) * np.float32(4))


def log_probabilities(model, map, ids):
    """Of every next word, [V], after these ids."""
    padded = np.zeros((1, LENGTH), "int32")
    padded[0, LENGTH - len(ids):] = ids
    inputs = {"photo": map.mean((1, 2)), "caption": torch.from_numpy(padded)}
    return torch.log(model([inputs[i.name] for i in model.inputs], training=False)[0])


def greedy(model, map, start, end, repeats=True):
    """The caption, how far each of its words was above the next best, and above the end."""
    ids, total, margins, distances = [start], 0.0, [], []
    with torch.no_grad():
        for _ in range(LENGTH):
            scores = log_probabilities(model, map, ids)
            best = scores.topk(2)
            margins.append(float(best.values[0] - best.values[1]))
            distances.append(float(best.values[0] - scores[end]))
            total += float(best.values[0])
            if int(best.indices[0]) == end:
                return {"ids": ids[1:], "logProbability": number(total), "ended": True}, min(margins), distances
            ids.append(int(best.indices[0]))
            if not repeats and ids[-1] == ids[-2]:
                break
    return {"ids": ids[1:], "logProbability": number(total), "ended": False}, min(margins), distances


def search(make, count, start, end):
    """The first salt and addition to the end's bias with a caption of two or three words or more."""
    map = features()
    model = make(count)
    for salt in range(300):
        fill(model, salt, end, -8)
        _, _, distances = greedy(model, map, start, end, repeats=False)
        for t in range(2 if make is norms else 3, len(distances)):
            before = min(distances[:t])
            if distances[t] < before - 0.05:
                # Multiples of the step, as all weights.
                addition = np.ceil((distances[t] + 0.02) / STEP) * STEP
                fill(model, salt, end, -8 + addition)
                found, margin, _ = greedy(model, map, start, end)
                if found["ended"] and len(found["ids"]) == t and margin > 1e-3:
                    print(make.__name__, salt, found["ids"], margin)
                    return model, found, margin
    raise SystemExit("no weights give a caption that ends")


def expected(model, found, margin, index, start, end):
    ids = [index[w] for w in FIXED]
    map = features().requires_grad_()
    scores = torch.stack([log_probabilities(model, map, ([start] + ids)[:t + 1])[w] for t, w in enumerate(ids + [end])])
    (g,) = torch.autograd.grad(scores[2], map)
    return {
        "captions": {"greedy": found}, "smallestMargin": number(margin),
        "forced": {"ids": ids, "logProbabilities": numbers(scores.detach())},
        "gradient": {"word": 2, **gradient(g, 61)},
    }


def keras2(data):
    """A model's .h5 with a description and names as Keras 2.2 wrote them."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.h5")
        with open(path, "wb") as f:
            f.write(data)
        with h5py.File(path, "r") as old, h5py.File(path + "2", "w") as new:
            config = json.loads(old.attrs["model_config"])
            config["class_name"] = "Model"
            kept = []
            for layer in config["config"]["layers"]:
                if layer["class_name"] == "NotEqual":
                    continue
                history = []

                def walk(value):
                    if isinstance(value, dict) and "keras_history" in value.get("config", {}):
                        history.append(value["config"]["keras_history"] + [{}])
                    elif isinstance(value, list):
                        for v in value:
                            walk(v)

                for node in layer["inbound_nodes"]:
                    walk(node["args"])
                settings = layer["config"]
                if layer["class_name"] == "InputLayer":
                    settings["batch_input_shape"] = settings.pop("batch_shape")
                settings.pop("dtype", None)
                if layer["class_name"] == "LSTM" and isinstance(settings["recurrent_activation"], dict):
                    settings["recurrent_activation"] = settings["recurrent_activation"]["config"]
                kept.append({"name": layer["name"], "class_name": layer["class_name"], "config": settings,
                             "inbound_nodes": [history] if history else []})
            config["config"]["layers"] = kept
            outputs = config["config"]["output_layers"]
            config["config"]["output_layers"] = [outputs] if isinstance(outputs[0], str) else outputs
            new.attrs["model_config"] = json.dumps(config).encode()
            new.attrs["keras_version"] = b"2.2.4"
            new.attrs["backend"] = b"tensorflow"
            group = new.create_group("model_weights")
            names = [layer["name"] for layer in kept]
            group.attrs["layer_names"] = np.array([n.encode() for n in names])
            group.attrs["keras_version"] = b"2.2.4"
            for name in names:
                inner = group.create_group(name)
                weights = []
                for w in old["model_weights"][name].attrs["weight_names"]:
                    dataset = old["model_weights"][name][w]
                    short = f"{name}/{w.split('/')[-1]}:0"
                    inner.create_dataset(short, data=dataset[()])
                    weights.append(short.encode())
                inner.attrs["weight_names"] = np.array(weights) if weights else np.zeros(0, "S1")
        with open(path + "2", "rb") as f:
            return f.read()


def main():
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["startseq " + " ".join(WORDS) + " endseq"] * 2)
    index = tokenizer.word_index
    count = len(index) + 1
    write("tokenizer.pkl", pickle.dumps(tokenizer))
    write("wordtoix.pkl", pickle.dumps(dict(index), 3))
    # DataFlair's marks.
    marks = {"startseq": "start", "endseq": "end", "start": "begin", "end": "finish"}
    write("word_index.json", json.dumps({marks.get(w, w): i for w, i in index.items()}).encode())
    start, end = index["startseq"], index["endseq"]
    words = [""] + [w for w, _ in sorted(index.items(), key=lambda e: e[1])]
    json_of = {"words": words, "features": {"name": "merge.features", "shape": [1, 3, 3, CHANNELS]}, "models": {}}
    for make in (add, concatenate, image_first, hard, norms):
        name = make.__name__
        keras.utils.clear_session()
        model, found, margin = search(make, count, start, end)
        json_of["models"][name] = expected(model, found, margin, index, start, end)
        if name == "add":
            model.compile("adam", "categorical_crossentropy")
        if name == "add":
            same = hard3(count)
            same.set_weights(model.get_weights())
            caption, distance, _ = greedy(same, features(), start, end)
            print("hard3", caption, distance)
            json_of["models"]["hard3"] = expected(same, caption, distance, index, start, end)
        if name in ("add", "hard"):
            save(f"{name}.h5", model)
            with open(os.path.join(here, f"{name}.h5.gz"), "rb") as f:
                write(f"{name}-keras2.h5.gz", keras2(gzip.decompress(f.read())))
        if name == "hard":
            os.remove(os.path.join(here, "hard.h5.gz"))
        elif name != "image_first":
            save(f"{name}.keras", model)
        if name in ("add", "image_first"):
            save(f"{name}.weights.h5", model, weights=True)
    write("merge.json", (lines(json_of) + "\n").encode())
    for make in (gru, bidirectional, inject, deep):
        keras.utils.clear_session()
        model = make(count)
        for weight in model.weights:
            if "float" in str(weight.dtype):
                weight.assign(np.zeros(weight.shape, "float32"))
        save(f"{make.__name__}.keras", model)


if __name__ == "__main__":
    main()
