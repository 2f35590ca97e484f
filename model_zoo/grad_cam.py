"""Grad-CAM in closed form: no gradient tape, all classes in the one forward pass.

Between the feature map A (h, w, C) and the logit of a class lie only the mean over the grid and
dense layers with ReLU. Hence d logit_c / d A[i, j, k] = (1 / (h w)) d logit_c / d pooled[k], equal
at every cell, and its mean over the grid, which Grad-CAM takes as the weight of channel k
(Selvaraju et al. 2017, arXiv 1610.02391, equation 1), is that same number. The derivative of
dense layers with ReLU is a chain of their kernels, masked where a unit is off.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops


@dataclass(frozen=True)
class Dense:
    """One dense layer of a head: kernel (in, out), bias (out,), and whether a ReLU follows."""

    kernel: np.ndarray
    bias: np.ndarray
    relu: bool


@dataclass(frozen=True)
class Head:
    """What follows a feature map, the tensor (N, h, w, C): dense layers, the last one linear."""

    features: keras.KerasTensor
    layers: tuple[Dense, ...]


def head_of(model: keras.Model) -> Head | None:
    """The head of a flat model; None if it is not mean-over-grid and dense layers with ReLU."""
    maker = {id(layer.output): layer for layer in model.layers if _is_plain(layer)}
    tensor, dense = model.outputs[0], []
    while (layer := maker.get(id(tensor))) is not None:
        if isinstance(layer, keras.layers.GlobalAveragePooling2D):
            return Head(layer.input, tuple(reversed(dense))) if dense else None
        if isinstance(layer, keras.layers.Dense):
            kind = getattr(layer.activation, "__name__", "")
            if kind not in ({"softmax", "linear"} if not dense else {"relu", "linear"}):
                return None
            kernel = np.asarray(layer.kernel, dtype=np.float32)
            bias = np.zeros(kernel.shape[1], np.float32) if layer.bias is None else layer.bias
            dense.append(Dense(kernel, np.asarray(bias, dtype=np.float32), kind == "relu"))
        elif not _passes_through(layer, last=not dense):
            return None
        tensor = layer.input
    return None


def shuffled(kernel: np.ndarray) -> np.ndarray:
    """A kernel with the same numbers in another, fixed order: a layer that has learnt nothing.

    For the sanity check of Adebayo et al. 2018, arXiv 1810.03292: a heatmap that looks the same
    with a randomised last layer does not speak of what was learnt.
    """
    return np.random.default_rng(0).permuted(kernel.ravel()).reshape(kernel.shape)


def scores_and_heatmaps(features, layers: tuple[Dense, ...]):
    """Pooled features (N, C), logits (N, K) and heatmaps (N, h, w, 2 K), rectified but not scaled.

    The first K heatmaps are those of the classes; the others, those with the last layer `shuffled`.
    """
    pooled = ops.mean(features, axis=(1, 2))
    values, masks = pooled, []
    for layer in layers:
        values = ops.matmul(values, layer.kernel) + layer.bias
        if layer.relu:
            values = ops.relu(values)
        masks.append(values if layer.relu else None)
    logits = values
    # Backwards, with the classes in front: (N, K, units of the layer below).
    last = np.concatenate([layers[-1].kernel, shuffled(layers[-1].kernel)], axis=1)
    gradient = ops.expand_dims(ops.transpose(last), 0)
    for layer, mask in zip(layers[-2::-1], masks[-2::-1], strict=True):
        if mask is not None:
            on = ops.cast(mask > 0, "float32")
            gradient = gradient * ops.expand_dims(on, 1)
        gradient = ops.matmul(gradient, np.ascontiguousarray(layer.kernel.T))
    height, width, channels = features.shape[1:]
    weights = ops.transpose(gradient, (0, 2, 1)) / (height * width)  # (N, C, K)
    cells = ops.reshape(features, (-1, height * width, channels))
    heatmaps = ops.reshape(ops.matmul(cells, weights), (-1, height, width, weights.shape[2]))
    heatmaps = ops.relu(heatmaps)
    return pooled, logits, heatmaps


def _is_plain(layer: keras.layers.Layer) -> bool:
    return len(layer._inbound_nodes) == 1 and not isinstance(layer, keras.Model)


def _passes_through(layer: keras.layers.Layer, *, last: bool) -> bool:
    """Whether a layer leaves values alone in inference, or is the closing softmax."""
    if isinstance(layer, keras.layers.Activation):
        kind = getattr(layer.activation, "__name__", "")
        return kind == "linear" or (last and kind == "softmax")
    if isinstance(layer, keras.layers.Softmax):
        return last
    return isinstance(layer, keras.layers.Dropout | keras.layers.Identity)
