"""The network that outlines the lesion: a U-Net whose encoder is a classifier's backbone.

Ronneberger et al. 2015, arXiv 1505.04597. The decoder is separable, so that it costs less than
the encoder. The network also says what lies in front of the lesion: hair, ink, a ruler.
"""

from pathlib import Path

import keras
from keras import layers

from model_zoo.architectures import trunk_of
from model_zoo.errors import BadModel
from model_zoo.quality import ARTEFACTS

# The last layer of a backbone at 1/2, 1/4, 1/8, 1/16 and 1/32 of its side. MobileNetV2's last
# convolution, to 1,280 channels, is for naming classes and is left out.
TAPS: dict[str, tuple[str, ...]] = {
    "MobileNetV2": (
        "block_1_expand_relu",
        "block_3_expand_relu",
        "block_6_expand_relu",
        "block_13_expand_relu",
        "block_16_project_BN",
    ),
}
# Levels whose features, pooled over the photo, tell what lies in front of the lesion.
POOLED = (3, 4, 5)
FILTERS = (32, 48, 64, 96)  # of the decoder at 1/2, 1/4, 1/8 and 1/16


def build_unet(
    backbone: str, side: int, *, weights: str | Path | None = "imagenet", dropout: float = 0.0
) -> keras.Model:
    """A network from pixels float 0..255 (N, side, side, 3) RGB to "mask" and "artefacts".

    The mask (N, side, side, 1) is the probability that a pixel belongs to the lesion; artefacts
    (N, A) those that each of `quality.ARTEFACTS` lies in front of it. The layers before them are
    "mask_logits" and "artefact_logits". weights: of the encoder, as for `architectures.build`;
    side: a multiple of 32.
    Raises `BadModel` for a backbone without known taps or weights that do not fit.
    """
    if backbone not in TAPS:
        raise BadModel("unknown_model", name=backbone, known=", ".join(TAPS))
    pixels = keras.Input((side, side, 3), name="pixels")
    trunk = trunk_of(backbone, pixels, weights)
    taps = [trunk.get_layer(name).output for name in TAPS[backbone]]
    *skips, x = [
        layers.Identity(name=f"level_{level}")(tap) for level, tap in enumerate(taps, start=1)
    ]
    artefacts = _artefacts([*skips, x])
    x = layers.Dropout(dropout, name="dropout")(x)
    for level, skip in reversed(list(enumerate(skips, start=1))):
        x = layers.UpSampling2D(interpolation="bilinear", name=f"up_{level}")(x)
        x = layers.Concatenate(name=f"join_{level}")([x, skip])
        for turn in (1, 2):
            name = f"decode_{level}_{turn}"
            x = layers.SeparableConv2D(
                FILTERS[level - 1], 3, padding="same", use_bias=False, name=name
            )(x)
            x = layers.BatchNormalization(name=f"{name}_BN")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.Conv2D(1, 1, name="halved", dtype="float32")(x)
    x = layers.UpSampling2D(interpolation="bilinear", name="mask_logits", dtype="float32")(x)
    mask = layers.Activation("sigmoid", name="mask", dtype="float32")(x)
    return keras.Model(pixels, [mask, artefacts], name=f"unet_{backbone.lower()}")


def _artefacts(levels: list[keras.KerasTensor]) -> keras.KerasTensor:
    """What features say of artefacts: their mean of what is everywhere, their largest of a line."""
    pooled = [
        layer(name=f"{name}_{level}", dtype="float32")(levels[level - 1])
        for level in POOLED
        for name, layer in (
            ("mean", layers.GlobalAveragePooling2D),
            ("largest", layers.GlobalMaxPooling2D),
        )
    ]
    x = layers.Concatenate(name="pooled", dtype="float32")(pooled)
    x = layers.Dense(len(ARTEFACTS), name="artefact_logits", dtype="float32")(x)
    return layers.Activation("sigmoid", name="artefacts", dtype="float32")(x)
