"""Writes colormaps.txt: matplotlib's colour maps, one a line, a name and 256 RGB colours in hexadecimal.

Python 3, matplotlib 3.11.2, numpy 2.4.6; from the repository's root:

    python Tests/DrawingTests/Fixtures/colormaps.py

With --control-points it prints instead the 33 evenly spaced colours that ColorMap.swift interpolates.
"""

import pathlib
import sys

import numpy
from matplotlib import colormaps

NAMES = ["jet", "turbo", "viridis", "magma", "inferno", "gray", "coolwarm"]


def colors(name, positions):
    rows = colormaps[name](numpy.asarray(positions, dtype=int))[:, :3]
    return ["%02x%02x%02x" % tuple(int(v) for v in numpy.floor(row * 255 + 0.5)) for row in rows]


if "--control-points" in sys.argv:
    for name in NAMES:
        print(name, " ".join(colors(name, numpy.round(numpy.linspace(0, 255, 33)))))
else:
    lines = [name + " " + "".join(colors(name, range(256))) for name in NAMES]
    (pathlib.Path(__file__).parent / "colormaps.txt").write_text("\n".join(lines) + "\n")
