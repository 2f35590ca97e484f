"""Decoding of anything that may be uploaded."""

import io
import random
import struct
import sys
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from model_zoo import images
from model_zoo.errors import BadImage
from model_zoo.images import count_scans, decode_rgb, square

# Four blocks of 32 x 24, no two alike under any turn or mirroring.
BLOCKS = np.array(
    [[(200, 60, 40), (30, 180, 90)], [(20, 40, 220), (128, 128, 128)]], dtype=np.uint8
)
BLOCK_RGB = BLOCKS.repeat(24, axis=0).repeat(32, axis=1)
PICTURE = Image.fromarray(BLOCK_RGB)
# What a program must store so that a viewer that obeys the orientation shows `PICTURE`.
STORED = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


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


def png_of(pixels: np.ndarray, colour: int, *extra: bytes) -> bytes:
    """A PNG of uint8 or uint16 pixels (H, W, bands), unfiltered."""
    big_endian = pixels.astype(pixels.dtype.newbyteorder(">"))
    rows = b"".join(b"\0" + row.tobytes() for row in big_endian)
    return png(pixels.shape[1::-1], 8 * pixels.itemsize, colour, rows, *extra)


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
    segments = list(images._segments(jpeg))
    starts = []
    for (before, table, _), (marker, start, _) in pairwise(segments):
        if marker == 0xDA:
            starts.append(table if before == 0xC4 else start)
    ends = [*starts[1:], segments[-1][1]]
    return jpeg[: starts[0]], [jpeg[a:b] for a, b in zip(starts, ends, strict=True)]


def scan_bomb(scans: int, between: bytes = b"") -> bytes:
    """A JPEG that a decoder accepts, with its last scan repeated until there are so many."""
    head, parts = scans_of(encode(PICTURE, "JPEG", progressive=True))
    parts += [parts[-1]] * (scans - len(parts))
    return head + between + between.join(parts) + b"\xff\xd9"


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    head = struct.pack(">BBH", 0xFF, marker, len(content) + 2)
    return jpeg[:2] + head + content + jpeg[2:]


def without_adobe(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]


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


BASELINE = encode(PICTURE, "JPEG", quality=95, subsampling=0)
PROGRESSIVE = encode(PICTURE, "JPEG", quality=95, subsampling=0, progressive=True)

# What the picture must become: as it is, grey, and either with its first block clear (white).
COLOUR, GREY = BLOCK_RGB, np.asarray(PICTURE.convert("L").convert("RGB"))
ALPHA = np.full(BLOCK_RGB.shape[:2], 255, np.uint8)
ALPHA[:24, :32] = 0
COLOUR_CLEAR, GREY_CLEAR = (np.where(ALPHA[..., None] == 0, 255, rgb) for rgb in (COLOUR, GREY))
WIDE, GREY_WIDE = COLOUR.astype(np.uint16) * 257, GREY[..., 0].astype(np.uint16) * 257


def known_pictures() -> dict[str, tuple[bytes, np.ndarray, int]]:
    """Files, what they must decode to, and by how much a lossy one may differ."""
    size, grey = PICTURE.size, PICTURE.convert("L")
    clear, grey_clear = PICTURE.copy(), grey.copy()
    mask = Image.fromarray(ALPHA)
    clear.putalpha(mask)
    grey_clear.putalpha(mask)
    wide_alpha = np.dstack([WIDE, ALPHA.astype(np.uint16) * 257])
    first, first_grey = (200, 60, 40), int(GREY[0, 0, 0])
    cmyk = PICTURE.convert("CMYK")
    adobe = encode(cmyk, "JPEG", quality=95)
    # Without Adobe's segment, four layers are plain CMYK (0 is no ink): nothing is inverted.
    plain = without_adobe(encode(Image.eval(cmyk, lambda ink: 255 - ink), "JPEG", quality=95))
    lzw = {"compression": "tiff_lzw"}
    heif = {"quality": -1, "chroma": 444}
    wide_body = {order: WIDE.astype(order + "u2").tobytes() for order in "<>"}
    grey_body = {order: GREY_WIDE.astype(order + "u2").tobytes() for order in "<>"}
    twelve = np.repeat(np.array([[0x20, 0x02, 0x00]], np.uint8), 48 * 32, axis=0).tobytes()
    return {
        "jpeg": (BASELINE, COLOUR, 4),
        "jpeg grey": (encode(grey, "JPEG", quality=95), GREY, 2),
        "jpeg progressive": (PROGRESSIVE, COLOUR, 4),
        "jpeg cmyk of adobe": (adobe, COLOUR, 12),
        "jpeg cmyk plain": (plain, COLOUR, 12),
        "png": (encode(PICTURE, "PNG"), COLOUR, 0),
        "png grey": (encode(grey, "PNG"), GREY, 0),
        "png alpha": (encode(clear, "PNG"), COLOUR_CLEAR, 0),
        "png grey alpha": (encode(grey_clear, "PNG"), GREY_CLEAR, 0),
        "png palette": (encode(palette(), "PNG"), COLOUR, 0),
        "png palette, one clear": (encode(palette(transparency=0), "PNG"), COLOUR_CLEAR, 0),
        "png palette, alphas": (
            encode(palette(transparency=b"\0\xff\xff\xff"), "PNG"),
            COLOUR_CLEAR,
            0,
        ),
        "png clear colour": (encode(PICTURE, "PNG", transparency=first), COLOUR_CLEAR, 0),
        "png clear grey": (encode(grey, "PNG", transparency=first_grey), GREY_CLEAR, 0),
        "png 16 bits": (png_of(WIDE, 2), COLOUR, 0),
        "png 16 bits, shifted": (png_of(WIDE // 257 * 256, 2), COLOUR, 0),
        "png 16 bits alpha": (png_of(wide_alpha, 6), COLOUR_CLEAR, 0),
        "png 16 bits grey": (png_of(GREY_WIDE, 0), GREY, 0),
        "png 16 bits grey, shifted": (png_of(GREY_WIDE // 257 * 256, 0), GREY, 0),
        "webp": (encode(PICTURE, "WEBP", lossless=True), COLOUR, 0),
        "webp alpha": (encode(clear, "WEBP", lossless=True), COLOUR_CLEAR, 0),
        "bmp": (encode(PICTURE, "BMP"), COLOUR, 0),
        "bmp palette": (encode(palette(), "BMP"), COLOUR, 0),
        "bmp grey": (encode(grey, "BMP"), GREY, 0),
        "tiff": (encode(PICTURE, "TIFF"), COLOUR, 0),
        "tiff lzw": (encode(PICTURE, "TIFF", **lzw), COLOUR, 0),
        "tiff alpha": (encode(clear, "TIFF"), COLOUR_CLEAR, 0),
        "tiff palette": (encode(palette(), "TIFF"), COLOUR, 0),
        "tiff cmyk": (encode(cmyk, "TIFF"), COLOUR, 1),
        "tiff 16 bits": (tiff(wide_body["<"], size, (16, 16, 16), 2), COLOUR, 0),
        "tiff 16 bits, big end first": (tiff(wide_body[">"], size, (16,) * 3, 2, ">"), COLOUR, 0),
        "tiff 16 bits grey": (tiff(grey_body["<"], size, (16,), 1), GREY, 0),
        "tiff 16 bits grey lzw": (encode(Image.fromarray(GREY_WIDE), "TIFF", **lzw), GREY, 0),
        "tiff 16 bits grey, big end first": (tiff(grey_body[">"], size, (16,), 1, ">"), GREY, 0),
        "tiff 16 bits, white is zero": (tiff(grey_body["<"], size, (16,), 0), 255 - GREY, 0),
        "tiff 12 bits grey": (tiff(twelve, size, (12,), 1), np.full_like(GREY, 32), 0),
        "heic": (encode(PICTURE, "HEIF", **heif), COLOUR, 3),
        "heic grey": (encode(grey, "HEIF", **heif), GREY, 3),
        "heic alpha": (encode(clear, "HEIF", **heif), COLOUR_CLEAR, 3),
    }


KNOWN = known_pictures()


@pytest.mark.parametrize("name", KNOWN)
def test_known_colours_come_out(name: str) -> None:
    data, expected, tolerance = KNOWN[name]
    rgb = decode_rgb(data)
    assert rgb.dtype == np.uint8
    assert rgb.shape == expected.shape
    # JPEG rings where blocks meet.
    np.testing.assert_allclose(centres(rgb), centres(expected), atol=tolerance)
    assert tolerance or np.array_equal(rgb, expected)


def test_half_transparent_is_mixed_with_white() -> None:
    image = Image.new("RGBA", (32, 32), (100, 0, 200, 128))
    rgb = decode_rgb(encode(image, "PNG"))
    np.testing.assert_allclose(rgb[5, 5], (177, 127, 227), atol=1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(kind: str, orientation: int) -> None:
    exact = {"WEBP": {"lossless": True}, "HEIF": {"quality": -1}, "JPEG": {"quality": 95}}
    stored = STORED[orientation](PICTURE)
    data = encode(stored, kind, exif=oriented(orientation), **exact.get(kind, {}))
    rgb = decode_rgb(data)
    assert rgb.shape == BLOCK_RGB.shape
    np.testing.assert_allclose(centres(rgb), BLOCKS, atol=6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damage_elsewhere_in_exif_leaves_the_photo_upright(kind: str) -> None:
    # A rational that claims to lie beyond the end comes first, as cut-down EXIF often has it.
    broken = struct.pack("<HHLL", 0x0111, 5, 2**20, 2**31)
    turned = struct.pack("<HHLHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x09\0" + broken + turned
    data = encode(STORED[6](PICTURE), kind, exif=exif, quality=95, lossless=True)
    np.testing.assert_allclose(centres(decode_rgb(data)), BLOCKS, atol=6)


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II*\0",
        b"garbage, " * 40,
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 3000,
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHLL", 0x0112, 2, 2**32 - 1, 8),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHLL", 0x0112, 99, 1, 6),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHLL", 0x0112, 3, 1, 200),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_does_not_matter(kind: str, exif: bytes) -> None:
    data = encode(PICTURE, kind, exif=b"Exif\0\0" + exif, quality=95)
    assert decode_rgb(data).shape == BLOCK_RGB.shape


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_broken_colour_profile_does_not_matter(kind: str) -> None:
    data = encode(PICTURE, kind, icc_profile=b"no profile" * 20)
    assert decode_rgb(data).shape == BLOCK_RGB.shape


def test_first_picture_of_a_stereo_pair_counts() -> None:
    data = encode(PICTURE, "MPO", save_all=True, append_images=[PICTURE.rotate(180)], quality=95)
    np.testing.assert_allclose(centres(decode_rgb(data)), BLOCKS, atol=6)


def test_metadata_named_like_a_property_is_only_text() -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in BLOCK_RGB)
    text = chunk(b"tEXt", b"comment\0a photo")
    assert np.array_equal(decode_rgb(png(PICTURE.size, 8, 2, rows, text)), BLOCK_RGB)
    for name in (b"transparency", b"interlace", b"exif", b"icc_profile", b"bbox"):
        data = png(PICTURE.size, 8, 2, rows, chunk(b"tEXt", name + b"\0x"))
        assert attempt(data) in ((48, 64, 3), "broken_image")


def test_large_jpeg_comes_reduced_and_small_one_does_not() -> None:
    large = PICTURE.resize((4096, 3072), Image.Resampling.BICUBIC)
    rgb = decode_rgb(encode(large, "JPEG", quality=90))
    assert rgb.shape == (1536, 2048, 3)
    full, reduced = (square(photo, 64).pixels.astype(int) for photo in (np.asarray(large), rgb))
    assert np.abs(full - reduced).mean() < 1
    small = PICTURE.resize((1500, 1100))
    assert decode_rgb(encode(small, "JPEG")).shape == (1100, 1500, 3)
    assert decode_rgb(encode(small, "JPEG", exif=oriented(6))).shape == (1500, 1100, 3)


def test_two_threads_decode_at_once() -> None:
    files = [data for data, _, _ in KNOWN.values()] * 6
    alone = [decode_rgb(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode_rgb, files))
    assert all(map(np.array_equal, alone, together))


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
    heic = KNOWN["heic"][0]
    place = heic.index(b"ispe") + 8
    return heic[:place] + struct.pack(">LL", width, height) + heic[place + 8 :]


def frames(kind: str) -> bytes:
    return encode(PICTURE, kind, save_all=True, append_images=[PICTURE.rotate(180)], lossless=True)


TABLE = b"\xff\xdb" + struct.pack(">H", 2 + 65 * 1000) + (b"\0" + b"\1" * 64) * 1000
TEXT_BOMB = b"comment\0\0" + zlib.compress(bytes(50_000_000))
PIXELS = BLOCK_RGB.tobytes()
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


ODD = PICTURE.crop((0, 0, 61, 47))  # rows of 61 pixels are padded in a BMP
CUT = {
    "jpeg": encode(ODD, "JPEG"),
    "jpeg, progressive": encode(ODD, "JPEG", progressive=True),
    "jpeg, exif with preview": encode(ODD, "JPEG", exif=b"Exif\0\0II*\0" + BASELINE),
    "png": encode(ODD, "PNG"),
    "png, palette": encode(palette(transparency=0), "PNG"),
    "webp": encode(ODD, "WEBP"),
    "webp, lossless": encode(ODD, "WEBP", lossless=True, exif=oriented(6)),
    "bmp": encode(ODD, "BMP"),
    "bmp, palette": encode(ODD.quantize(), "BMP"),
    "tiff": encode(ODD, "TIFF"),
    "tiff, directory last": tiff(PIXELS, (64, 48), (8, 8, 8), 2, t274=(6,)),
    "tiff, lzw": encode(ODD, "TIFF", compression="tiff_lzw"),
    "tiff, deflate": encode(ODD, "TIFF", compression="tiff_adobe_deflate"),
    "tiff, jpeg": encode(ODD, "TIFF", compression="jpeg"),
    "heic": encode(ODD, "HEIF", exif=oriented(6)),
}


@pytest.mark.parametrize("name", CUT)
def test_a_file_cut_anywhere_is_refused(name: str) -> None:
    data = CUT[name]
    assert decode_rgb(data).ndim == 3
    begin = ("empty_file", "not_an_image", "text_as_image", "truncated")
    for length in range(20):
        assert refusal(data[:length]).code in begin
    for length in {*range(20, len(data), 1 + len(data) // 80), *range(len(data) - 20, len(data))}:
        assert refusal(data[:length]).code == "truncated", length


@pytest.mark.parametrize("name", CUT)
def test_a_file_that_ends_in_zeros_or_noise_raises_nothing_else(name: str) -> None:
    data, noise = CUT[name], random.Random(name)
    for length in range(12, len(data), 1 + len(data) // 25):
        for rest in (bytes(len(data) - length), noise.randbytes(len(data) - length)):
            attempt(data[:length] + rest)


@pytest.mark.parametrize("action", ["error", "ignore"])
@pytest.mark.parametrize("name", CUT)
def test_damage_raises_nothing_else(name: str, action: str) -> None:
    noise = random.Random(name)
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        for _ in range(60):
            data = bytearray(CUT[name])
            reach = noise.choice((60, 400, len(data)))
            for _ in range(noise.choice((1, 3, 20))):
                data[noise.randrange(min(reach, len(data)))] = noise.choice((0, 1, 127, 255, 42))
            attempt(bytes(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "HEIF"])
def test_one_pixel_is_too_small(kind: str) -> None:
    fault = refusal(encode(Image.new("RGB", (1, 1)), kind))
    assert fault.code == "too_small"
    assert fault.parameters == {"width": 1, "height": 1, "limit": 16}


def test_avif_is_not_among_the_kinds() -> None:
    assert refusal(b"\0\0\0\x1cftypavif" + bytes(200)).code == "not_an_image"


def test_as_much_as_is_allowed_is_read() -> None:
    assert decode_rgb(header_only("JPEG", 16, 16)).shape == (16, 16, 3)
    flat = Image.new("L", (8000, 8000), 99)
    assert decode_rgb(encode(flat, "JPEG")).shape == (2000, 2000, 3)
    assert decode_rgb(encode(flat.crop((0, 0, 6000, 4000)), "PNG")).shape == (4000, 6000, 3)


def test_limits_round_up_so_that_the_sentence_is_true() -> None:
    fault = refusal(header_only("PNG", 4901, 4900))
    assert fault.parameters == {"megapixels": 25, "limit_megapixels": 24}
    assert refusal(BASELINE + bytes(25 * 2**20)).parameters["megabytes"] == 26


def test_the_scan_bomb_is_a_real_one_and_64_scans_are_not() -> None:
    for between in (b"", b"\0junk\xff\0\xff\xff"):
        bomb = scan_bomb(100, between)
        with Image.open(io.BytesIO(bomb)) as image:
            assert np.asarray(image).shape == BLOCK_RGB.shape
        assert count_scans(bomb, 1000) == 100
        assert count_scans(bomb, 64) == 65
    np.testing.assert_allclose(centres(decode_rgb(scan_bomb(64))), BLOCKS, atol=6)
    assert count_scans(BASELINE, 64) == 1


def test_scans_of_a_preview_do_not_count() -> None:
    preview = b"Exif\0\0II*\0" + scan_bomb(200)
    photo = with_segment(with_segment(BASELINE, 0xE1, preview), 0xFE, scan_bomb(70))
    assert count_scans(photo, 64) == 1
    assert np.array_equal(decode_rgb(photo), decode_rgb(BASELINE))


def test_fewer_scans_are_allowed_the_more_pixels_each_covers(monkeypatch) -> None:
    monkeypatch.setattr(images, "MAX_SCANNED_PIXELS", 20 * 64 * 48)
    assert decode_rgb(scan_bomb(20)).shape == BLOCK_RGB.shape
    fault = refusal(scan_bomb(21))
    assert (fault.code, fault.parameters) == ("too_many_scans", {"limit": 20})


def test_heic_that_shows_a_corner_of_a_huge_picture_is_refused() -> None:
    heic = encode(PICTURE.crop((0, 0, 60, 44)), "HEIF")
    assert b"clap" in heic
    place = heic.index(b"ispe") + 8
    for sides, code in (((5000, 5000), "too_many_pixels"), ((30_000, 30_000), "bomb")):
        assert refusal(heic[:place] + struct.pack(">LL", *sides) + heic[place + 8 :]).code == code
