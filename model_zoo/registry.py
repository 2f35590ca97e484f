"""The models there are: bundled cards, installed ones, and the one of LESIONLENS_MODEL."""

import contextlib
import os
from pathlib import Path

from model_zoo.card import CLASSIFICATION, Card, read_card
from model_zoo.errors import BadModel
from model_zoo.store import cache_folder

HERE = Path(__file__).parent
BUNDLED_CARDS, BUNDLED_WEIGHTS = HERE / "cards", HERE / "weights"
OWN_MODEL = "LESIONLENS_MODEL"


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
        if (BUNDLED_CARDS / f"{card.name}.toml").exists():
            problem = f"the name {card.name} belongs to a bundled model"
            raise BadModel("bad_card", file=card.path.name, problem=problem)
        return card
    marked = [card for card in _of_task(task).values() if card.default]
    if not marked:
        raise BadModel("no_default")
    return marked[0]


def find(name_or_path: str) -> Card:
    """The card of a name, or the card beside a model file. Raises `BadModel`."""
    known = cards()
    if name_or_path in known:
        return known[name_or_path]
    path = Path(name_or_path)
    if path.suffix in (".keras", ".tflite"):
        return card_beside(path)
    raise BadModel("unknown_model", name=name_or_path, known=", ".join(known))


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


def files_folder(name: str, *, fetched: bool) -> Path:
    """Where the files of a bundled card lie: beside the cards, or in the cache when fetched."""
    return cache_folder("weights", name) if fetched else BUNDLED_WEIGHTS / name


def installed_folder() -> Path:
    """The folder of installed models: one folder each, a card named after it inside."""
    return cache_folder("models")


def _of_task(task: str) -> dict[str, Card]:
    return {name: card for name, card in cards().items() if card.task == task}


def _collect() -> tuple[dict[str, Card], list[BadModel]]:
    found: dict[str, Card] = {}
    faults: list[BadModel] = []
    for path in sorted(BUNDLED_CARDS.glob("*.toml")):
        card = read_card(path, BUNDLED_WEIGHTS / path.stem)
        if card.source is not None:
            with contextlib.suppress(OSError):
                card = read_card(path, files_folder(path.stem, fetched=True))
        found[card.name] = card
    own = [Path(os.environ[OWN_MODEL])] if os.environ.get(OWN_MODEL) else []
    try:
        installed = sorted(installed_folder().glob("*/*.toml"))
    except OSError:  # a read-only home holds no installed models either
        installed = []
    for path in [*installed, *own]:
        try:
            card = read_card(path, path.parent) if path.suffix == ".toml" else card_beside(path)
            if card.name in found and found[card.name].path.parent == BUNDLED_CARDS:
                problem = f"the name {card.name} belongs to a bundled model"
                raise BadModel("bad_card", file=path.name, problem=problem)
            found[card.name] = card
        except BadModel as fault:
            faults.append(fault)
    return found, faults
