"""Distances of random feature maps from the distribution of others, for FeatureDistributionTests.

Made with NumPy 2, by: python feature_distances.py > feature_distances.json
"""

import json

import numpy as np

rng = np.random.default_rng(20)
shape = (2, 3, 5)
scale = np.array([1, 0.2, 3, 0.01, 1])


def maps(count, scale):
    return np.round(np.maximum(rng.normal(0.4, 1, (count, *shape)) * scale, 0), 3)


def described(x):
    pooled = x.mean(axis=(1, 2))
    return pooled / np.sqrt((pooled**2).mean(axis=1, keepdims=True))


train, others = maps(12, scale), np.concatenate([maps(3, scale), maps(3, scale[::-1])])
x = described(train)
mean, variance = x.mean(axis=0), x.var(axis=0)
variance = variance + 0.01 * variance.mean() + 1e-6
distances = np.sqrt(((described(others) - mean) ** 2 / variance).mean(axis=1))
print(
    json.dumps(
        {
            "shape": shape,
            "train": [m.ravel().tolist() for m in train],
            "others": [m.ravel().tolist() for m in others],
            "distances": [round(d, 9) for d in distances.tolist()],
        }
    )
)
