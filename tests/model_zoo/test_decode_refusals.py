"""Whatever else may be uploaded is refused for the right reason, at little cost."""

import random
import struct
import sys
import time
import zlib

import pytest
from PIL import Image

from model_zoo.errors import BadImage
from model_zoo.images import decode_rgb

from .pictures import (
    BASELINE,
    PICTURE,
    PIXELS,
    chunk,
    encode,
    header_only,
    png,
    refusal,
    scan_bomb,
    tiff,
)


def frames(kind: str) -> bytes:
    return encode(PICTURE, kind, save_all=True, append_images=[PICTURE.rotate(180)], lossless=True)


TABLE = b"\xff\xdb" + struct.pack(">H", 2 + 65 * 1000) + (b"\0" + b"\1" * 64) * 1000
TEXT_BOMB = b"comment\0\0" + zlib.compress(bytes(50_000_000))
TILE = {"t322": (60_000,), "t323": (60_000,), "t324": (8,), "t325": (len(PIXELS),)}
REFUSED = {
    "nothing": ("empty_file", b""),
    "26 MB": ("too_many_bytes", BASELINE + bytes(25 * 2**20)),
    "words": ("text_as_image", b"a nice photo of a lesion"),
    "umlauts": ("text_as_image", "schöne Grüße, ".encode() * 100),
    "umlauts in latin-1": (
        "text_as_image",
        "ein Foto für alle, die es brauchen. ".encode("latin-1") * 20,
    ),
    "words that begin like BMP": ("text_as_image", b"BMW, Audi and other names\n" * 9),
    "page": ("text_as_image", b"<!DOCTYPE html><html><body>404</body></html>"),
    "drawing": ("text_as_image", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "noise": ("not_an_image", random.Random(0).randbytes(5000)),
    "zeros": ("not_an_image", bytes(5000)),
    "archive": ("not_an_image", b"PK\3\4" + random.Random(0).randbytes(500)),
    "gif": ("not_an_image", encode(PICTURE, "GIF")),
    "gif, animated": ("not_an_image", frames("GIF")),
    "png, animated": ("animated", frames("PNG")),
    "webp, animated": ("animated", frames("WEBP")),
    "tiff of two pages": ("animated", frames("TIFF")),
    "heic of two pictures": ("animated", frames("HEIF")),
    "scan bomb": ("too_many_scans", scan_bomb(65)),
    "scan bomb of 100,000": ("too_many_scans", scan_bomb(100_000)),
    "scan bomb, junk between": ("too_many_scans", scan_bomb(1000, b"\0junk\xff\0\xff\xff")),
    "scan bomb, cut": ("too_many_scans", scan_bomb(1000)[:-2]),
    "jpeg, 65 megapixels": ("too_many_pixels", header_only("JPEG", 10_000, 6_401)),
    "jpeg, most pixels": ("bomb", header_only("JPEG", 65_500, 65_500)),
    "png, 25 megapixels": ("too_many_pixels", header_only("PNG", 5_000, 5_000)),
    "png, 900 megapixels": ("bomb", header_only("PNG", 30_000, 30_000)),
    "png, most pixels": ("bomb", header_only("PNG", 2**31 - 1, 2**31 - 1)),
    "tiff, 25 megapixels": ("too_many_pixels", header_only("TIFF", 5_000, 5_000)),
    "tiff, 900 megapixels": ("bomb", header_only("TIFF", 30_000, 30_000)),
    "tiff, most pixels": ("bomb", header_only("TIFF", 2**32 - 1, 2**32 - 1)),
    "bmp, 25 megapixels": ("too_many_pixels", header_only("BMP", 5_000, 5_000)),
    "bmp, 900 megapixels": ("bomb", header_only("BMP", 30_000, 30_000)),
    "heic, 25 megapixels": ("too_many_pixels", header_only("HEIF", 5_000, 5_000)),
    "heic, 900 megapixels": ("bomb", header_only("HEIF", 30_000, 30_000)),
    "webp, 25 megapixels": ("too_many_pixels", header_only("WEBP", 5_000, 5_000)),
    "webp, most pixels": ("bomb", header_only("WEBP", 16_383, 16_383)),
    "png, text bomb": ("bomb", png((64, 48), 8, 2, PIXELS, chunk(b"zTXt", TEXT_BOMB))),
    "png, profile bomb": ("bomb", png((64, 48), 8, 2, PIXELS, chunk(b"iCCP", TEXT_BOMB))),
    "png, a million chunks": (
        "broken_image",
        png((64, 48), 8, 2, PIXELS, chunk(b"prVt", b"") * 1_000_000),
    ),
    "jpeg, a million comments": ("truncated", BASELINE[:2] + b"\xff\xfe\0\2" * 1_000_000),
    "jpeg, 400 table segments": ("broken_image", BASELINE[:2] + TABLE * 380 + BASELINE[2:]),
    "tiff, a million strips": (
        "broken_image",
        tiff(PIXELS, (64, 48), (8, 8, 8), 2, t273=(8,) * 10**6),
    ),
    "tiff, tile of 60,000 x 60,000": (
        "broken_image",
        tiff(PIXELS, (64, 48), (8,) * 3, 2, t259=(8,), t273=(), t279=(), **TILE),
    ),
    "tiff of numbers": ("unsupported_mode", encode(Image.new("F", (64, 48)), "TIFF")),
    "tiff of long numbers": ("unsupported_mode", encode(Image.new("I", (64, 48)), "TIFF")),
    "tiff of cie lab": ("unsupported_mode", encode(Image.new("LAB", (64, 48)), "TIFF")),
    "tiff of 5 layers": ("unsupported_mode", tiff(PIXELS, (64, 48), (8,) * 5, 1)),
    "jpeg of 12 bits": (
        "unsupported_mode",
        BASELINE.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"),
    ),
    "bmp of run lengths": (
        "unsupported_mode",
        b"BM" + bytes(12) + b"(" + bytes(15) + b"\1" + bytes(9),
    ),
    "png, bad data": ("broken_image", png((64, 48), 8, 2, b"", idat=b"not compressed")),
    "png, missing rows": ("broken_image", png((64, 48), 8, 2, PIXELS[:1000])),
    "png of no size": ("broken_image", png((0, 48), 8, 2, PIXELS)),
    "jpeg without pixels": ("truncated", BASELINE[: BASELINE.index(b"\xff\xda")]),
    "jpeg of noise": ("truncated", b"\xff\xd8\xff" + random.Random(0).randbytes(50)),
    "tiff without directory": ("truncated", b"II*\0\x08\0\0\0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_why(name: str) -> None:
    code, data = REFUSED[name]
    assert refusal(data).code == code


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory as Linux counts it")
def test_refusals_cost_little() -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, (_, data) in REFUSED.items():
        start = time.process_time()
        with pytest.raises(BadImage):
            decode_rgb(data)
        assert time.process_time() - start < 2, name
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) / 1024 < 500  # MB


def test_avif_is_not_among_the_kinds() -> None:
    assert refusal(b"\0\0\0\x1cftypavif" + bytes(200)).code == "not_an_image"
