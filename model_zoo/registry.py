"""The models there are: bundled cards, installed ones, and one's own.

One's own are that of LESIONLENS_MODEL and those that were opened by path since the start.
"""

import contextlib
import os
from dataclasses import replace
from pathlib import Path

from model_zoo.card import CLASSIFICATION, Card, read_card
from model_zoo.errors import BadModel
from model_zoo.store import cache_folder

HERE = Path(__file__).parent
BUNDLED_CARDS, BUNDLED_WEIGHTS = HERE / "cards", HERE / "weights"
OWN_MODEL = "LESIONLENS_MODEL"
MODEL_SUFFIXES = (".keras", ".tflite")

_opened: dict[Path, None] = {}  # in order, each once


def cards() -> dict[str, Card]:
    """All usable cards by name: bundled, then installed, then the model of LESIONLENS_MODEL.

    An installed model whose card is faulty is left out here; `problems` says why.
    """
    return _collect()[0]


def classifiers() -> dict[str, Card]:
    """The usable cards of classifiers by name, as `cards`."""
    return _of_task(CLASSIFICATION)


def problems() -> list[BadModel]:
    """Why models that were meant to be listed are not, one error each."""
    return _collect()[1]


def default_card(task: str = CLASSIFICATION) -> Card:
    """The card of LESIONLENS_MODEL, if set for that task, else the one marked `default`.

    Raises `BadModel` when LESIONLENS_MODEL cannot be used: another model is never put in its place.
    """
    own = os.environ.get(OWN_MODEL)
    if own and (card := card_beside(Path(own))).task == task:
        _require_own_name(card)
        return card
    marked = [card for card in _of_task(task).values() if card.default]
    if not marked:
        raise BadModel("no_default")
    return marked[0]


def find(name_or_path: str) -> Card:
    """The card of a name, or the card beside a model file. Raises `BadModel`.

    The part of a name before its first dot is enough where no other card's name begins so.
    """
    known = cards()
    if name_or_path in known:
        return known[name_or_path]
    begun = [card for name, card in known.items() if name.split(".")[0] == name_or_path]
    if len(begun) > 1:
        names = ", ".join(card.name for card in begun)
        raise BadModel("ambiguous_model", name=name_or_path, known=names)
    if begun:
        return begun[0]
    path = Path(name_or_path)
    if path.suffix in MODEL_SUFFIXES:
        return card_beside(path)
    raise BadModel("unknown_model", name=name_or_path, known=", ".join(known))


def open_own(path: str) -> Card:
    """The card of a model file on this machine, which is among `cards` until the process ends.

    Raises `BadModel`; then nothing is added.
    """
    model = Path(path.strip().strip("\"'")).expanduser()
    if model.suffix not in MODEL_SUFFIXES:
        raise BadModel("own_model_kind", file=model.name or "That")
    try:
        card = card_beside(model.resolve())
    except OSError as fault:
        raise BadModel("unreadable_file", path=model, problem=fault.strerror) from fault
    _require_own_name(card)
    _opened[model.resolve()] = None
    return card


def close_own(card: Card) -> None:
    """Nothing; takes a model that was opened by path out of `cards` again."""
    for path in tuple(_opened):
        if path.with_suffix(".toml") == card.path:
            _opened.pop(path, None)


def card_beside(model: Path) -> Card:
    """The card with the stem of a model file, in the same folder. Raises `BadModel`."""
    if not model.is_file():
        raise BadModel("missing_file", path=model)
    path = model.with_suffix(".toml")
    if not path.is_file():
        lacks = (
            'name = "…", labels = ["AK", …] in output order, '
            'scaling = "inside", "caffe", "tf" or "none"'
        )
        raise BadModel("card_lacks", file=model.name, card=path.name, lacks=lacks)
    return read_card(path, model.parent)


def installed_folder() -> Path:
    """The folder of installed models: one folder each, a card named after it inside."""
    return cache_folder("models")


def asked_as(card: Card) -> str:
    """What a command calls a model by: its name, or the file of one that only this process knows.

    The file's name alone, since visitors read it.
    """
    return next((file.name for file in _own() if file.with_suffix(".toml") == card.path), card.name)


def served_bytes(card: Card) -> int:
    """The size of what runs, of an ensemble that of its members together; 0 if it is not known.

    Raises `BadModel` where a member is not installed.
    """
    if not card.members:
        return card.files["served"].size_bytes if "served" in card.files else 0
    sizes = [served_bytes(find(name)) for name in card.members]
    return sum(sizes) if all(sizes) else 0


def _own() -> list[Path]:
    own = [Path(os.environ[OWN_MODEL])] if os.environ.get(OWN_MODEL) else []
    return own + [path for path in tuple(_opened) if path not in own]


def _require_own_name(card: Card) -> None:
    if (BUNDLED_CARDS / f"{card.name}.toml").exists():
        problem = f"the name {card.name} belongs to a bundled model"
        raise BadModel("bad_card", file=card.path.name, problem=problem)


def _of_task(task: str) -> dict[str, Card]:
    return {name: card for name, card in cards().items() if card.task == task}


def _collect() -> tuple[dict[str, Card], list[BadModel]]:
    found: dict[str, Card] = {}
    faults: list[BadModel] = []
    for path in sorted(BUNDLED_CARDS.glob("*.toml")):
        card = read_card(path, BUNDLED_WEIGHTS / path.stem)
        if not card.sealed:
            raise BadModel("card_unsealed", file=path.name)
        if card.source is not None:
            with contextlib.suppress(OSError):
                card = replace(card, fetched=cache_folder("weights", path.stem))
        found[card.name] = card
    own = _own()
    try:
        installed = sorted(installed_folder().glob("*/*.toml"))
    except OSError:  # a read-only home holds no installed models either
        installed = []
    for path in [*installed, *own]:
        try:
            card = read_card(path, path.parent) if path.suffix == ".toml" else card_beside(path)
            _require_own_name(card)
            found[card.name] = card
        except BadModel as fault:
            faults.append(fault)
    return found, faults
