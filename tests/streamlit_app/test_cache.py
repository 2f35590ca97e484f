"""Models that the app keeps loaded are those that lie on the disk."""

import shutil

import pytest

from model_zoo import registry
from model_zoo.store import sha256_of
from streamlit_app import cache

PADDED = b"\0" * 16  # behind a flatbuffer: another file, the same network


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A copy of the default model's flatbuffer as the user's own model, its card without hashes."""
    card = registry.default_card()
    file = tmp_path / "own.tflite"
    shutil.copy(card.file("served"), file)
    labels = ", ".join(f'"{code}"' for code in card.labels)
    text = f'name = "own.v1"\nlabels = [{labels}]\nscaling = "inside"\n'
    file.with_suffix(".toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv(registry.OWN_MODEL, str(file))
    return file


def test_a_file_that_was_written_anew_is_loaded(own):
    first = cache.classifier("own.v1")
    assert cache.classifier("own.v1") is first
    own.write_bytes(own.read_bytes() + PADDED)
    assert cache.classifier("own.v1").digest() == sha256_of(own) != first.digest()
