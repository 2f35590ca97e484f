"""From bytes to pixels: safe decoding, and the one resize between a photo and a network."""

import io
import re
from dataclasses import dataclass

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

from model_zoo.errors import BadImage

pillow_heif.register_heif_opener(thumbnails=False)

MAX_BYTES = 25 * 2**20
# JPEG is decoded reduced (`draft`), so it may be larger than the formats that are not.
MAX_PIXELS_JPEG = 64_000_000
MAX_PIXELS = 24_000_000
# A camera writes at most about ten scans; a "scan bomb" thousands, each costing a full pass.
MAX_SCANS = 64
# Photos are decoded at the smallest reduction that keeps both sides above this: enough for a
# sharp display, and more than four times what a network reads.
WORKING_SIDE = 1024
# A side shorter than this carries no dermoscopic structure at all.
MIN_SIDE = 16
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "HEIF")

# Field of view: darker than this (of 255, brightest channel) counts as black surround.
# Read off BCN_20000 photos: the surround is below 20 with JPEG noise, skin in shade above 60.
SURROUND_LEVEL = 35
FIELD_PREVIEW_SIDE = 128

ENTROPY_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True)
class Square:
    """What a network sees of a photo.

    pixels: uint8 (S, S, 3), RGB. box: left, top, right, bottom in pixels of the photo.
    """

    pixels: np.ndarray
    box: tuple[int, int, int, int]


def decode_rgb(data: bytes) -> np.ndarray:
    """The photo as uint8 (H, W, 3) RGB, upright; large JPEGs come reduced (`WORKING_SIDE`).

    Transparency is laid on white. Raises `BadImage` with the codes empty_file, too_many_bytes,
    too_many_pixels, too_many_scans, text_as_image, not_an_image, animated, truncated,
    broken_image, bomb, unsupported_mode, too_small; all limits are checked before decoding.
    """
    if not data:
        raise BadImage("empty_file")
    if len(data) > MAX_BYTES:
        raise BadImage(
            "too_many_bytes", megabytes=len(data) / 2**20, limit_megabytes=MAX_BYTES >> 20
        )
    image = _open(data)
    _refuse_oversize(image, data)
    try:
        image.draft(None, (WORKING_SIDE, WORKING_SIDE))
        image.load()
    except (Image.DecompressionBombError, MemoryError) as fault:
        raise BadImage("bomb") from fault
    except Exception as fault:  # Pillow's decoders raise nearly anything on damaged input
        code = "truncated" if _looks_truncated(fault) else "broken_image"
        raise BadImage(code) from fault
    return np.asarray(_to_rgb(_upright(image)))


def square(rgb: np.ndarray, side: int) -> Square:
    """The largest centred square of the field of view, brought to side x side, antialiased.

    rgb: uint8 (H, W, 3). The black surround of a round field of view is cropped first; the
    aspect ratio is kept. Bicubic with support scaled to the reduction (Pillow), in one step.
    """
    box = centred_square(field_of_view(rgb))
    resized = Image.fromarray(rgb).resize((side, side), Image.Resampling.BICUBIC, box=box)
    return Square(np.asarray(resized), box)


def centred_square(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The largest centred square of a box (left, top, right, bottom, in pixels)."""
    left, top, right, bottom = box
    size = min(right - left, bottom - top)
    left += (right - left - size) // 2
    top += (bottom - top - size) // 2
    return left, top, left + size, top + size


def field_of_view(rgb: np.ndarray) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) around the lit part of a photo, in pixels.

    The whole photo unless at least three of its corners are black, so that a dark lesion that
    reaches into one corner is never taken for the surround.
    """
    height, width = rgb.shape[:2]
    step = max(1, max(height, width) // FIELD_PREVIEW_SIDE)
    lit = rgb[::step, ::step].max(axis=2) >= SURROUND_LEVEL
    rows, columns = lit.shape
    corner = max(1, min(rows, columns) // 24)
    corners = (
        lit[:corner, :corner],
        lit[:corner, -corner:],
        lit[-corner:, :corner],
        lit[-corner:, -corner:],
    )
    whole = (0, 0, width, height)
    if sum(not patch.any() for patch in corners) < 3:
        return whole
    # 4 % of a line must be lit: specks of JPEG noise and dust in the surround do not count.
    lit_columns = np.flatnonzero(lit.mean(axis=0) > 0.04)
    lit_rows = np.flatnonzero(lit.mean(axis=1) > 0.04)
    if len(lit_columns) < columns // 4 or len(lit_rows) < rows // 4:
        return whole  # nearly black all over: no field of view to be found
    return (
        int(lit_columns[0] * step),
        int(lit_rows[0] * step),
        int(min(width, (lit_columns[-1] + 1) * step)),
        int(min(height, (lit_rows[-1] + 1) * step)),
    )


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise BadImage("bomb") from fault
    except Exception as fault:  # a damaged header can raise nearly anything too
        if _is_text(data):
            raise BadImage("text_as_image") from fault
        code = "broken_image" if data[:3] == b"\xff\xd8\xff" else "not_an_image"
        raise BadImage(code) from fault


def _is_text(data: bytes) -> bool:
    head = data[:512]
    try:
        # The cut may fall inside a character of up to four bytes.
        text = head.decode("utf-8", errors="ignore" if len(data) > 512 else "strict")
    except UnicodeDecodeError:
        return False
    printable = sum(letter.isprintable() or letter.isspace() for letter in text)
    return len(text.encode()) >= len(head) - 3 and printable >= 0.95 * len(text)


def _refuse_oversize(image: Image.Image, data: bytes) -> None:
    is_jpeg = image.format in ("JPEG", "MPO")
    limit = MAX_PIXELS_JPEG if is_jpeg else MAX_PIXELS
    if image.width * image.height > limit:
        raise BadImage(
            "too_many_pixels",
            megapixels=image.width * image.height / 1e6,
            limit_megapixels=limit // 1_000_000,
        )
    if min(image.size) < MIN_SIDE:
        raise BadImage("too_small", width=image.width, height=image.height, limit=MIN_SIDE)
    if is_jpeg:
        if count_scans(data, MAX_SCANS) > MAX_SCANS:
            raise BadImage("too_many_scans", limit=MAX_SCANS)
        return  # the second picture of an MPO is a preview or the other eye of a stereo pair
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception as fault:  # a damaged frame list
        raise BadImage("broken_image") from fault
    if frames > 1:
        raise BadImage("animated", frames=frames)


def count_scans(jpeg: bytes, enough: int) -> int:
    """The number of scans (SOS markers) of a JPEG, counted until it exceeds `enough`.

    Segments are walked by their length (ITU-T T.81, annex B), so a thumbnail inside EXIF does
    not count; entropy-coded data is searched for the next marker.
    """
    scans, at = 0, 2
    while at + 4 <= len(jpeg) and scans <= enough:
        marker = jpeg[at + 1]
        if jpeg[at] != 0xFF or marker == 0xD9:
            break
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD7:  # fill, or no length
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker == 0xDA:
            scans += 1
            following = ENTROPY_MARKER.search(jpeg, at)
            if following is None:
                break
            at = following.start()
    return scans


def _looks_truncated(fault: Exception) -> bool:
    words = str(fault).lower()
    return any(word in words for word in ("truncated", "broken data stream", "end of file"))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block says nothing about the pixels, which are whole
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, held in 16 or 32 bits
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise BadImage("unsupported_mode", mode="numbers of more than 16 bits")
        return Image.fromarray((grey // 257).astype(np.uint8)).convert("RGB")
    if image.mode in ("F", "LAB"):
        raise BadImage("unsupported_mode", mode={"F": "fractions", "LAB": "CIE L*a*b*"}[image.mode])
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("RGB")
    return image.convert("RGB")
