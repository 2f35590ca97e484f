"""From a `.keras` file to the LiteRT flatbuffer that is served. Only this needs TensorFlow."""

import os
import secrets
import zipfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np

from model_zoo.architectures import scale
from model_zoo.errors import BadModel
from model_zoo.grad_cam import Head, head_of, scores_and_heatmaps

PRECISIONS = ("float32", "float16", "int8")


def load_flat(file: Path, scaling: str | None = None) -> keras.Model:
    """The model of a `.keras` file as one flat float32 graph, with the same weights.

    scaling: None if the model scales its pixels itself; else one of `architectures.SCALINGS`, put
    before it (the published ResNet50 expects pixels that went through `preprocess_input`).
    Nested models are unfolded, precision policies, optimizer and loss dropped. Nothing in the file
    is run: safe mode, no compile, and files with Lambda layers are refused. Raises `BadModel`.
    """
    _refuse_code(file)
    try:
        loaded = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as fault:  # Keras raises nearly anything on a damaged or foreign file
        problem = str(fault).splitlines()[0][:200] if str(fault) else type(fault).__name__
        raise BadModel("not_keras", file=file.name, problem=problem) from fault
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        return _flatten(loaded, scaling, file)
    finally:
        keras.config.set_dtype_policy(policy)


def _refuse_code(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            config = archive.read("config.json").decode("utf-8")
    except (OSError, zipfile.BadZipFile, KeyError, UnicodeDecodeError) as fault:
        raise BadModel("not_keras", file=file.name, problem=str(fault)) from fault
    if '"Lambda"' in config or '"__lambda__"' in config:
        raise BadModel("unsafe_keras", file=file.name)


def _flatten(loaded: keras.Model, scaling: str | None, file: Path) -> keras.Model:
    shape = loaded.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2]:
        problem = f"expected one square RGB input (N, S, S, 3), got {shape}"
        raise BadModel("foreign_shape", file=file.name, problem=problem)
    if shape[1] is None:
        raise BadModel("foreign_shape", file=file.name, problem="its input has no fixed side")
    pixels = keras.Input(shape[1:], name="pixels", dtype="float32")
    start = pixels if scaling is None else scale(pixels, scaling)
    # Names stand in the compiled file: without one its bytes would tell what was built before.
    flat = keras.Model(pixels, _apply(loaded, start), name="flat")
    weights = [np.asarray(w, dtype=np.float32) for w in loaded.get_weights()]
    expected = [tuple(w.shape) for w in flat.weights]
    if [w.shape for w in weights] != expected:
        problem = "its layers do not keep their order when they are unfolded"
        raise BadModel("foreign_shape", file=file.name, problem=problem)
    flat.set_weights(weights)
    return flat


def _apply(layer: keras.layers.Layer, tensor: keras.KerasTensor) -> keras.KerasTensor:
    """The output of a float32 copy of a layer on a tensor; models are unfolded layer by layer."""
    if isinstance(layer, keras.Sequential):
        for inner in layer.layers:
            tensor = _apply(inner, tensor)
        return tensor
    if isinstance(layer, keras.Model):
        # What keras.models.clone_model does inside; it would end the graph at its own inputs.
        made = layer._run_through_graph([tensor], _float32_copy, _call_unfolded)
        made = list(made) if isinstance(made, list | tuple) else [made]
        return made if _outlines(layer) else made[0]
    return tensor if isinstance(layer, keras.layers.InputLayer) else _float32_copy(layer)(tensor)


def _call_unfolded(layer: keras.layers.Layer, *args: object, **kwargs: object):
    if isinstance(layer, keras.Model):
        return _apply(layer, args[0])
    return layer(*args, **kwargs)


def _float32_copy(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, keras.Model):
        return layer
    config = layer.get_config()
    if "dtype" in config:
        config["dtype"] = "float32"
    return layer.__class__.from_config(config)


def compile_flat(model: keras.Model, precision: str, *, name: str = "") -> bytes:
    """The LiteRT flatbuffer of a flat model.

    Input: uint8 (N, S, S, 3) RGB. Outputs, told apart by shape: pooled features (N, C), logits
    (N, K), heatmaps (N, h, w, 2 K) as `grad_cam` gives them; probabilities (N, K) alone where the
    head is of another kind; mask (N, S, S, 1) and artefacts (N, A) of a network that outlines, as
    `unet` makes it.
    precision: float32; float16 (weights); int8 (weights by channel, activations quantized on
    the fly: "dynamic range"). name: of the file that an error tells of, the model's own if "".
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    outputs = _serving_outputs(model, name or model.name)
    side = model.input_shape[1]

    # An open batch: traced for one photo, the converter drops the axes of length 1 that keep the
    # photos of a larger batch apart.
    @tf.function(input_signature=[tf.TensorSpec((None, side, side, 3), tf.uint8, name="pixels")])
    def serve(pixels):
        return outputs(tf.cast(pixels, tf.float32))

    # The converter of TensorFlow 2.21 keeps weights as variables, unfolded and unread by the
    # delegate; freezing the function first makes them constants.
    frozen = convert_variables_to_constants_v2(serve.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def _serving_outputs(model: keras.Model, name: str):
    if _outlines(model):
        return lambda x: model(x, training=False)
    head: Head | None = head_of(model)
    if head is None:
        _require_probabilities(model, name)
        return lambda x: model(x, training=False)
    trunk = keras.Model(model.input, head.features, name="trunk")

    return lambda x: scores_and_heatmaps(trunk(x, training=False), head.layers)


def _outlines(model: keras.Model) -> bool:
    """Whether the first output is a mask, (N, S, S, 1): of others, one output alone is served."""
    side = model.input_shape[1]
    return tuple(model.outputs[0].shape[1:]) == (side, side, 1)


def _require_probabilities(model: keras.Model, name: str) -> None:
    """Nothing; raises `BadModel` unless a model that is served as a whole ends in a softmax."""
    last = next(layer for layer in model.layers if layer.output is model.outputs[0])
    kind = getattr(getattr(last, "activation", None), "__name__", "")
    if not isinstance(last, keras.layers.Softmax) and kind != "softmax":
        problem = f"expected it to end in a softmax, it ends in {type(last).__name__} {kind}"
        raise BadModel("foreign_shape", file=name, problem=problem)


def compile_file(file: Path, target: Path, *, precision: str, scaling: str | None) -> None:
    """Nothing; writes the flatbuffer of a `.keras` file to `target`, atomically."""
    flatbuffer = compile_flat(load_flat(file, scaling), precision, name=file.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
    try:
        partial.write_bytes(flatbuffer)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
