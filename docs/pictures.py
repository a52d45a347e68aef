"""Makes a JPEG file of a PNG file, at most WIDTH pixels wide: pictures.py FILE.png FILE.jpg WIDTH

Needs Pillow; `make pictures` installs the version that it names.
"""

import sys

from PIL import Image

source, target, width = sys.argv[1], sys.argv[2], int(sys.argv[3])
image = Image.open(source).convert("RGB")
if image.width > width:
    image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
image.save(target, quality=82, optimize=True, progressive=True)
