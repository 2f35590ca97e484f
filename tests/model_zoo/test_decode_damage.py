"""Files cut short or changed at random."""

import random
import warnings

import pytest

from model_zoo.images import decode_rgb

from .pictures import BASELINE, PICTURE, PIXELS, attempt, encode, oriented, palette, refusal, tiff

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
