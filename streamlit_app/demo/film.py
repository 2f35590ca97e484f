"""Screenshots as a GIF: each with its own palette and no dithering, so that letters stay crisp."""

import io
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from streamlit_app.components.charts import DARK, LIGHT

COLOURS = 256
# Grounds, letters and lines are few colours on many pixels. The most frequent are kept as they are,
# so that nothing flat changes its shade from frame to frame; photo and heatmap share the others.
KEPT = 32
# The colours that mean something are kept as well, however few pixels they have.
MEANT = np.array(
    sorted(int(value[1:], 16) for look in (LIGHT, DARK) for value in astuple(look)), np.uint32
)


@dataclass(frozen=True)
class Frame:
    """A picture, PNG bytes of an RGB screenshot, and for how many seconds it is held."""

    png: bytes
    seconds: float


def write_gif(frames: list[Frame], file: Path) -> None:
    """Nothing; writes the frames as a GIF that begins anew at its end."""
    first, *others = [paletted(frame.png) for frame in frames]
    first.save(
        file,
        save_all=True,
        append_images=others,
        duration=[round(frame.seconds * 1000) for frame in frames],
        loop=0,
        optimize=False,  # would sort the palette of every frame anew, and save nothing
    )


def write_png(png: bytes, file: Path) -> None:
    """Nothing; writes a screenshot as a PNG with a palette, a fraction of its size."""
    paletted(png).save(file, optimize=True)


def paletted(png: bytes) -> Image.Image:
    """The picture, mode P, with at most `COLOURS` colours of its own."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    height, width = pixels.shape[:2]
    packed = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    found, counts = np.unique(packed, return_counts=True)
    frequent = found[np.argsort(-counts, kind="stable")[:KEPT]]
    kept = np.union1d(frequent, np.intersect1d(found, MEANT))
    palette = np.stack([kept >> 16, kept >> 8 & 255, kept & 255], axis=1).tolist()
    places = np.searchsorted(kept, packed).clip(max=len(kept) - 1)
    others = kept[places] != packed
    if others.any():
        row = Image.fromarray(pixels[others][None])
        count = COLOURS - len(kept)
        reduced = row.quantize(count, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
        places[others] = np.asarray(reduced)[0].astype(int) + len(kept)
        palette += np.array(reduced.getpalette()).reshape(-1, 3)[:count].tolist()
    picture = Image.frombytes("P", (width, height), places.astype(np.uint8).tobytes())
    picture.putpalette([value for colour in palette for value in colour])
    return picture
