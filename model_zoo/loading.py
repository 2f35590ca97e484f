"""From a card to the bytes that are served: found, verified, compiled where it has to be.

What is loaded is what was verified: every file is read once, and its hash is that of these bytes.
"""

import hashlib
import os
import threading
from importlib.util import find_spec
from pathlib import Path

from model_zoo import registry
from model_zoo.card import INSIDE, Card
from model_zoo.errors import BadModel
from model_zoo.store import (
    Content,
    cache_folder,
    learnt_hashes,
    read,
    remembered_sha256,
    sha256_of,
    verify,
)

# To be raised with every change of `compile` or `grad_cam`, so that nothing older is served.
COMPILER = 4
# Set in an image that was built without TensorFlow, where nobody could install it either.
SERVES_ONLY = "LESIONLENS_SERVES_ONLY"
_compiling = threading.Lock()  # one at a time: each takes a gigabyte and all cores


def served(card: Card) -> Content:
    """The flatbuffer that serves a card, verified; compiled first where there is a `.keras` alone.

    Raises `BadModel`.
    """
    flatbuffer, keras_file = _networks(card)
    if flatbuffer is not None and flatbuffer.is_file():
        return verified(card, "served") or read(flatbuffer)
    if keras_file is None or not keras_file.is_file():
        code = "missing_weights" if card.source is not None else "missing_model_file"
        raise BadModel(code, file=(keras_file or flatbuffer).name, name=card.name)
    if "keras" in card.files:
        verify_file(card, "keras")
    return compiled(keras_file, card)


def given(file: Path, card: Card) -> Content:
    """The flatbuffer of a model file that was named itself, `.tflite` or `.keras`.

    Verified where the card beside it has its hash. Raises `BadModel`.
    """
    kinds = [kind for kind in card.files if card.file(kind) == file]
    if file.suffix == ".tflite":
        return verified(card, kinds[0]) if kinds else read(file)
    for kind in kinds:
        verify_file(card, kind)
    return compiled(file, card)


def verified(card: Card, kind: str) -> Content | None:
    """The content of one of a model's files, verified where its hash is known; None if it has none.

    Raises `BadModel` where it is named and not there, or has another content.
    """
    file = card.file(kind)
    if file is None:
        return None
    if not file.is_file():
        raise BadModel("missing_model_file", file=file.name, name=card.name)
    content = read(file)
    if expected := _expected_sha256(card, kind):
        verify(content, expected, card.files[kind].size_bytes or len(content.data))
    return content


def verify_file(card: Card, kind: str) -> bool:
    """Whether a hash is known for a file of a model, and it is right.

    The hash of its card, or the one learnt at its first download. Raises `BadModel` for another
    content or size.
    """
    path = card.file(kind)
    expected = _expected_sha256(card, kind)
    if expected:
        verify(path, expected, card.files[kind].size_bytes or path.stat().st_size)
    return bool(expected)


def fingerprint(card: Card) -> str:
    """The sha256 in hex of a card and the files that it is served from, as they lie there now.

    And those of the members of an ensemble. What is kept of a loaded model is kept under it. Files
    that have not changed since are not read again; one that is not there counts as such.
    """
    flatbuffer, keras_file = _networks(card)
    network = flatbuffer if flatbuffer is not None and flatbuffer.is_file() else keras_file
    parts = [
        remembered_sha256(file) if file is not None and file.is_file() else "none"
        for file in (card.path, network, card.file("novelty"))
    ]
    parts += [fingerprint(registry.find(name)) for name in card.members]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def served_sha256(card: Card) -> str:
    """The sha256 in hex of the flatbuffer that serves a card, as it lies there now.

    "" while that is not there, or is still to be compiled.
    """
    flatbuffer, keras_file = _networks(card)
    try:
        if flatbuffer is not None and flatbuffer.is_file():
            return remembered_sha256(flatbuffer)
        if keras_file is None or not keras_file.is_file():
            return ""
        record = _target(remembered_sha256(keras_file), card).with_suffix(".sha256")
        return record.read_text(encoding="ascii") if record.is_file() else ""
    except OSError:
        return ""


def compiled(file: Path, card: Card) -> Content:
    """The flatbuffer of a `.keras` file, compiled on the first call and kept by content hash.

    One that is not, byte for byte, what was compiled here is compiled anew. Raises `BadModel`,
    also where the file is written anew meanwhile.
    """
    if not file.is_file():
        raise BadModel("missing_file", path=file)
    digest = sha256_of(file)
    target = _target(digest, card)
    record = target.with_suffix(".sha256")
    if (kept := _as_recorded(target, record)) is not None:
        return kept
    check_compiler(file.name)
    with _compiling:  # whoever waited may find it there
        return _as_recorded(target, record) or _compile(file, digest, target, record, card)


def _target(digest: str, card: Card) -> Path:
    """Where the flatbuffer of a `.keras` file with this sha256 is kept."""
    key = f"{digest}-{card.precision}-{card.scaling}-{COMPILER}"
    return cache_folder("compiled") / f"{key}.tflite"


def _compile(file: Path, digest: str, target: Path, record: Path, card: Card) -> Content:
    from model_zoo.compile import compile_file

    scaling = None if card.scaling == INSIDE else card.scaling
    try:
        compile_file(file, target, precision=card.precision, scaling=scaling)
        if sha256_of(file) != digest:  # what was compiled is not what the key says
            target.unlink()
            raise BadModel("changed_meanwhile", file=file.name)
        content = read(target)
        record.write_text(content.sha256, encoding="ascii")
    except OSError as fault:
        problem = fault.strerror or str(fault)
        raise BadModel("compiled_not_kept", folder=target.parent, problem=problem) from fault
    return content


def _networks(card: Card) -> tuple[Path | None, Path | None]:
    """Where a card's flatbuffer and its `.keras` file are to lie."""
    if card.files:
        return card.file("served"), card.file("keras")
    return card.path.with_suffix(".tflite"), card.path.with_suffix(".keras")


def _expected_sha256(card: Card, kind: str) -> str:
    known = card.files[kind].sha256
    if not known and card.source is not None:
        return learnt_hashes().get(card.source.url, "")
    return known


def _as_recorded(file: Path, record: Path) -> Content | None:
    """What was compiled, None where it is not there or not what was recorded."""
    try:
        known = record.read_text(encoding="ascii")
        content = read(file)
    except (OSError, UnicodeDecodeError, BadModel):
        return None
    return content if content.sha256 == known else None


def check_compiler(file: str) -> None:
    """Nothing, where a `.keras` file of this name can be compiled; else raises `BadModel`."""
    if find_spec("tensorflow") is None:
        code = "image_cannot_compile" if os.environ.get(SERVES_ONLY) else "no_tensorflow"
        raise BadModel(code, file=file)
