"""From bytes to pixels: safe decoding, and the one resize between a photo and a network."""

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import pillow_heif
from PIL import Image, ImageChops
from PIL.ExifTags import Base as Tag

from model_zoo.errors import BadImage
from model_zoo.jpeg import MAX_PARTS, bare_jpeg, count_scans, is_whole_jpeg

Image.init()
pillow_heif.register_heif_opener(thumbnails=False)

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif")
MAX_BYTES = 25 * 2**20
# JPEG is decoded reduced (`draft`), so it may be larger than the formats that are not.
MAX_PIXELS_JPEG = 64_000_000
MAX_PIXELS = 24_000_000
# A camera writes at most about ten scans; a "scan bomb" thousands, each costing a full pass.
MAX_SCANS = 64
MAX_SCANNED_PIXELS = 2_000_000_000  # up to 1.6 s
MAX_TILE_SIDE = 8192  # a TIFF tile is unpacked whole, however little of it is needed
# JPEGs are reduced as long as both sides stay above this: sharp, four times what a network reads.
WORKING_SIDE = 1024
MIN_SIDE = 16  # a shorter one carries no dermoscopic structure at all
# Field of view: darker than this (of 255, brightest channel) counts as black surround.
# Read off BCN_20000 photos: the surround is below 20 with JPEG noise, skin in shade above 60.
SURROUND_LEVEL = 35
FIELD_PREVIEW_SIDE = 128
KIND = re.compile(
    rb"(?s)(?P<JPEG>\xff\xd8\xff)|(?P<PNG>\x89PNG)|(?P<WEBP>RIFF.{4}WEBP)|(?P<TIFF>II\*\0|MM\0\*)|"
    rb"(?P<BMP>BM.{12}[\x0c(48@l|]\0{3})|(?P<HEIF>.{4}ftyp(?:he[iv][cmsx]|m[is]f1))"
)
TIFF_TYPES = dict(enumerate("BsHLQbBhlqfdL", start=1))  # as `struct` names them
TURNS = dict(zip(range(2, 9), (0, 3, 1, 5, 4, 6, 2), strict=True))  # orientation: Transpose
UNFAITHFUL = {"I": "numbers of more than 16 bits", "F": "fractions", "LAB": "CIE L*a*b*"}


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
        megabytes = ceil(len(data) / 2**20)
        raise BadImage("too_many_bytes", megabytes=megabytes, limit_megabytes=MAX_BYTES >> 20)
    if (found := KIND.match(data)) is None:
        raise BadImage("text_as_image" if _is_text(data) else "not_an_image")
    is_whole = _is_whole(data, found.lastgroup)
    try:
        return _decode(data, found.lastgroup, is_whole)
    except BadImage:
        raise
    except Exception as fault:  # Pillow's decoders raise nearly anything on damaged input
        raise _refusal(fault, is_whole) from fault


def square(
    rgb: np.ndarray | Image.Image, side: int, box: tuple[int, int, int, int] | None = None
) -> Square:
    """The largest centred square of the field of view, or `box`, at side x side, antialiased.

    rgb: uint8 (H, W, 3), or the same as an image of Pillow. The black surround of a round field of
    view is cropped first; the aspect ratio is kept. In one step (see `resized`).
    """
    box = box or centred_square(field_of_view(np.asarray(rgb)))
    return Square(resized(rgb, (side, side), box), box)


def resized(
    rgb: np.ndarray | Image.Image, size: tuple[int, int], box: tuple[int, int, int, int]
) -> np.ndarray:
    """A box of a photo at another size (width, height), uint8 (h, w, 3), antialiased.

    rgb: uint8 (H, W, 3), or the same as an image of Pillow, which spares a copy where several sizes
    are made of one photo. Bicubic with support scaled to the reduction (Pillow).
    """
    image = rgb if isinstance(rgb, Image.Image) else Image.fromarray(rgb)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=box))


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
    lit = np.maximum.reduce([*np.moveaxis(rgb[::step, ::step], 2, 0)]) >= SURROUND_LEVEL
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


def _decode(data: bytes, kind: str, is_whole: bool) -> np.ndarray:
    is_jpeg = kind == "JPEG"
    data, exif = bare_jpeg(data) if is_jpeg else (data, b"")
    image = Image.OPEN[kind][0](io.BytesIO(data), "")  # `Image.open` hides why a file failed
    most = MAX_PIXELS_JPEG if is_jpeg else MAX_PIXELS
    # A HEIC can show a small part of a huge picture, which is decoded all the same.
    hidden = b"".join(re.findall(rb"(?s)ispe\0{4}(.{8})", data)) if kind == "HEIF" else b""
    pixels = max(x * y for x, y in [image.size, *struct.iter_unpack(">LL", hidden)])
    if pixels > 10 * most:
        raise BadImage("bomb")  # no camera's photo any more, but a header made to exhaust memory
    if pixels > most:
        size, most = ceil(pixels / 1e6), most // 10**6
        raise BadImage("too_many_pixels", megapixels=size, limit_megapixels=most)
    if min(image.size) < MIN_SIDE:
        raise BadImage("too_small", width=image.width, height=image.height, limit=MIN_SIDE)
    max_scans = min(MAX_SCANS, MAX_SCANNED_PIXELS // pixels)
    if is_jpeg and count_scans(data, max_scans) > max_scans:
        raise BadImage("too_many_scans", limit=max_scans)
    if not is_whole:
        raise BadImage("truncated")
    if getattr(image, "is_animated", False):  # a TIFF is not counted: it can hold a million
        raise BadImage("animated", frames="2+" if kind == "TIFF" else image.n_frames)
    image.draft(None, (WORKING_SIDE, WORKING_SIDE))
    image.load()
    if kind in ("PNG", "WEBP"):  # TIFF and HEIF come upright from their decoders
        exif = image.info.get("exif", b"")
    # Not `exif_transpose`: it parses all metadata, and any damage there leaves a photo lying.
    turn = TURNS.get(_orientation(exif.removeprefix(b"Exif\0\0")))
    image = _to_rgb(image)
    return np.asarray(image if turn is None else image.transpose(turn))


def _refusal(fault: Exception, is_whole: bool) -> BadImage:
    words = str(fault).lower()
    if isinstance(fault, MemoryError) or re.search("bomb|too large|too much memory|limit", words):
        return BadImage("bomb")
    if not is_whole or re.search("truncated|end of file|insufficient|read full|too small", words):
        return BadImage("truncated")
    if re.search("cannot handle|unknown pixel mode", words):
        return BadImage("unsupported_mode", mode="numbers of an unusual kind")
    return BadImage("broken_image")


def _is_text(data: bytes) -> bool:
    text = data[:512].decode("utf-8", errors="replace")
    readable = sum(letter.isprintable() or letter.isspace() for letter in text)
    return readable - text.count("\N{REPLACEMENT CHARACTER}") >= 0.95 * len(text)


def _is_whole(data: bytes, kind: str) -> bool:
    """Whether the file is as long as it says; refuses what would take too long to parse."""
    try:
        if kind == "JPEG":
            return is_whole_jpeg(data)
        if kind == "PNG":
            return _png_is_whole(data)
        if kind == "TIFF":
            return _tiff_is_whole(data)
        if kind == "WEBP":
            return 8 + struct.unpack_from("<L", data, 4)[0] <= len(data)
        if kind == "BMP":
            size, header, compression = struct.unpack_from("<L8xL12xL", data, 2)
            if header > 12 and compression in (1, 2):  # would take Pillow many seconds
                raise BadImage("unsupported_mode", mode="run lengths")
            return size <= len(data)
    except (struct.error, TypeError):  # cut within a header, or text for a number
        return False
    return True  # the decoder of HEIF notices itself


def _png_is_whole(data: bytes) -> bool:
    at = 8
    for _ in range(MAX_PARTS):
        length, name = struct.unpack_from(">L4s", data, at)
        at += 12 + length
        if name == b"IEND":
            return at <= len(data)
    raise BadImage("broken_image")


def _tiff_is_whole(data: bytes) -> bool:
    starts, sizes, sides = [], [], []
    lists = {Tag.StripOffsets: starts, Tag.StripByteCounts: sizes, Tag.TileWidth: sides}
    lists |= {Tag.TileOffsets: starts, Tag.TileByteCounts: sizes, Tag.TileLength: sides}
    for tag, form, at in _tiff_tags(data):
        if at + struct.calcsize(form) > len(data):
            return False
        if tag in lists:
            lists[tag].extend(struct.unpack_from(form, data, at))
            if len(lists[tag]) > MAX_PARTS or max(sides, default=0) > MAX_TILE_SIDE:
                raise BadImage("broken_image")
    return all(start + size <= len(data) for start, size in zip(starts, sizes, strict=False))


def _tiff_tags(tiff: bytes) -> Iterator[tuple[int, str, int]]:
    """Number, `struct` format and place of each tag of the first directory."""
    order = ">" if tiff[:2] == b"MM" else "<"
    (at,) = struct.unpack_from(order + "L", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number, place = struct.unpack_from(order + "HHLL", tiff, entry)
        form = f"{order}{number}{TIFF_TYPES.get(kind, 'x')}"
        yield tag, form, place if struct.calcsize(form) > 4 else entry + 8
    struct.unpack_from(order + "L", tiff, at + 2 + 12 * count)  # ends with the next one's place


def _orientation(exif: bytes) -> int:
    try:
        form, at = next(place for tag, *place in _tiff_tags(exif) if tag == Tag.Orientation)
        return struct.unpack_from(form, exif, at)[0]
    except (struct.error, IndexError, StopIteration):  # damage there leaves the pixels whole
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in UNFAITHFUL:
        raise BadImage("unsupported_mode", mode=UNFAITHFUL[image.mode])
    if image.mode.startswith("I;16"):
        tags = getattr(image, "tag_v2", {})
        # Shifted, as Pillow does with 16-bit colours: 8 bits widened by 256 or by 257 come back.
        grey = (np.asarray(image) >> (tags.get(Tag.BitsPerSample, (16,))[0] - 8)).astype(np.uint8)
        is_negative = tags.get(Tag.PhotometricInterpretation) == 0
        image = Image.fromarray(255 - grey if is_negative else grey)
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        image = ImageChops.invert(image)  # Pillow takes all for Adobe's, which are inverted
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    ground = Image.new("RGB", layer.size, "white")
    ground.paste(layer, mask=layer)
    return ground
