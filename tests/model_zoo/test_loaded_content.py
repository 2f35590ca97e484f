"""What a loaded model says of itself is about the bytes that run, whatever becomes of its file."""

import hashlib
import shutil

import numpy as np
import pytest

from model_zoo import registry
from model_zoo.classifier import Classifier
from model_zoo.errors import BadModel
from model_zoo.loading import fingerprint
from model_zoo.segmentation import Outliner
from model_zoo.store import read, sha256_of

PADDED = b"\0" * 16  # behind a flatbuffer: another file, the same network


@pytest.fixture
def own(tmp_path):
    """A copy of the default model's flatbuffer, with a card of its own that has no hashes."""
    card = registry.default_card()
    file = tmp_path / "own.tflite"
    shutil.copy(card.file("served"), file)
    labels = ", ".join(f'"{code}"' for code in card.labels)
    text = f'name = "own.v1"\nlabels = [{labels}]\nscaling = "inside"\n'
    file.with_suffix(".toml").write_text(text, encoding="utf-8")
    return file


def test_the_digest_is_that_of_the_bytes_that_run(own):
    loaded, known = Classifier.load(own), sha256_of(own)
    squares = np.zeros((8, loaded.side, loaded.side, 3), np.uint8)
    one = loaded.probabilities(squares[:1])
    own.write_bytes(b"another file by now")
    assert loaded.digest() == known
    # The batch of eight has an interpreter of its own, which is made now.
    assert loaded.probabilities(squares)[:1] == pytest.approx(one, abs=1e-6)


def test_beside_the_network_too_the_hash_is_of_what_was_loaded():
    card = registry.default_card()
    assert Classifier.load().novelty_sha256 == card.files["novelty"].sha256
    outliner = Outliner.load()
    assert outliner.interpreters.sha256 == outliner.card.files["served"].sha256


def test_what_is_read_is_hashed_and_a_file_that_is_gone_is_told(own):
    content = read(own)
    assert content.sha256 == hashlib.sha256(content.data).hexdigest() == sha256_of(own)
    own.unlink()
    with pytest.raises(BadModel, match="cannot be opened"):
        read(own)


def test_a_file_that_was_written_anew_has_another_fingerprint(own):
    before = fingerprint(registry.find(str(own)))
    assert fingerprint(registry.find(str(own))) == before
    own.write_bytes(own.read_bytes() + PADDED)
    assert fingerprint(registry.find(str(own))) != before
