"""The parts of a JPEG, told without decoding it: whether it is whole, its scans, its metadata."""

import re
from collections.abc import Iterator

# Segments, chunks, strips: each costs microseconds; 25 MB can hold millions, photos have hundreds.
MAX_PARTS = 30_000
# What begins or ends a part of a JPEG: no stuffed zero, fill byte, TEM or restart.
MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd7]")
SOS, EOI, METADATA = 0xDA, 0xD9, {*range(0xE1, 0xF0), 0xFE} - {0xEE}  # APP14 says the colours


def is_whole_jpeg(jpeg: bytes) -> bool:
    """Whether a JPEG has its end marker."""
    return any(marker == EOI for marker, _, _ in segments(jpeg))


def count_scans(jpeg: bytes, enough: int) -> int:
    """The number of scans (SOS markers) of a JPEG, counted until it exceeds `enough`."""
    return min(enough + 1, sum(marker == SOS for marker, _, _ in segments(jpeg)))


def bare_jpeg(jpeg: bytes) -> tuple[bytes, bytes]:
    """The JPEG without metadata, which only costs time and faults in parsers; its EXIF block."""
    kept, exif = [jpeg[:2]], b""
    for marker, start, end in segments(jpeg):
        if marker == SOS:
            return b"".join([*kept, jpeg[start:]]), exif
        if len(kept) > 64:  # real ones have about a dozen tables, and each costs time
            break
        if marker not in METADATA:
            kept.append(jpeg[start:end])
        elif not exif and jpeg.startswith(b"Exif\0\0", start + 4):
            exif = jpeg[start + 4 : end]
    return b"", exif


def segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment in bytes, the end marker included, without pixels.

    Found as libjpeg finds them, so that no scan hides from the count: a segment is passed by its
    length (ITU-T T.81, annex B), then whatever lies before the next marker is skipped.
    """
    at, marker, parts = 2, 0, 0
    while marker != EOI and parts < MAX_PARTS and (found := MARKER.search(jpeg, at)):
        start, marker, parts = found.start(), found.group()[1], parts + 1
        at = start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big")
        yield marker, start, at
