"""Drawn frames with their masks, and a tiny U-Net that learns from them."""

import cv2
import keras
import numpy as np
from PIL import Image

from model_zoo import architectures, unet
from model_zoo.card import SEGMENTATION
from training import splits
from training.recipe import Augment, Optimizer, Phase, Recipe

SIDE = 64


def draw_outlined(root):
    """The folder, with 20 frames of a dark ellipse each and masks at three times their size."""
    (root / "images").mkdir()
    (root / "masks").mkdir()
    random = np.random.default_rng(0)
    for index in range(20):
        middle = tuple(int(v) for v in random.integers((30, 25), (70, 50)))
        axes = tuple(int(v) for v in random.integers(8, 20, 2))
        rgb = np.full((75, 100, 3), (215, 175, 160), np.uint8)
        cv2.ellipse(rgb, middle, axes, 0, 0, 360, (120, 70, 50), -1)
        noisy = (rgb + random.integers(-6, 7, rgb.shape)).clip(0, 255).astype(np.uint8)
        mask = np.zeros((225, 300), np.uint8)
        cv2.ellipse(
            mask, tuple(3 * v for v in middle), tuple(3 * v for v in axes), 0, 0, 360, 255, -1
        )
        Image.fromarray(noisy).save(root / "images" / f"P{index}.jpg", quality=95)
        Image.fromarray(mask).save(root / "masks" / f"P{index}_segmentation.png")
    return root


def rows_of_parts():
    """Those frames as rows: 16 to train on, two to validate, two held out."""
    parts = [splits.TRAIN] * 16 + [splits.VALIDATION] * 2 + [splits.HELD_OUT] * 2
    return [splits.Row(f"P{i}", "NV", f"L{i}", part) for i, part in enumerate(parts)]


def know_tiny_unet(patch):
    """The name of a backbone of five convolutions, known until the patch is undone."""

    def make(include_top, weights, input_tensor):
        x = input_tensor
        for level in range(5):
            x = keras.layers.Conv2D(
                8, 3, strides=2, padding="same", activation="relu", name=f"down_{level}"
            )(x)
        return keras.Model(keras.utils.get_source_inputs(x)[0], x)

    patch.setitem(architectures.BACKBONES, "Tiny", architectures.Backbone(make, "tf", 32))
    patch.setitem(unet.TAPS, "Tiny", tuple(f"down_{level}" for level in range(5)))
    return "Tiny"


def recipe(backbone, epochs):
    return Recipe(
        "outlines",
        backbone,
        (Phase(SIDE, epochs),),
        task=SEGMENTATION,
        weights="none",
        dropout=0.0,
        batch=4,
        precision="float32",
        loss="cross_entropy_dice",
        criterion="dice",
        statistics_momentum=0.5,
        optimizer=Optimizer(peak=1e-2, ema=0.5),
        augment=Augment(sides=(), sides_share=0),
    )
