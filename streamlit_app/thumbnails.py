"""Small pictures of photos, for tables and lists."""

import io

import cv2
import numpy as np
from PIL import Image


def thumbnail(rgb: np.ndarray, side: int = 96) -> bytes:
    """A JPEG of a photo, uint8 (H, W, 3) RGB, its longer side brought to `side` pixels."""
    scale = side / max(rgb.shape[:2])
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    stream = io.BytesIO()
    Image.fromarray(small).save(stream, "JPEG", quality=80)
    return stream.getvalue()
