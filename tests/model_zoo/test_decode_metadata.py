"""What stands beside the pixels: orientation, EXIF, colour profile, text, a second picture."""

import struct

import numpy as np
import pytest
from PIL import Image

from model_zoo.images import decode_rgb

from .pictures import BLOCK_RGB, BLOCKS, PICTURE, attempt, centres, chunk, encode, oriented, png

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
