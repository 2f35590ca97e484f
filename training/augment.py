"""Random changes to training photos, as Keras layers that run on every backend.

Each layer takes and gives float32 RGB of 0..255, shape (N, S, S, 3), and changes every photo of a
batch on its own. Outside training they only bring photos to the side of the network.
"""

import keras
import numpy as np
from keras import ops

from training.recipe import Augment

# RGB to YIQ (NTSC, ITU-R BT.470): hue is a rotation in the I-Q plane, saturation its length.
YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])


def augmentation(settings: Augment, side: int, seed: int) -> keras.Sequential:
    """The layers of a recipe, in order: geometry, colour, resolution; output (N, side, side, 3)."""
    return keras.Sequential(
        [
            RandomGeometry(settings, side, seed=seed),
            RandomColour(settings, seed=seed + 1),
            RandomResolution(settings.sides, settings.sides_share, seed=seed + 2),
        ],
        name="augmentation",
    )


class Random(keras.layers.Layer):
    """A layer with a seeded generator and float32 arithmetic whatever the precision policy."""

    def __init__(self, seed: int) -> None:
        super().__init__(dtype="float32")
        self.generator = keras.random.SeedGenerator(seed)

    def uniform(self, shape: tuple, low: float, high: float) -> keras.KerasTensor:
        """Numbers drawn evenly between low and high, float32."""
        return keras.random.uniform(shape, low, high, dtype="float32", seed=self.generator)


class RandomGeometry(Random):
    """Flips, rotation by any angle, zoom, aspect and shift in one interpolation.

    One affine map from the output square (side) back into the larger kept square: bilinear,
    mirrored beyond the border.
    """

    def __init__(self, settings: Augment, side: int, seed: int) -> None:
        super().__init__(seed)
        self.settings, self.side = settings, side

    def call(self, photos: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        photos = ops.cast(photos, "float32")
        if not training:
            return ops.image.resize(photos, (self.side, self.side), antialias=True)
        kept = photos.shape[1]
        maps = self._maps(ops.shape(photos)[0], kept)
        # `affine_transform` gives as many pixels as it gets, so the output is its upper left part.
        warped = ops.image.affine_transform(photos, maps, "bilinear", fill_mode="reflect")
        return warped[:, : self.side, : self.side, :]

    def _maps(self, n: int, kept: int) -> keras.KerasTensor:
        """Per photo the eight numbers a0 a1 a2 b0 b1 b2 0 0 that take output x, y to input x, y."""
        s = self.settings
        angle = self.uniform((n,), -s.rotation, s.rotation) * (np.pi / 180)
        area = self.uniform((n,), s.area[0], s.area[1])
        aspect = ops.exp(self.uniform((n,), -s.aspect, s.aspect))
        flips = ops.sign(self.uniform((n, 2), -0.5 if s.flips else 0.25, 0.5))
        shift = self.uniform((n, 2), -s.shift, s.shift) * kept
        size = ops.sqrt(area) * (kept / self.side)
        x_size, y_size = (
            size * ops.sqrt(aspect) * flips[:, 0],
            size / ops.sqrt(aspect) * flips[:, 1],
        )
        a0, a1 = ops.cos(angle) * x_size, -ops.sin(angle) * y_size
        b0, b1 = ops.sin(angle) * x_size, ops.cos(angle) * y_size
        middle_out, middle_in = (self.side - 1) / 2, (kept - 1) / 2
        a2 = middle_in + shift[:, 0] - (a0 + a1) * middle_out
        b2 = middle_in + shift[:, 1] - (b0 + b1) * middle_out
        zero = ops.zeros_like(a0)
        return ops.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1)


class RandomColour(Random):
    """Brightness, contrast, saturation, hue and channel gains as one 3 x 3 matrix a photo.

    brightness, contrast, saturation and gain are the largest relative change (0.2: 0.8 to 1.2),
    hue the largest turn in degrees.
    """

    def __init__(self, settings: Augment, seed: int) -> None:
        super().__init__(seed)
        self.settings = settings

    def call(self, photos: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if not training:
            return photos
        s, n = self.settings, ops.shape(photos)[0]
        contrast = 1 + self.uniform((n, 1, 1), -s.contrast, s.contrast)
        bright = 1 + self.uniform((n, 1, 1), -s.brightness, s.brightness)
        gains = 1 + self.uniform((n, 1, 3), -s.gain, s.gain)
        matrix = self._chroma(n) * gains * bright
        mean = ops.mean(photos, axis=(1, 2))[:, None, :]  # (n, 1, 3)
        mapped_mean = ops.matmul(mean, matrix)
        offset = (1 - contrast) * mapped_mean
        flat = ops.reshape(photos, (n, -1, 3))
        mapped = ops.matmul(flat, matrix * contrast) + offset
        return ops.reshape(ops.clip(mapped, 0.0, 255.0), ops.shape(photos))

    def _chroma(self, n: int) -> keras.KerasTensor:
        """(n, 3, 3) matrices, for row vectors RGB, that turn hue and scale saturation."""
        s = self.settings
        turn = self.uniform((n,), -s.hue, s.hue) * (np.pi / 180)
        length = 1 + self.uniform((n,), -s.saturation, s.saturation)
        cos, sin = ops.cos(turn) * length, ops.sin(turn) * length
        one, zero = ops.ones_like(cos), ops.zeros_like(cos)
        rotate = ops.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], axis=1)
        rotate = ops.reshape(rotate, (n, 3, 3))
        to_yiq = ops.convert_to_tensor(YIQ, "float32")
        to_rgb = ops.convert_to_tensor(np.linalg.inv(YIQ), "float32")
        return ops.transpose(ops.matmul(to_rgb, ops.matmul(rotate, to_yiq)), (0, 2, 1))


class RandomResolution(Random):
    """Some photos brought down to one of a few sides and up again.

    In ISIC 2019 as distributed at small sizes the archives differ in sharpness and in what they
    hold, so blur would tell the class. A share of each batch is shown at every listed side.
    """

    def __init__(self, sides: tuple[int, ...], share: float, seed: int) -> None:
        super().__init__(seed)
        self.sides, self.share = sides, share

    def call(self, photos: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        sides = [side for side in self.sides if side < photos.shape[1]]
        if not training or not sides or self.share <= 0:
            return photos
        whole = photos.shape[1]
        ticket = self.uniform((ops.shape(photos)[0], 1, 1, 1), 0.0, len(sides) / self.share)
        for index, side in enumerate(sides):
            small = ops.image.resize(photos, (side, side), antialias=True)
            again = ops.image.resize(small, (whole, whole), interpolation="bicubic")
            drawn = ops.logical_and(ticket >= index, ticket < index + 1)
            photos = ops.where(drawn, ops.clip(again, 0.0, 255.0), photos)
        return photos
