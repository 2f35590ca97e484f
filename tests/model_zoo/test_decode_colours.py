"""Files of every kind, depth and layout give the colours that went in."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from model_zoo.images import decode_rgb

from .pictures import BASELINE, BLOCK_RGB, PICTURE, centres, encode, palette, png, tiff

PROGRESSIVE = encode(PICTURE, "JPEG", quality=95, subsampling=0, progressive=True)
# What the picture must become: as it is, grey, and either with its first block clear (white).
COLOUR, GREY = BLOCK_RGB, np.asarray(PICTURE.convert("L").convert("RGB"))
ALPHA = np.full(BLOCK_RGB.shape[:2], 255, np.uint8)
ALPHA[:24, :32] = 0
COLOUR_CLEAR, GREY_CLEAR = (np.where(ALPHA[..., None] == 0, 255, rgb) for rgb in (COLOUR, GREY))
WIDE, GREY_WIDE = COLOUR.astype(np.uint16) * 257, GREY[..., 0].astype(np.uint16) * 257


def png_of(pixels: np.ndarray, colour: int, *extra: bytes) -> bytes:
    """A PNG of uint8 or uint16 pixels (H, W, bands), unfiltered."""
    big_endian = pixels.astype(pixels.dtype.newbyteorder(">"))
    rows = b"".join(b"\0" + row.tobytes() for row in big_endian)
    return png(pixels.shape[1::-1], 8 * pixels.itemsize, colour, rows, *extra)


def without_adobe(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]


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


def test_two_threads_decode_at_once() -> None:
    files = [data for data, _, _ in KNOWN.values()] * 6
    alone = [decode_rgb(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode_rgb, files))
    assert all(map(np.array_equal, alone, together))
