"""From `.keras` to served numbers: our own models, and files made elsewhere."""

import errno
import hashlib
import os
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_zoo import registry
from model_zoo.architectures import build
from model_zoo.card import Card
from model_zoo.classifier import Classifier
from model_zoo.compile import compile_file, compile_flat, load_flat
from model_zoo.engine import Engine
from model_zoo.errors import BadModel
from model_zoo.grad_cam import shuffled
from model_zoo.images import decode_rgb, square
from model_zoo.interpreters import BATCH, Interpreters
from model_zoo.labels import CODES
from model_zoo.loading import served_sha256

pytestmark = pytest.mark.slow

SIDE = 64
SAMPLES = Path(__file__).parents[2] / "streamlit_app" / "samples"


def published_focal(truth, probabilities):
    """A stand-in for the loss in the published file, which this project does not know."""
    return tf.reduce_mean(-0.25 * (1 - probabilities) ** 2 * truth * tf.math.log(probabilities))


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A file like the published one: nested, mixed float16, optimizer state, custom loss."""
    keras.utils.set_random_seed(1)  # of some weights no map has a peak, or one that nearly cancels
    keras.config.set_dtype_policy("mixed_float16")
    try:
        # The published one is a ResNet50, which takes half a minute and has no other kind of layer.
        trunk = keras.applications.MobileNetV2(
            include_top=False, weights=None, input_shape=(SIDE, SIDE, 3), alpha=0.35
        )
        model = keras.Sequential(
            [
                trunk,
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(512, activation="relu"),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(8, activation="softmax", dtype="float32"),
            ]
        )
        model.compile(keras.optimizers.Adam(1e-4), loss=published_focal)
        model.optimizer.build(model.trainable_variables)  # its state is saved with the model
    finally:
        keras.config.set_dtype_policy("float32")
    file = tmp_path_factory.mktemp("foreign") / "best_final_model.keras"
    model.save(file)
    return file


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LESIONLENS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def taped_heatmaps(model: keras.Model, features: str, pixels: np.ndarray) -> np.ndarray:
    """Grad-CAM as published, with a tape, for all classes: (N, h, w, K), scaled to 0..1."""
    dense = next(x for x in reversed(model.layers) if isinstance(x, keras.layers.Dense))
    inner = keras.Model(model.input, [model.get_layer(features).output, dense.input])
    with tf.GradientTape(persistent=True) as tape:
        values, hidden = inner(pixels.astype("float32"), training=False)
        scores = tf.unstack(hidden @ dense.kernel + dense.bias, axis=1)
    maps = []
    for score in scores:
        weights = tf.reduce_mean(tape.gradient(score, values), axis=(1, 2), keepdims=True)
        maps.append(tf.nn.relu(tf.reduce_sum(weights * values, axis=-1)).numpy())
    return scaled(np.stack(maps, axis=-1))


def in_double(model: keras.Model) -> keras.Model:
    def doubled(layer):
        config = layer.get_config()
        if isinstance(layer, keras.layers.Layer):  # and not an operation such as the flip
            config["dtype"] = "float64"
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=doubled)
    copy.set_weights(model.get_weights())
    return copy


def scaled(maps: np.ndarray) -> np.ndarray:
    peak = maps.max(axis=(1, 2), keepdims=True)
    return maps / np.where(peak > 0, peak, 1)


def test_own_model_served_equals_keras_and_its_heatmaps_a_tape(tmp_path, pixels):
    keras.utils.set_random_seed(1)
    model = build("MobileNetV2", SIDE, weights=None)
    model.save(tmp_path / "own.keras")
    compile_file(tmp_path / "own.keras", tmp_path / "own.tflite", precision="float32", scaling=None)
    engine = Engine(tmp_path / "own.tflite")
    outputs = engine.run(pixels)
    expected = model.predict(pixels.astype("float32"), verbose=0)
    assert np.abs(outputs.probabilities - expected).max() < 1e-5
    assert outputs.heatmaps.shape == (3, 2, 2, 8)
    taped = taped_heatmaps(model, "features", pixels)
    # Sums that nearly cancel, of random weights: the worst cell is a little further off.
    assert np.abs(scaled(outputs.heatmaps) - taped).max() < 1e-4
    assert outputs.pooled.shape == (3, 1280)
    last = model.get_layer("logits")
    last.set_weights([shuffled(last.get_weights()[0]), last.get_weights()[1]])
    taped = taped_heatmaps(model, "features", pixels)
    assert np.abs(scaled(outputs.randomised) - taped).max() < 1e-4


@pytest.mark.parametrize(
    "name", [card.name for card in registry.classifiers().values() if "served" in card.files]
)
def test_heatmaps_of_a_bundled_model_equal_a_tape(name, tmp_path):
    card = registry.cards()[name]
    compile_file(card.file("keras"), tmp_path / "m.tflite", precision="float32", scaling=None)
    engine = Engine(tmp_path / "m.tflite")
    photos = np.stack(
        [
            square(decode_rgb(file.read_bytes()), engine.side).pixels
            for file in sorted(SAMPLES.glob("*.jpg"))[:4]
        ]
    )
    exact = in_double(load_flat(card.file("keras")))
    apart = np.abs(scaled(engine.run(photos).heatmaps) - taped_heatmaps(exact, "features", photos))
    # A map is a sum of 1,280 terms that nearly cancel, so float32 leaves a few of them further
    # off: TensorFlow's own float32 tape is 1.2e-5 from this float64 one at worst.
    assert np.median(apart.max(axis=(1, 2))) < 1e-5
    assert apart.max() < 1e-4


def test_foreign_file_is_unfolded_and_served(cache, foreign, pixels):
    served = Classifier.load(foreign, labels=CODES, scaling="caffe")
    flat = load_flat(foreign, "caffe")
    nested = keras.saving.load_model(foreign, compile=False)
    prepared = keras.applications.resnet50.preprocess_input(pixels.astype("float32"))
    outputs = served.engine.run(pixels)
    in_half = nested.predict(prepared, verbose=0)
    in_full = flat.predict(pixels.astype("float32"), verbose=0)
    assert not any(isinstance(layer, keras.Model) for layer in flat.layers)
    assert np.abs(outputs.probabilities - in_full).max() < 1e-5
    assert np.abs(outputs.probabilities - in_half).max() < 2e-2  # the file computes in float16
    exact = taped_heatmaps(in_double(flat), "out_relu", pixels)
    apart = np.abs(scaled(outputs.heatmaps) - exact).max(axis=(1, 2))
    assert np.median(apart) < 1e-5
    assert apart.max() < 1e-4


def test_foreign_file_is_compiled_once(cache, foreign):
    first = Classifier.load(foreign, labels=CODES, scaling="caffe").engine.file
    before = first.stat().st_mtime_ns
    assert Classifier.load(foreign, labels=CODES, scaling="caffe").engine.file == first
    assert first.stat().st_mtime_ns == before


def test_the_hash_of_what_serves_is_known_once_it_is_compiled(
    cache, foreign, tmp_path, monkeypatch
):
    card = Card(foreign.stem, CODES, "caffe", foreign, foreign.parent)
    served = Classifier.load(foreign, labels=CODES, scaling="caffe")
    assert served_sha256(card) == served.digest()
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "empty"))
    assert served_sha256(card) == ""


@pytest.mark.parametrize("damage", ["another byte", "nothing recorded"])
def test_a_damaged_compiled_file_is_compiled_anew(cache, foreign, damage):
    file = Classifier.load(foreign, labels=CODES, scaling="caffe").engine.file
    whole, record = file.read_bytes(), file.with_suffix(".sha256")
    if damage == "another byte":
        file.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    else:
        record.unlink()
        file.write_bytes(whole[: len(whole) // 2])
    assert Classifier.load(foreign, labels=CODES, scaling="caffe").engine.file == file
    assert file.read_bytes() == whole
    assert record.read_text() == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_clock_set_back_changes_nothing(cache, foreign):
    file = Classifier.load(foreign, labels=CODES, scaling="caffe").engine.file
    in_ten_years = time.time() + 10 * 365 * 86_400
    for path in (file, file.with_suffix(".sha256"), foreign):
        os.utime(path, (in_ten_years, in_ten_years))
    before = file.stat().st_mtime_ns
    assert Classifier.load(foreign, labels=CODES, scaling="caffe").engine.file == file
    assert file.stat().st_mtime_ns == before


def test_a_full_disk_is_told(tmp_path, foreign, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BadModel) as caught:
        Classifier.load(foreign, labels=CODES, scaling="caffe")
    assert caught.value.code == "compiled_not_kept"
    assert not list(tmp_path.rglob("*.partial"))


def test_foreign_file_without_a_card_says_what_it_lacks(foreign):
    with pytest.raises(BadModel) as caught:
        Classifier.load(foreign)
    assert caught.value.code == "card_lacks"
    assert "best_final_model.toml" in str(caught.value)


def test_another_head_gives_probabilities_and_no_heatmap(cache, tmp_path, pixels):
    entry = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(4, 3, strides=8)(entry)
    x = keras.layers.Flatten()(x)
    model = keras.Model(entry, keras.layers.Dense(8, activation="softmax")(x))
    model.save(tmp_path / "flat.keras")
    served = Classifier.load(tmp_path / "flat.keras", labels=CODES, scaling="tf")
    analysis = served.analyse(pixels[0])
    prepared = pixels[:1].astype("float32") / 127.5 - 1
    assert np.abs(analysis.probabilities - model.predict(prepared, verbose=0)[0]).max() < 1e-5
    assert analysis.heatmap("MEL") is None


@pytest.mark.parametrize("classes", [8, 5])
def test_batches_equal_singles(tmp_path, classes):
    """Heatmaps too, on their own scale: a batch as long as there are classes once mixed them."""
    keras.utils.set_random_seed(1)
    model = build("MobileNetV2", SIDE, weights=None, classes=classes)
    # Weights far from zero, so that a heatmap of another photo would be seen.
    model.set_weights([w * 3 if w.ndim > 1 else w for w in model.get_weights()])
    (tmp_path / "own.tflite").write_bytes(compile_flat(model, "float32"))
    engine = Engine(tmp_path / "own.tflite")
    many = np.random.default_rng(1).integers(0, 256, (BATCH + 2, SIDE, SIDE, 3), dtype=np.uint8)
    many[::2] //= 3
    together = engine.run(many)
    alone = [engine.run(photo[None]) for photo in many]
    for field in ("logits", "pooled", "heatmaps"):
        expected = np.concatenate([getattr(one, field) for one in alone])
        assert np.ptp(expected, axis=0).max() > 0
        assert np.abs(getattr(together, field) - expected).max() < 1e-4 * np.abs(expected).max()


def test_lambda_layers_are_refused(tmp_path):
    entry = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Lambda(lambda x: x * 2)(entry)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(entry, keras.layers.Dense(8)(x)).save(tmp_path / "code.keras")
    with pytest.raises(BadModel) as caught:
        load_flat(tmp_path / "code.keras")
    assert caught.value.code == "unsafe_keras"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"<html>quota</html>"])
def test_no_keras_file(tmp_path, content):
    (tmp_path / "no.keras").write_bytes(content)
    with pytest.raises(BadModel) as caught:
        load_flat(tmp_path / "no.keras")
    assert caught.value.code == "not_keras"


def test_another_head_without_a_softmax_is_refused(cache, tmp_path):
    entry = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, strides=8)(entry))
    keras.Model(entry, keras.layers.Dense(8)(x)).save(tmp_path / "linear.keras")
    with pytest.raises(BadModel, match=r"linear\.keras.*expected it to end in a softmax"):
        Classifier.load(tmp_path / "linear.keras", labels=CODES, scaling="tf")


def test_a_failed_interpreter_does_not_block_the_next_call(tmp_path, monkeypatch):
    (tmp_path / "own.tflite").write_bytes(
        compile_flat(build("MobileNetV2", SIDE, weights=None), "float32")
    )
    engine = Engine(tmp_path / "own.tflite")
    eight = np.zeros((BATCH, SIDE, SIDE, 3), np.uint8)
    real = Interpreters._make

    def fails(*_):
        raise BadModel("not_tflite", file="own.tflite", problem="no memory")

    monkeypatch.setattr(Interpreters, "_make", fails)
    with pytest.raises(BadModel):
        engine.run(eight)
    monkeypatch.setattr(Interpreters, "_make", real)
    assert engine.run(eight).probabilities.shape == (BATCH, 8)
