"""The words of a PDF, for tests."""

import contextlib
import re
import zlib


def unpacked(pdf: bytes) -> list[bytes]:
    """The compressed parts of a PDF, its pages among them."""
    parts = []
    for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):
            # Not whole at once: a checksum that ends with a carriage return has lost it above.
            parts.append(zlib.decompressobj().decompress(part))
    return parts


def pdf_text(pdf: bytes) -> str:
    """All words of a PDF whose fonts are the built-in ones: its text operators, unpacked."""
    words = [
        word
        for drawn in unpacked(pdf)
        for word in re.findall(rb"\((.*?)(?<!\\)\) Tj", drawn, re.DOTALL)
    ]
    joined = b" ".join(words).decode("latin-1")
    return joined.replace("\\(", "(").replace("\\)", ")")
