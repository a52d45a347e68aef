"""A progressive JPEG of 33 rows of blocks, for tests that cut its end.

    python3 Tests/VisionTests/Fixtures/make_damaged.py

Python 3, Pillow 13.0.0 (libjpeg-turbo 3.2.0), NumPy. Writes beside itself damaged/tall-progressive.jpg.
"""
import pathlib
import numpy as np
from PIL import Image

folder = pathlib.Path(__file__).parent / "damaged"
folder.mkdir(exist_ok=True)
pixels = np.random.default_rng(7).integers(0, 256, (264, 24, 3)).astype(np.uint8)
Image.fromarray(pixels).save(folder / "tall-progressive.jpg", quality=50, subsampling=0, progressive=True)
