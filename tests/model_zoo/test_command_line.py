"""Commands that change files: fetch, compile, verify, list."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import pytest

from model_zoo import registry
from model_zoo.__main__ import main
from model_zoo.classifier import Classifier
from model_zoo.labels import CODES
from model_zoo.store import sha256_of

CARD = """name = "{name}"
labels = [{labels}]
scaling = "tf"
title = "Mine"
[files.keras]
file = "model.keras"
[source]
url = "{url}"
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory):
    pixels = keras.Input((32, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, strides=4)(pixels))
    model = keras.Model(pixels, keras.layers.Dense(8, activation="softmax")(pooled))
    file = tmp_path_factory.mktemp("served") / "model.keras"
    model.save(file)
    return file


@pytest.fixture
def address(keras_file):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=keras_file.parent)
    )
    thread = threading.Thread(target=functools.partial(http.serve_forever, poll_interval=0.01))
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()


def install(name, url):
    folder = registry.installed_folder() / name
    folder.mkdir(parents=True)
    labels = ", ".join(f'"{code}"' for code in CODES)
    (folder / f"{name}.toml").write_text(CARD.format(name=name, labels=labels, url=url))
    return folder


def test_a_model_is_listed_fetched_verified_and_run(address, keras_file, capsys):
    folder = install("far.v1", f"{address}/model.keras")
    assert main(["list"]) == 0
    assert "far.v1" in capsys.readouterr().out
    assert main(["fetch", "far.v1"]) == 0
    assert sha256_of(keras_file) in capsys.readouterr().out
    assert sha256_of(folder / "model.keras") == sha256_of(keras_file)
    assert main(["verify"]) == 0
    assert "verified   far.v1 model.keras" in capsys.readouterr().out
    assert Classifier.load("far.v1").engine.side == 32
    (folder / "model.keras").write_bytes(b"PK another file")
    assert main(["verify"]) == 1
    assert "FAULTY     far.v1" in capsys.readouterr().out


def test_a_fetch_that_fails_is_a_sentence_and_leaves_nothing(address, capsys):
    folder = install("far.v2", f"{address}/nothing.keras")
    assert main(["fetch", "far.v2"]) == 1
    assert "404" in capsys.readouterr().err
    assert [file.name for file in folder.iterdir()] == ["far.v2.toml"]


def test_a_bundled_model_needs_no_fetch(capsys):
    assert main(["fetch", registry.default_card().name]) == 1
    assert "its files come with the project" in capsys.readouterr().err


def test_compile_writes_a_flatbuffer_that_runs(keras_file, tmp_path, capsys):
    target = tmp_path / "out.tflite"
    options = ["--scaling", "tf", "--out", str(target)]
    assert main(["compile", str(keras_file), *options]) == 0
    assert "float32" in capsys.readouterr().out
    card = f'name = "out.v1"\nscaling = "tf"\nlabels = {list(CODES)}\n'.replace("'", '"')
    target.with_suffix(".toml").write_text(card)
    assert Classifier.load(target).engine.classes == 8
    assert main(["compile", str(tmp_path / "none.keras")]) == 1
    assert "There is no file" in capsys.readouterr().err
    text = tmp_path / "text.keras"
    text.write_text("no model")
    assert main(["compile", str(text)]) == 1
    assert "is not a Keras model" in capsys.readouterr().err


def test_without_tensorflow_compiling_is_refused_with_a_sentence(keras_file, capsys, monkeypatch):
    monkeypatch.setattr("model_zoo.loading.find_spec", lambda _: None)
    monkeypatch.setenv("LESIONLENS_SERVES_ONLY", "1")
    assert main(["compile", str(keras_file)]) == 1
    assert "--target full" in capsys.readouterr().err
