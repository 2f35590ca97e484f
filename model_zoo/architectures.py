"""Networks: one flat functional Keras model, each part reachable by its name.

pixels -> (flip to BGR) -> scale -> backbone -> features (h, w, C) -> pool -> dense_512
-> dropout -> logits -> probabilities
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from model_zoo.errors import BadModel
from model_zoo.labels import CODES

# How uint8-range RGB becomes what a backbone expects; the names that a card's `scaling` takes.
# caffe: BGR minus the ImageNet mean (keras.applications.resnet50.preprocess_input);
# tf: RGB / 127.5 - 1; none: the network scales by itself.
CAFFE_MEAN_BGR = [103.939, 116.779, 123.68]
SCALINGS = ("caffe", "tf", "none")
# EfficientNets divide by 255 themselves; before that, mean and deviation of ImageNet (of RGB / 255,
# `keras.applications.imagenet_utils`, mode torch) must be taken out.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EFFICIENTNET = "efficientnet"


@dataclass(frozen=True)
class Backbone:
    """A feature extractor of `keras.applications`: its maker, scaling and natural side."""

    make: Callable[..., keras.Model]
    scaling: str
    side: int


BACKBONES = {
    "ResNet50": Backbone(keras.applications.ResNet50, "caffe", 224),
    "ResNet50V2": Backbone(keras.applications.ResNet50V2, "tf", 224),
    "MobileNetV2": Backbone(keras.applications.MobileNetV2, "tf", 224),
    "EfficientNetB3": Backbone(keras.applications.EfficientNetB3, EFFICIENTNET, 300),
    "EfficientNetB5": Backbone(keras.applications.EfficientNetB5, EFFICIENTNET, 456),
}


def build(
    backbone: str,
    side: int,
    *,
    weights: str | Path | None = "imagenet",
    dropout: float = 0.5,
    classes: int = len(CODES),
) -> keras.Model:
    """A flat model from RGB pixels of 0..255, (N, S, S, 3), to probabilities (N, K).

    weights: "imagenet" (fetched by Keras), the path of an .npz whose keys are
    `<layer>/<index in get_weights()>`, or None or "none" for random ones. Layers that the file
    lacks stay random. Raises `BadModel` when the file does not fit.
    """
    pixels = keras.Input((side, side, 3), name="pixels")
    trunk = trunk_of(backbone, pixels, weights)
    features = keras.layers.Identity(name="features")(trunk.output)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    # 512 as in the published model; the float32 head keeps the softmax exact in mixed precision.
    x = keras.layers.Dense(512, activation="relu", name="dense_512", dtype="float32")(x)
    x = keras.layers.Dropout(dropout, name="dropout", dtype="float32")(x)
    logits = keras.layers.Dense(classes, name="logits", dtype="float32")(x)
    probabilities = keras.layers.Softmax(name="probabilities", dtype="float32")(logits)
    return keras.Model(pixels, probabilities, name=backbone.lower())


def trunk_of(backbone: str, pixels: keras.KerasTensor, weights: str | Path | None) -> keras.Model:
    """A backbone without its head, from pixels of 0..255 on. weights, errors: as for `build`."""
    if backbone not in BACKBONES:
        raise BadModel("unknown_model", name=backbone, known=", ".join(BACKBONES))
    spec = BACKBONES[backbone]
    trunk = spec.make(include_top=False, weights=None, input_tensor=scale(pixels, spec.scaling))
    if weights == "imagenet":
        _copy(spec.make(include_top=False, weights="imagenet", input_tensor=None), trunk)
    elif weights not in (None, "none"):
        load_npz(trunk, Path(weights))
    return trunk


def _copy(source: keras.Model, target: keras.Model) -> None:
    """Nothing; gives the layers of `target` the weights of the same layers of `source`.

    Not those of preprocessing: an EfficientNet with ImageNet weights has layers for it that one
    without has not, whereas here one network is meant whatever its first weights (see `scale`).
    """
    for layer in target.layers:
        if layer.weights and not isinstance(layer, keras.layers.Normalization):
            layer.set_weights(source.get_layer(layer.name).get_weights())


def scale(pixels: keras.KerasTensor, scaling: str) -> keras.KerasTensor:
    """Pixels of 0..255, RGB, as a backbone expects them (see `SCALINGS`), by built-in layers.

    Built-in, so that a `.keras` file opens without this package. Float32 whatever the policy:
    bfloat16 has 8 significant bits and would round the upper half of the range.
    """
    if scaling == "caffe":
        flipped = keras.ops.flip(pixels, axis=-1)
        offset = [-mean for mean in CAFFE_MEAN_BGR]
        return keras.layers.Rescaling(1.0, offset, name="scale", dtype="float32")(flipped)
    if scaling == EFFICIENTNET:
        means = zip(IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True)
        factor = [1 / deviation for deviation in IMAGENET_DEVIATION]
        offset = [-255 * mean / deviation for mean, deviation in means]
    else:
        factor, offset = {"tf": (1 / 127.5, -1.0), "none": (1.0, 0.0)}[scaling]
    return keras.layers.Rescaling(factor, offset, name="scale", dtype="float32")(pixels)


def load_npz(model: keras.Model, file: Path) -> int:
    """The number of layers of `model` whose weights were set from an .npz, changing the model.

    Keys are `<layer name>/<index in layer.get_weights()>`, any float dtype.
    """
    if not file.is_file():
        raise BadModel("missing_weights", file=file, name=model.name)
    stored: dict[str, dict[int, np.ndarray]] = {}
    with np.load(file, allow_pickle=False) as archive:
        for key in archive.files:
            layer, index = key.rsplit("/", 1)
            stored.setdefault(layer, {})[int(index)] = archive[key].astype("float32")
    known = {layer.name: layer for layer in model.layers}
    for name, arrays in stored.items():
        expected = [w.shape for w in known[name].get_weights()] if name in known else None
        found = [arrays[i].shape for i in sorted(arrays)]
        if expected != found:
            problem = f"layer {name} has weights {found}, the network expects {expected}"
            raise BadModel("foreign_shape", file=file.name, problem=problem)
        known[name].set_weights([arrays[i] for i in sorted(arrays)])
    return len(stored)
