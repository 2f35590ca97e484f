import dataclasses

import keras
import numpy as np
import pytest

from model_zoo.architectures import BACKBONES, build, load_npz, scale
from model_zoo.errors import BadModel

pytestmark = pytest.mark.slow

PARTS = ["pixels", "scale", "features", "pool", "dense_512", "dropout", "logits", "probabilities"]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_named_parts_in_one_flat_model(backbone):
    model = build(backbone, 64, weights=None)
    names = [layer.name for layer in model.layers]
    assert [name for name in names if name in PARTS] == PARTS
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert model.output_shape == (None, 8)
    assert len(model.get_layer("features").output.shape) == 4


@pytest.mark.parametrize(
    ("scaling", "preprocess"),
    [
        ("caffe", keras.applications.resnet50.preprocess_input),
        ("tf", keras.applications.mobilenet_v2.preprocess_input),
        ("none", keras.applications.efficientnet.preprocess_input),
    ],
)
def test_scaling_equals_preprocess_input(scaling, preprocess):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype("float32")
    entry = keras.Input((8, 8, 3))
    ours = keras.Model(entry, scale(entry, scaling)).predict(pixels, verbose=0)
    assert np.abs(ours - preprocess(pixels.copy())).max() < 1e-4


def test_a_saved_model_opens_without_this_package_and_gives_the_same(tmp_path):
    model = build("ResNet50", 32, weights=None)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    assert np.allclose(
        model.predict(pixels, verbose=0), again.predict(pixels, verbose=0), atol=1e-6
    )


def test_weights_from_npz_reach_the_layers(tmp_path):
    donor, taker = (build("MobileNetV2", 32, weights=None) for _ in range(2))
    layer = donor.get_layer("Conv1")
    arrays = {f"Conv1/{i}": w.astype("float16") for i, w in enumerate(layer.get_weights())}
    np.savez(tmp_path / "w.npz", **arrays)
    assert load_npz(taker, tmp_path / "w.npz") == 1
    assert np.allclose(taker.get_layer("Conv1").get_weights()[0], layer.get_weights()[0], atol=1e-3)


def test_weights_of_another_shape_are_refused(tmp_path):
    np.savez(tmp_path / "w.npz", **{"Conv1/0": np.zeros((3, 3, 3, 5), "float32")})
    with pytest.raises(BadModel) as caught:
        build("MobileNetV2", 32, weights=tmp_path / "w.npz")
    assert caught.value.code == "foreign_shape"
    assert "Conv1" in str(caught.value)


def test_unknown_backbone_names_the_known_ones():
    with pytest.raises(BadModel, match="MobileNetV2"):
        build("VGG16", 32, weights=None)


def stem(model):
    """What the first convolution of an EfficientNet sees."""
    return keras.Model(model.input, model.get_layer("stem_conv_pad").input)


def test_an_efficientnet_is_one_network_whatever_its_first_weights(tmp_path, monkeypatch):
    """Keras builds one with ImageNet weights with other preprocessing than one without."""
    photos = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    deviation = np.array([0.229, 0.224, 0.225])
    expected = (photos / 255 - [0.485, 0.456, 0.406]) / deviation
    spec = BACKBONES["EfficientNetB3"]

    def stored(include_top, weights, input_tensor):
        """As with ImageNet weights: statistics in Normalization, and known kernels."""
        model = spec.make(include_top=include_top, weights=None, input_tensor=input_tensor)
        if weights == "imagenet":
            normalization = next(
                layer for layer in model.layers if isinstance(layer, keras.layers.Normalization)
            )
            normalization.set_weights([np.full(3, 0.5), np.full(3, 0.2), np.int32(1)])
            model.get_layer("stem_conv").set_weights([np.full((3, 3, 3, 40), 0.25)])
        return model

    monkeypatch.setitem(BACKBONES, "Stored", dataclasses.replace(spec, make=stored))
    first = build("Stored", 64, weights="imagenet")
    assert first.get_layer("stem_conv").get_weights()[0] == pytest.approx(0.25)
    again = build("Stored", 64, weights=None)
    again.set_weights(first.get_weights())
    first.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for model in (first, again, loaded):
        assert np.abs(stem(model).predict(photos, verbose=0) - expected).max() < 1e-3
