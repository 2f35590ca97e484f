"""How small, how large and of how many scans a photo may be."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from model_zoo import images
from model_zoo.images import decode_rgb, square
from model_zoo.jpeg import count_scans

from .pictures import (
    BASELINE,
    BLOCK_RGB,
    BLOCKS,
    PICTURE,
    centres,
    encode,
    header_only,
    oriented,
    refusal,
    scan_bomb,
)


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    head = struct.pack(">BBH", 0xFF, marker, len(content) + 2)
    return jpeg[:2] + head + content + jpeg[2:]


def test_large_jpeg_comes_reduced_and_small_one_does_not() -> None:
    large = PICTURE.resize((4096, 3072), Image.Resampling.BICUBIC)
    rgb = decode_rgb(encode(large, "JPEG", quality=90))
    assert rgb.shape == (1536, 2048, 3)
    full, reduced = (square(photo, 64).pixels.astype(int) for photo in (np.asarray(large), rgb))
    assert np.abs(full - reduced).mean() < 1
    small = PICTURE.resize((1500, 1100))
    assert decode_rgb(encode(small, "JPEG")).shape == (1100, 1500, 3)
    assert decode_rgb(encode(small, "JPEG", exif=oriented(6))).shape == (1500, 1100, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "HEIF"])
def test_one_pixel_is_too_small(kind: str) -> None:
    fault = refusal(encode(Image.new("RGB", (1, 1)), kind))
    assert fault.code == "too_small"
    assert fault.parameters == {"width": 1, "height": 1, "limit": 16}


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
