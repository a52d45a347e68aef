"""inception.json: the layers of keras.applications' Inception-v3 by their names, and its map of a small picture.

Made with Python 3.11, keras 3.15.1 (KERAS_BACKEND=torch, torch 2.15.0), numpy 2.4.6:
    cd Tests/TasksTests/Fixtures/keras && KERAS_BACKEND=torch python make_inception.py
Weights are hashes of the names that Keras gives the layers (ReproducibleWeights.swift), so the names must be matched
with the right layers.
"""
import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "checkpoints"))

import keras
import numpy as np
import torch

from common import noise, number, parameter

SIDE = 96
keras.utils.clear_session()
model = keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
convolutions, norms = {}, {}
for layer in model.layers:
    for weight in layer.weights:
        name, shape = f"{layer.name}.{weight.name}", tuple(weight.shape)
        if len(shape) == 4:
            # Hashed as [out, in, height, width].
            values = parameter(name, (shape[3], shape[2], shape[0], shape[1])).permute(2, 3, 1, 0).numpy()
        else:
            values = noise(name, shape) * np.float32(0.4) + np.float32(1 if "variance" in name else 0)
        weight.assign(values)
        if len(shape) == 4:
            convolutions[layer.name] = list(shape)
        else:
            norms[layer.name] = shape[0]
picture = noise("inception.picture", (1, SIDE, SIDE, 3)) * np.float32(2)
with torch.no_grad():
    map = model(torch.from_numpy(picture), training=False).double().reshape(-1)
value = {"side": SIDE, "convolutions": convolutions, "norms": norms,
         "map": {"sum": number(map.sum()), "norm": number(map.norm()), "every": 97,
                 "values": [float("%.7g" % v) for v in map[::97]]}}
with open(os.path.join(here, "inception.json"), "w") as f:
    f.write(json.dumps(value) + "\n")
print(map.shape, map.abs().mean())
