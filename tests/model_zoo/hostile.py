"""Files that nobody sends by accident: every one is made here, none is stored."""

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms

from tests.model_zoo.pictures import (
    BASELINE,
    PICTURE,
    chunk,
    encode,
    header_only,
    oriented,
    png,
    scan_bomb,
    scans_of,
    tiff,
)

KINDS = {
    "jpeg": ("JPEG", {"quality": 90}),
    "progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"lossless": True}),
    "tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "bmp": ("BMP", {}),
    "heic": ("HEIF", {"quality": -1, "chroma": 444}),
}
CUTS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
MEGA = 2**20


def corpus() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file, the same on every call."""
    for family in (
        truncated,
        flipped,
        wrong_types,
        polyglots,
        bombs,
        huge_headers,
        odd_colours,
        broken_metadata,
        animated,
        spliced,
        noise,
    ):
        for name, data in family():
            yield f"{family.__name__}/{name}", data


def whole() -> dict[str, bytes]:
    """A faultless file of each kind, to be broken."""
    return {name: encode(PICTURE, kind, **options) for name, (kind, options) in KINDS.items()}


def truncated() -> Iterator[tuple[str, bytes]]:
    """Cut at many shares of the length, at every early byte, and just before the end."""
    for name, data in whole().items():
        for share in CUTS:
            yield f"{name} {share:.0%}", data[: int(len(data) * share)]
        for length in (1, 2, 3, 4, 8, 12, 20, 30):
            yield f"{name} first {length}", data[:length]
        yield f"{name} without the last", data[:-1]


def flipped() -> Iterator[tuple[str, bytes]]:
    """Eight files of each kind in which some bytes are others."""
    for name, data in whole().items():
        for seed in range(8):
            dice = random.Random(f"{name} {seed}")
            broken = bytearray(data)
            for _ in range(1 + len(data) // 200):
                broken[dice.randrange(len(data))] = dice.randrange(256)
            yield f"{name} {seed}", bytes(broken)


def wrong_types() -> Iterator[tuple[str, bytes]]:
    """What is not a photo at all, under whatever name it comes."""
    yield "empty", b""
    yield "zero bytes", bytes(MEGA)
    yield "svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><rect/></svg>'
    yield (
        "svg with entity bomb",
        (b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><svg>&b;</svg>'),
    )
    yield "html", b"<!doctype html><script>alert(1)</script>"
    yield "text", b"This is a letter. " * 100
    yield "utf-16", "\N{BYTE ORDER MARK}Ein Brief, kein Foto. ".encode("utf-16") * 50
    yield "json", json.dumps({"photo": None}).encode()
    yield "pdf", b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"
    yield "elf", b"\x7fELF" + bytes(200)
    yield "exe", b"MZ" + bytes(200)
    yield "gzip", zlib.compress(b"x" * 1000, wbits=31)
    yield "pickle", b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93."
    yield "numpy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False}"
    yield "dicom", bytes(128) + b"DICM" + bytes(300)
    yield "avif", b"\0\0\0\x1cftypavif" + bytes(200)
    yield "mp4", b"\0\0\0\x18ftypisom" + bytes(200)
    yield "psd", b"8BPS\0\1" + bytes(200)
    yield "jpeg 2000", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(200)
    for kind in ("GIF", "PPM", "ICO", "TGA", "PCX", "SGI"):
        yield kind.lower(), encode(PICTURE, kind)


def polyglots() -> Iterator[tuple[str, bytes]]:
    """Two kinds in one file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("../../evil.py", "print(1)")
    tails = {
        "zip": archive.getvalue(),
        "html": b"<script>alert(1)</script>",
        "php": b"<?php system($_GET[0]); ?>",
        "elf": b"\x7fELF" + bytes(100),
    }
    for name, data in whole().items():
        for tail, extra in tails.items():
            yield f"{name} and {tail}", data + extra
        yield f"gif and {name}", b"GIF89a" + data
        yield f"pdf and {name}", b"%PDF-1.4\n" + data
    yield (
        "html in a jpeg comment",
        (BASELINE[:2] + b"\xff\xfe\0\x1b<script>alert(1)</script>" + BASELINE[2:]),
    )
    yield (
        "html in png text",
        png(
            (32, 32),
            8,
            2,
            (b"\0" + bytes(96)) * 32,
            chunk(b"tEXt", b"Title\0<script>alert(1)</script>"),
        ),
    )


def bombs() -> Iterator[tuple[str, bytes]]:
    """Small files that would take much memory or time."""
    for scans in (70, 1000, 20_000):
        yield f"{scans} scans", scan_bomb(scans)
    yield "scans behind comments", scan_bomb(500, between=b"\xff\xfe\0\4xx")
    for side in (20_000, 60_000):
        idat = zlib.compress(bytes(MEGA * 8), 9)
        yield f"png of {side}", png((side, side), 8, 2, b"", idat=idat)
    for name in (b"iCCP", b"zTXt", b"iTXt"):
        packed = zlib.compress(bytes(64 * MEGA), 9)
        head = b"x\0\0" if name != b"iTXt" else b"x\0\1\0\0\0"
        yield (
            f"64 MB in {name.decode()}",
            png((32, 32), 8, 2, (b"\0" + bytes(96)) * 32, chunk(name, head + packed)),
        )
    yield (
        "many chunks",
        png((32, 32), 8, 2, (b"\0" + bytes(96)) * 32, *[chunk(b"tEXt", b"a\0b")] * 40_000),
    )
    yield "many comments", BASELINE[:2] + b"\xff\xfe\0\2" * 400_000 + BASELINE[2:]
    yield "many tables", BASELINE[:2] + _table(BASELINE) * 20_000 + BASELINE[2:]
    yield "many restarts", BASELINE[:-2] + b"\xff\xd0" * 1_000_000 + BASELINE[-2:]
    yield (
        "run lengths of bmp",
        struct.pack("<2sL4xLLLLHHL4xLL8x", b"BM", 1078, 54, 40, 4000, 4000, 1, 8, 1, 0, 0)
        + bytes(1024),
    )
    yield (
        "a huge tile",
        tiff(
            bytes(100),
            (32, 32),
            (8, 8, 8),
            2,
            t273=(),
            t278=(),
            t279=(),
            t322=(65_535,),
            t323=(65_535,),
        ),
    )
    yield (
        "a million strips",
        tiff(
            bytes(100), (32, 32), (8, 8, 8), 2, t273=(8,) * 100_000, t279=(1,) * 100_000, t278=(1,)
        ),
    )
    yield (
        "a tiff that is its own next page",
        tiff(bytes(32 * 32 * 3), (32, 32), (8, 8, 8), 2, next_page=8),
    )


def _table(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xdb")
    return jpeg[at : at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")]


def huge_headers() -> Iterator[tuple[str, bytes]]:
    """A size in the header that no memory holds, or that is none."""
    sizes = [(0, 0), (0, 32), (1, 1), (1, 65_535), (15, 15), (16_384, 16_384), (65_535, 65_535)]
    for kind in ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "HEIF"):
        for width, height in sizes:
            yield f"{kind} {width}x{height}", header_only(kind, width, height)
    for kind in ("PNG", "TIFF", "BMP", "HEIF"):
        yield f"{kind} of two thousand million", header_only(kind, 2**31 - 1, 2**31 - 1)


def odd_colours() -> Iterator[tuple[str, bytes]]:
    """Colour spaces and depths that exist and that photos do not have, and some that do not."""
    for mode in ("1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F", "I;16"):
        for kind in ("PNG", "TIFF", "JPEG"):
            try:
                yield f"{kind} {mode}", encode(_in_mode(mode), kind)
            except (OSError, KeyError):
                continue  # this kind cannot hold it
    for depth, colour in ((3, 0), (16, 3), (4, 2), (8, 5), (8, 7), (0, 2), (255, 255)):
        yield (
            f"png of depth {depth}, colour {colour}",
            png((32, 32), depth, colour, (b"\0" + bytes(96)) * 32),
        )
    for photometric in (3, 4, 6, 9, 32803, 65_535):
        yield (
            f"tiff of photometric {photometric}",
            tiff(bytes(32 * 32 * 3), (32, 32), (8, 8, 8), photometric),
        )
    for bits in ((1, 8, 16), (64, 64, 64), (12, 12, 12), (0,), (8,) * 40):
        yield f"tiff of bits {bits[:4]}", tiff(bytes(32 * 32 * 5), (32, 32), bits, 2)


def _in_mode(mode: str) -> Image.Image:
    if mode == "LAB":
        to_lab = ImageCms.buildTransformFromOpenProfiles(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        )
        return ImageCms.applyTransform(PICTURE, to_lab)
    if mode == "I;16":
        return Image.fromarray(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64))
    return PICTURE.convert(mode)


def broken_metadata() -> Iterator[tuple[str, bytes]]:
    """EXIF, ICC and XMP that are damaged, circular or larger than they may be."""
    exif = oriented(6)
    circle = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\xff\xff\xff\x08\0\0\0"
    blocks = {
        "exif of noise": random.Random(1).randbytes(4000),
        "exif cut": exif[:10],
        "exif that points to itself": b"Exif\0\0" + circle,
        "exif of orientation 0": oriented(0),
        "exif of orientation 99": oriented(99),
        "exif of 65,000 tags": b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(60_000),
    }
    for name, block in blocks.items():
        for kind in ("JPEG", "PNG", "WEBP"):
            yield f"{name} in {kind}", encode(PICTURE, kind, exif=block)
    for name, profile in {
        "icc of noise": random.Random(2).randbytes(3000),
        "icc of one byte": b"\1",
        "icc that claims a gigabyte": struct.pack(">L", 2**30) + bytes(200),
    }.items():
        for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
            yield f"{name} in {kind}", encode(PICTURE, kind, icc_profile=profile)
    for marker in range(0xE0, 0xF0):
        block = bytes([0xFF, marker, 0xFF, 0xFF]) + bytes(100)
        yield f"segment {marker:x} longer than the file", BASELINE[:2] + block + BASELINE[2:]


def animated() -> Iterator[tuple[str, bytes]]:
    """Several pictures in one file."""
    other = PICTURE.rotate(180)
    for kind in ("PNG", "WEBP", "GIF", "TIFF"):
        for count in (2, 30):
            frames = [other, PICTURE] * (count // 2)
            options = {"save_all": True, "append_images": frames[1:]}
            yield f"{kind} of {count}", encode(frames[0], kind, **options)


def spliced() -> Iterator[tuple[str, bytes]]:
    """The beginning of one kind and the rest of another."""
    files = whole()
    for first, head in files.items():
        for second, rest in files.items():
            if first != second:
                yield f"{first} then {second}", head[: len(head) // 2] + rest[len(rest) // 2 :]
    head, scans = scans_of(files["progressive"])
    yield "scans backwards", head + b"".join(reversed(scans)) + b"\xff\xd9"
    yield "scans alone", b"\xff\xd8" + b"".join(scans) + b"\xff\xd9"


def noise() -> Iterator[tuple[str, bytes]]:
    """Random bytes behind the first bytes of each kind."""
    for name, data in whole().items():
        for seed, length in enumerate((100, 10_000, MEGA)):
            yield f"{name} {length}", data[:16] + random.Random(seed).randbytes(length)
