"""A picture of four colours, and makers of image files that no program would save."""

import io
import struct
import warnings
import zlib
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from model_zoo.errors import BadImage
from model_zoo.images import decode_rgb
from model_zoo.jpeg import segments

# Four blocks of 32 x 24, no two alike under any turn or mirroring.
BLOCKS = np.array(
    [[(200, 60, 40), (30, 180, 90)], [(20, 40, 220), (128, 128, 128)]], dtype=np.uint8
)
BLOCK_RGB = BLOCKS.repeat(24, axis=0).repeat(32, axis=1)
PICTURE = Image.fromarray(BLOCK_RGB)
PIXELS = BLOCK_RGB.tobytes()


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">L4s", len(content), name) + content + _crc(name + content)


def _crc(content: bytes) -> bytes:
    return struct.pack(">L", zlib.crc32(content))


def png(
    size: tuple[int, int], depth: int, colour: int, rows: bytes, *extra: bytes, idat: bytes = b""
) -> bytes:
    header = struct.pack(">LLBBBBB", *size, depth, colour, 0, 0, 0)
    idat = idat or zlib.compress(rows)
    parts = (chunk(b"IHDR", header), *extra, chunk(b"IDAT", idat), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(
    body: bytes,
    size: tuple[int, int],
    bits: tuple[int, ...],
    photometric: int,
    order: str = "<",
    next_page: int = 0,
    **changes: tuple[int, ...],
) -> bytes:
    """A TIFF whose first strip follows the header; t273=(8, 9) sets tag 273, t273=() omits it."""
    tags = {256: size[:1], 257: size[1:], 258: bits, 259: (1,), 262: (photometric,), 273: (8,)}
    tags |= {277: (len(bits),), 278: size[1:], 279: (len(body),)}
    tags |= {int(name[1:]): values for name, values in changes.items()}
    data, entries = body + b"\0" * (len(body) % 2), b""
    tags = {tag: values for tag, values in sorted(tags.items()) if values}
    for tag, values in tags.items():
        kind = 3 if tag in (258, 259, 262, 277, 274) else 4
        raw = struct.pack(f"{order}{len(values)}{'HL'[kind - 3]}", *values)
        if len(raw) > 4:
            raw, data = struct.pack(order + "L", 8 + len(data)), data + raw
            data += b"\0" * (len(data) % 2)
        entries += struct.pack(order + "HHL", tag, kind, len(values)) + raw.ljust(4, b"\0")
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "L", 8 + len(data))
    directory = struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "L", next_page)
    return head + data + directory


def scans_of(jpeg: bytes) -> tuple[bytes, list[bytes]]:
    """What comes before the scans of a progressive JPEG, and each scan with its tables."""
    found = list(segments(jpeg))
    starts = []
    for (before, table, _), (marker, start, _) in pairwise(found):
        if marker == 0xDA:
            starts.append(table if before == 0xC4 else start)
    ends = [*starts[1:], found[-1][1]]
    return jpeg[: starts[0]], [jpeg[a:b] for a, b in zip(starts, ends, strict=True)]


def scan_bomb(scans: int, between: bytes = b"") -> bytes:
    """A JPEG that a decoder accepts, with its last scan repeated until there are so many."""
    head, parts = scans_of(encode(PICTURE, "JPEG", progressive=True))
    parts += [parts[-1]] * (scans - len(parts))
    return head + between + between.join(parts) + b"\xff\xd9"


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def palette(**info: object) -> Image.Image:
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2), "P")
    image.putpalette(BLOCKS.tobytes())
    image = image.resize(PICTURE.size, Image.Resampling.NEAREST)
    image.info |= info
    return image


BASELINE = encode(PICTURE, "JPEG", quality=95, subsampling=0)


def header_only(kind: str, width: int, height: int) -> bytes:
    """The shortest file of this kind that claims such a size."""
    if kind == "JPEG":
        frame = BASELINE.index(b"\xff\xc0") + 5
        return BASELINE[:frame] + struct.pack(">HH", height, width) + BASELINE[frame + 4 :]
    if kind == "PNG":
        return png((width, height), 8, 2, b"\0" * 100)
    if kind == "TIFF":
        return tiff(b"\0" * 100, (width, height), (8, 8, 8), 2)
    if kind == "BMP":
        return struct.pack("<2sL4xLLLLHHL24x", b"BM", 154, 54, 40, width, height, 1, 24, 0) + bytes(
            100
        )
    if kind == "WEBP":
        webp = encode(PICTURE, "WEBP")
        return webp[:26] + struct.pack("<HH", width, height) + webp[30:]
    heic = encode(PICTURE, "HEIF", quality=-1, chroma=444)
    place = heic.index(b"ispe") + 8
    return heic[:place] + struct.pack(">LL", width, height) + heic[place + 8 :]


def centres(rgb: np.ndarray) -> np.ndarray:
    """The colours in the middle of the four blocks, (2, 2, 3)."""
    return rgb[12::24, 16::32].astype(int)


def attempt(data: bytes) -> tuple[int, ...] | str:
    """The shape of the photo, or the code of its refusal."""
    try:
        return decode_rgb(data).shape
    except BadImage as fault:
        return fault.code


def refusal(data: bytes) -> BadImage:
    """The refusal of these bytes, alike whether warnings are shown or raised."""
    refusals = []
    for action in ("error", "ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            with pytest.raises(BadImage) as caught:
                decode_rgb(data)
        refusals.append(caught.value)
    assert refusals[0].code == refusals[1].code
    sentence = str(refusals[0])
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert "{" not in sentence
    return refusals[0]
