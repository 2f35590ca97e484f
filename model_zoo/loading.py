"""From a card to the file that is served: found, verified, compiled where it has to be."""

import os
from importlib.util import find_spec
from pathlib import Path

from model_zoo.card import INSIDE, Card
from model_zoo.errors import BadModel
from model_zoo.store import cache_folder, learnt_hashes, sha256_of, verify

# To be raised with every change of `compile` or `grad_cam`, so that nothing older is served.
COMPILER = 3
# Set in an image that was built without TensorFlow, where nobody could install it either.
SERVES_ONLY = "LESIONLENS_SERVES_ONLY"


def served_file(card: Card) -> Path:
    """The flatbuffer that serves a card, verified; compiled first where there is a `.keras` alone.

    Raises `BadModel`.
    """
    served, keras_file = card.file("served"), card.file("keras")
    if served is not None and served.is_file():
        verify_file(card, "served")
        return served
    if not card.files:  # a card beside a file of its own stem
        served, keras_file = (card.path.with_suffix(end) for end in (".tflite", ".keras"))
        if served.is_file():
            return served
    if keras_file is None or not keras_file.is_file():
        code = "missing_weights" if card.source is not None else "missing_model_file"
        raise BadModel(code, file=(keras_file or served).name, name=card.name)
    if "keras" in card.files:
        verify_file(card, "keras")
    return compiled(keras_file, card)


def verified_file(card: Card, kind: str) -> Path | None:
    """The path of a file that a model needs beside its network, verified; None if it names none.

    Raises `BadModel` where it is named and not there, or has another content.
    """
    file = card.file(kind)
    if file is None:
        return None
    if not file.is_file():
        raise BadModel("missing_model_file", file=file.name, name=card.name)
    verify_file(card, kind)
    return file


def verify_file(card: Card, kind: str) -> bool:
    """Whether a hash is known for a file of a model, and it is right.

    The hash of its card, or the one learnt at its first download. Raises `BadModel` for another
    content or size.
    """
    entry = card.files[kind]
    path = card.folder / entry.file
    expected = entry.sha256
    if not expected and card.source is not None:
        expected = learnt_hashes().get(card.source.url, "")
    if expected:
        verify(path, expected, entry.size_bytes or path.stat().st_size)
    return bool(expected)


def compiled(file: Path, card: Card) -> Path:
    """The flatbuffer of a `.keras` file, compiled on the first call and kept by content hash.

    One that is not, byte for byte, what was compiled here is compiled anew. Raises `BadModel`.
    """
    if not file.is_file():
        raise BadModel("missing_file", path=file)
    scaling = None if card.scaling == INSIDE else card.scaling
    key = f"{sha256_of(file)}-{card.precision}-{card.scaling}-{COMPILER}"
    target = cache_folder("compiled") / f"{key}.tflite"
    record = target.with_suffix(".sha256")
    if not _is_as_recorded(target, record):
        check_compiler(file.name)
        from model_zoo.compile import compile_file

        try:
            compile_file(file, target, precision=card.precision, scaling=scaling)
            record.write_text(sha256_of(target), encoding="ascii")
        except OSError as fault:
            problem = fault.strerror or str(fault)
            raise BadModel("compiled_not_kept", folder=target.parent, problem=problem) from fault
    return target


def _is_as_recorded(file: Path, record: Path) -> bool:
    try:
        return record.read_text(encoding="ascii") == sha256_of(file)
    except (OSError, UnicodeDecodeError):
        return False


def check_compiler(file: str) -> None:
    """Nothing, where a `.keras` file of this name can be compiled; else raises `BadModel`."""
    if find_spec("tensorflow") is None:
        code = "image_cannot_compile" if os.environ.get(SERVES_ONLY) else "no_tensorflow"
        raise BadModel(code, file=file)
