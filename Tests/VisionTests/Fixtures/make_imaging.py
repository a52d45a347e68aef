"""Images in every variant of JPEG and PNG that mmx reads, and their pixels as Pillow decodes them.

    python Tests/VisionTests/Fixtures/make_imaging.py

Python 3, Pillow 13.0.0 (libjpeg-turbo 3.2.0), NumPy. Writes beside itself:
  imaging/NAME.jpg, NAME.png    the images
  imaging/expected.bin          8-bit RGB, row-major: the expected pixels of all images, in order
  imaging/cases.json            names, sizes and offsets into expected.bin, the cases of resizing and cropping
"""
import io, json, pathlib, struct, zlib
import numpy as np
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent / "imaging"
here.mkdir(exist_ok=True)
for old in here.iterdir():
    old.unlink()
rng = np.random.default_rng(7)


def photo(width, height):
    """Smooth colours with some edges and grain, like a photograph."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    planes = [
        128 + 90 * np.sin(x / 7 + y / 11), 128 + 80 * np.cos(x / 5 - y / 9), 40 + 170 * x / width]
    a = np.stack(planes, -1) + rng.normal(0, 5, (height, width, 3))
    a[height // 3:height // 2, width // 4:width // 2] = (230, 30, 40)
    return Image.fromarray(a.clip(0, 255).astype(np.uint8))


decoded = []
expected = bytearray()


def store(rgb):
    """Stores an image's pixels; returns their offset."""
    offset = len(expected)
    expected.extend(np.asarray(rgb, np.uint8).tobytes())
    return offset


def expect(name, rgb):
    rgb = np.asarray(rgb, np.uint8)
    decoded.append({"file": name, "width": rgb.shape[1], "height": rgb.shape[0], "offset": store(rgb)})


def over_white(im):
    im = im.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", im.size, "white"), im).convert("RGB")


# --- JPEG
source = photo(45, 35)


def jpeg(name, im, **options):
    im.save(here / name, **options)
    expect(name, Image.open(here / name).convert("RGB"))


jpeg("ycc444.jpg", source, quality=90, subsampling=0)
jpeg("ycc422.jpg", source, quality=90, subsampling=1)
jpeg("ycc420.jpg", source, quality=80, subsampling=2)
jpeg("progressive.jpg", source, quality=85, progressive=True)
jpeg("progressive420.jpg", source, quality=60, progressive=True, subsampling=2)
jpeg("restart.jpg", source, quality=85, restart_marker_blocks=3)
jpeg("rgb.jpg", source, quality=90, keep_rgb=True)
jpeg("gray.jpg", source.convert("L"), quality=90)
jpeg("grayprogressive.jpg", source.convert("L"), quality=90, progressive=True)
cmyk = Image.merge("CMYK", [*[p.point(lambda v: 255 - v) for p in source.split()], source.convert("L").point(lambda v: (255 - v) // 3)])
jpeg("cmyk.jpg", cmyk, quality=92)  # Pillow writes an Adobe marker, inverted, transform 0
jpeg("one.jpg", photo(1, 1), quality=90)

# YCCK: the same four planes stored as YCC + K, Adobe transform 2. Pillow cannot write it. It is made from a CMYK file by
# changing the marker's transform flag, so that the planes are read as YCC.
data = bytearray((here / "cmyk.jpg").read_bytes())
adobe = data.index(b"Adobe")
assert data[adobe + 11] == 0
data[adobe + 11] = 2
(here / "ycck.jpg").write_bytes(data)
expect("ycck.jpg", Image.open(here / "ycck.jpg").convert("RGB"))

# --- EXIF orientations
small = photo(22, 13)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    name = f"exif{orientation}.jpg"
    small.save(here / name, quality=95, subsampling=0, exif=exif)
    expect(name, ImageOps.exif_transpose(Image.open(here / name)).convert("RGB"))
exif = Image.Exif()
exif[0x0112] = 6
small.save(here / "exif6.png", exif=exif)
(here / "exif6png.png").write_bytes((here / "exif6.png").read_bytes())
(here / "exif6.png").unlink()
expect("exif6png.png", ImageOps.exif_transpose(Image.open(here / "exif6png.png")).convert("RGB"))


# --- PNG, encoded here: Pillow does not write every depth, nor interlaced files
def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def rows_of(samples, depth):
    """Rows of packed samples, filter 0. samples: [height, width, channels] integers."""
    out = b""
    for row in samples:
        flat = row.reshape(-1)
        if depth == 16:
            body = flat.astype(">u2").tobytes()
        elif depth == 8:
            body = flat.astype(np.uint8).tobytes()
        else:
            bits = ((flat[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
            body = np.packbits(bits.reshape(-1)).tobytes()
        out += b"\0" + body
    return out


def png(name, samples, depth, kind, extra=b"", interlaced=False):
    height, width = samples.shape[:2]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        parts = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in passes]
        body = b"".join(rows_of(p, depth) for p in parts if p.size)
    else:
        body = rows_of(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
    (here / name).write_bytes(data)
    return Image.open(io.BytesIO(data))


a = np.asarray(photo(21, 11)).astype(int)
gray = a[..., :1]
alpha = rng.integers(0, 256, gray.shape)
alpha[:3] = 0
alpha[3:6] = 255
wide = a * 257 // 1 + rng.integers(0, 200, a.shape) - 100
wide = wide.clip(0, 65535)
wide_alpha = alpha * 257

for interlaced in (False, True):
    i = "i" if interlaced else ""
    for depth in (1, 2, 4, 8):
        samples = gray >> (8 - depth)
        im = png(f"gray{depth}{i}.png", samples, depth, 0, interlaced=interlaced)
        expect(f"gray{depth}{i}.png", im.convert("L").convert("RGB"))
    png(f"gray16{i}.png", wide[..., :1], 16, 0, interlaced=interlaced)
    expect(f"gray16{i}.png", np.repeat(wide[..., :1] >> 8, 3, -1))  # the high byte; Pillow clips instead
    for depth in (1, 2, 4, 8):
        count = min(2 ** depth, 200)
        palette = rng.integers(0, 256, (count, 3)).astype(np.uint8)
        samples = gray * count // 256
        plte = chunk(b"PLTE", palette.tobytes())
        im = png(f"palette{depth}{i}.png", samples, depth, 3, plte, interlaced)
        expect(f"palette{depth}{i}.png", im.convert("RGB"))
        trns = chunk(b"tRNS", rng.integers(0, 256, max(1, count // 2)).astype(np.uint8).tobytes())
        im = png(f"palettetrns{depth}{i}.png", samples, depth, 3, plte + trns, interlaced)
        expect(f"palettetrns{depth}{i}.png", over_white(im))
    im = png(f"rgb8{i}.png", a, 8, 2, interlaced=interlaced)
    expect(f"rgb8{i}.png", im.convert("RGB"))
    im = png(f"rgb16{i}.png", wide, 16, 2, interlaced=interlaced)
    expect(f"rgb16{i}.png", wide >> 8)
    im = png(f"rgba8{i}.png", np.concatenate([a, alpha], -1), 8, 6, interlaced=interlaced)
    expect(f"rgba8{i}.png", over_white(im))
    im = png(f"rgba16{i}.png", np.concatenate([wide, wide_alpha], -1), 16, 6, interlaced=interlaced)
    expect(f"rgba16{i}.png", over_white(Image.fromarray((np.concatenate([wide, wide_alpha], -1) >> 8).astype(np.uint8), "RGBA")))
    im = png(f"graya8{i}.png", np.concatenate([gray, alpha], -1), 8, 4, interlaced=interlaced)
    expect(f"graya8{i}.png", over_white(im))
    png(f"graya16{i}.png", np.concatenate([wide[..., :1], wide_alpha], -1), 16, 4, interlaced=interlaced)
    both = np.concatenate([np.repeat(wide[..., :1], 3, -1), wide_alpha], -1) >> 8
    expect(f"graya16{i}.png", over_white(Image.fromarray(both.astype(np.uint8), "RGBA")))

# A transparent colour and a transparent gray; gAMA is ignored.
key = a.copy()
key[2:5, 3:9] = (10, 20, 30)
png("rgbkey.png", key, 8, 2, chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"tRNS", struct.pack(">HHH", 10, 20, 30)))
shown = key.copy()
shown[(key == (10, 20, 30)).all(-1)] = 255
expect("rgbkey.png", shown)
key = gray.copy()
key[2:5, 3:9] = 77
png("graykey.png", key, 8, 0, chunk(b"tRNS", struct.pack(">H", 77)))
expect("graykey.png", np.repeat(np.where(key == 77, 255, key), 3, -1))

# --- resizing
big = photo(61, 43)
big.save(here / "resize.png")
resized = []
for width, height, box in [
        (20, 14, None), (61, 20, None), (17, 43, None), (1, 1, None), (7, 90, None), (61, 43, None), (90, 70, None),
        (33, 3, None), (62, 44, None), (16, 16, (3.25, 7.5, 40.75, 31.125)), (50, 50, (10, 10, 20, 20)),
        (61, 43, (0, 0, 60.5, 43)), (9, 11, (60, 42, 61, 43)), (61, 30, (0, 5, 61, 35))]:
    for filter, code in (("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)):
        offset = store(big.resize((width, height), code, box=box))
        resized.append({"offset": offset, "width": width, "height": height, "filter": filter, "box": box})

# --- resize the short side, then crop the centre, as torchvision does
cropped = []
for width, height, short, frame in [
        (120, 40, 18, (16, 16)), (41, 123, 20, (16, 16)), (53, 47, 24, (24, 24)), (33, 95, 17, (13, 15)), (10, 9, 21, (16, 17))]:
    im = photo(width, height)
    name = f"crop{width}x{height}"
    im.save(here / f"{name}.png")
    w, h = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    left, top = int(round((w - frame[0]) / 2)), int(round((h - frame[1]) / 2))
    for filter, code in (("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)):
        out = im.resize((w, h), code).crop((left, top, left + frame[0], top + frame[1]))
        cropped.append({"file": f"{name}.png", "offset": store(out), "width": frame[0], "height": frame[1],
                        "short": short, "filter": filter})

# --- planes of floats: Pillow's mode F
plane = rng.normal(0, 1, (9, 7)).astype(np.float32)
planes = []
for width, height in [(7, 9), (3, 4), (20, 31), (5, 30), (1, 1)]:
    for filter, code in (("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)):
        out = np.asarray(Image.fromarray(plane).resize((width, height), code))
        planes.append({"width": width, "height": height, "filter": filter, "values": [round(float(v), 6) for v in out.reshape(-1)]})

# --- the other two filters, and a squash to a square before a crop of its centre. Pillow 13 may resample along y first;
# older versions do not, so the axes are resized one after the other where there is no box.
def along_x_first(im, width, height, code):
    return im.resize((width, im.height), code).resize((width, height), code)


for width, height, box in [
        (20, 14, None), (61, 20, None), (17, 43, None), (1, 1, None), (7, 90, None), (33, 3, None), (62, 44, None),
        (16, 16, (3.25, 7.5, 40.75, 31.125)), (40, 30, (10, 10, 20, 20)), (9, 11, (60, 42, 61, 43)),
        (23, 29, (0.3, 0.7, 60.9, 42.2)), (30, 7, (0, 5, 61, 35))]:
    for filter, code in (("nearest", Image.NEAREST), ("lanczos", Image.LANCZOS)):
        im = big.resize((width, height), code, box=box) if box else along_x_first(big, width, height, code)
        resized.append({"offset": store(im), "width": width, "height": height, "filter": filter, "box": box})

# One row of many pixels: nearest's rounding errors add up, and decide where a centre is on the edge of two pixels.
numbers = np.arange(2990)
line = Image.fromarray(np.stack([numbers & 255, numbers >> 8, 0 * numbers], -1).astype(np.uint8)[None])
nearest = []
for width, count, box in [
        (2990, 230, None), (2989, 230, None), (1500, 224, None), (1331, 242, None), (640, 224, None), (333, 999, None),
        (1000, 500, (0.5, 999.5)), (977, 211, (13.37, 900.1)), (64, 448, (1, 3))]:
    low, high = box or (0, width)
    out = np.asarray(line.crop((0, 0, width, 1)).resize((count, 1), Image.NEAREST, box=(low, 0, high, 1))).astype(int)
    read = out[0, :, 0] + 256 * out[0, :, 1]
    nearest.append({"inputs": width, "low": low, "high": high, "read": read.tolist()})

squashed = []
for name, side, frame in [
        ("crop120x40", 20, (16, 16)), ("crop53x47", 33, (28, 20)), ("crop33x95", 25, (25, 18)), ("crop10x9", 21, (16, 17))]:
    im = Image.open(here / f"{name}.png")
    left, top = (side - frame[0]) // 2, (side - frame[1]) // 2
    for filter, code in (
            ("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC), ("nearest", Image.NEAREST),
            ("lanczos", Image.LANCZOS)):
        out = along_x_first(im, side, side, code).crop((left, top, left + frame[0], top + frame[1]))
        squashed.append({"file": f"{name}.png", "offset": store(out), "width": frame[0], "height": frame[1],
                         "side": side, "filter": filter})

(here / "expected.bin").write_bytes(expected)
(here / "cases.json").write_text(json.dumps({
    "decoded": decoded, "resized": resized, "cropped": cropped, "squashed": squashed,
    "nearest": nearest,
    "plane": {"width": 7, "height": 9, "values": [float(v) for v in plane.reshape(-1)], "cases": planes}}))
print(len(decoded), "images,", sum(f.stat().st_size for f in here.iterdir()), "bytes")
