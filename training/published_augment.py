"""The augmentation of the published recipe: Keras's legacy `ImageDataGenerator`, as a layer.

Units are that class's own: rotation and shear in degrees (a shear of 0.2 is almost none), shift a
share of the side, zoom 0.3 means a factor of 0.7 to 1.3 for each axis, brightness a factor.
"""

import keras
import numpy as np
from keras import ops

from training.augment import Random
from training.recipe import PublishedAugment


class RandomPublished(Random):
    """One affine map a photo, then flips, then brightness; float32 RGB of 0..255, (N, S, S, 3).

    Source: `keras.src.legacy.preprocessing.image`, `apply_affine_transform` and
    `apply_brightness_shift`; a zoom above 1 shows more of the photo.
    """

    def __init__(self, settings: PublishedAugment, seed: int) -> None:
        super().__init__(seed)
        self.settings = settings

    def call(self, photos: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        photos = ops.cast(photos, "float32")
        if not training:
            return photos
        s, n = self.settings, ops.shape(photos)[0]
        maps = inverse_maps(
            photos.shape[1],
            theta=self.uniform((n,), -s.rotation, s.rotation),
            x_shift=self.uniform((n,), -s.shift, s.shift),
            y_shift=self.uniform((n,), -s.shift, s.shift),
            shear=self.uniform((n,), -s.shear, s.shear),
            x_zoom=self.uniform((n,), 1 - s.zoom, 1 + s.zoom),
            y_zoom=self.uniform((n,), 1 - s.zoom, 1 + s.zoom),
        )
        photos = ops.image.affine_transform(photos, maps, "bilinear", fill_mode=s.fill)
        if s.horizontal_flip:
            photos = self._flip(photos, 2)
        if s.vertical_flip:
            photos = self._flip(photos, 1)
        if s.brightness == (1.0, 1.0):
            return photos
        return ops.clip(photos * self.uniform((n, 1, 1, 1), *s.brightness), 0.0, 255.0)

    def _flip(self, photos: keras.KerasTensor, axis: int) -> keras.KerasTensor:
        drawn = self.uniform((ops.shape(photos)[0], 1, 1, 1), 0.0, 1.0) < 0.5
        return ops.where(drawn, ops.flip(photos, axis), photos)


def inverse_maps(
    side: int,
    *,
    theta: keras.KerasTensor,
    x_shift: keras.KerasTensor,
    y_shift: keras.KerasTensor,
    shear: keras.KerasTensor,
    x_zoom: keras.KerasTensor,
    y_zoom: keras.KerasTensor,
) -> keras.KerasTensor:
    """Per photo the eight numbers a0 a1 a2 b0 b1 b2 0 0 that take output x, y to input x, y.

    All (n,): theta and shear in degrees, shifts as shares of the side, zooms as factors. The
    matrix is rotation, shift, shear, zoom, multiplied in this order, about the photo's middle.
    """
    turn, slant = theta * (np.pi / 180), shear * (np.pi / 180)
    cos, sin = ops.cos(turn), ops.sin(turn)
    xx, yx = cos * x_zoom, sin * x_zoom
    xy, yy = -ops.sin(slant + turn) * y_zoom, ops.cos(slant + turn) * y_zoom
    middle = side / 2 - 0.5  # as in `transform_matrix_offset_center`
    x0 = (cos * x_shift - sin * y_shift) * side + middle - (xx + xy) * middle
    y0 = (sin * x_shift + cos * y_shift) * side + middle - (yx + yy) * middle
    zero = ops.zeros_like(cos)
    return ops.stack([xx, xy, x0, yx, yy, y0, zero, zero], axis=1)
