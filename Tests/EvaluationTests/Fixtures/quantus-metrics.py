"""Writes quantus-metrics.json: what Quantus measures of small maps.

    python Tests/EvaluationTests/Fixtures/quantus-metrics.py

Made with quantus 0.6.0, numpy 2.4.6 and torch 2.15.0 on Python 3.11, CPU.

- Sparseness and Complexity, with their defaults (magnitudes, divided by the largest).
- MaxSensitivity and LocalLipschitzEstimate, with their defaults but for the perturbation, which is the one that is
  written: `image` and `moved` (changed images), `map` and `movedMaps` (maps of them).
"""
import json
import os
import warnings

import numpy as np
import quantus
import torch

warnings.filterwarnings("ignore")
here = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(7)


class Model(torch.nn.Module):
    """Never asked for more than a shape: the explanations are functions of the image alone."""

    def forward(self, x):
        return torch.stack([x.flatten(1).sum(1), -x.flatten(1).sum(1)], 1)


def rounded(values):
    return [float("%.9g" % v) for v in np.asarray(values, np.float64).reshape(-1)]


maps = []
for name, values in {
    "random": random.random((5, 7)),
    "peaked": random.random((4, 6)) ** 12,
    "mostly zero": np.where(random.random((6, 6)) > 0.8, random.random((6, 6)), 0),
    "one cell": np.eye(1, 12, 5).reshape(3, 4),
    "signed": random.normal(size=(4, 4)),
}.items():
    values = np.float32(values)[None, None]

    def measure(kind):
        # Quantus changes the array that it is given.
        attributions = values.astype(np.float64)
        metric = kind(disable_warnings=True)
        return float(metric(model=None, x_batch=attributions.copy(), y_batch=np.zeros(1, int), a_batch=attributions)[0])

    maps.append(
        {
            "name": name, "shape": list(values.shape[2:]), "values": rounded(values),
            "sparseness": measure(quantus.Sparseness),
            "complexity": measure(quantus.Complexity),
        }
    )


def explain(model, inputs, targets, **_):
    """A map that is not linear in the image, `[N, 1, height, width]`, signed."""
    x = np.asarray(inputs, np.float64)
    return np.float32(np.sin(3 * x[:, :1]) * x[:, 1:2] - 0.3 * x[:, 2:] ** 2).astype(np.float64)


stability = []
for samples, scale in (1, 0.05), (6, 0.2):
    image = np.float32(random.normal(size=(1, 3, 4, 5))).astype(np.float64)
    moved = [image + np.float32(random.uniform(-scale, scale, image.shape)) for _ in range(samples)]
    moved = [np.float32(m).astype(np.float64) for m in moved]

    def measure(kind):
        turn = iter(moved)
        metric = kind(
            nr_samples=samples, perturb_func=lambda arr, **_: next(turn).reshape(arr.shape), disable_warnings=True,
            return_nan_when_prediction_changes=False,
        )
        return float(
            metric(
                model=Model(), x_batch=image, y_batch=np.zeros(1, int), a_batch=explain(None, image, None),
                explain_func=explain, device="cpu",
            )[0]
        )

    stability.append(
        {
            "image": rounded(image), "moved": [rounded(m) for m in moved],
            "map": rounded(explain(None, image, None)), "movedMaps": [rounded(explain(None, m, None)) for m in moved],
            "maxSensitivity": measure(quantus.MaxSensitivity), "lipschitz": measure(quantus.LocalLipschitzEstimate),
        }
    )

with open(os.path.join(here, "quantus-metrics.json"), "w") as f:
    json.dump({"maps": maps, "stability": stability}, f, separators=(",", ":"))
    f.write("\n")
for row in maps:
    print(row["name"], row["sparseness"], row["complexity"])
for row in stability:
    print(row["maxSensitivity"], row["lipschitz"])
