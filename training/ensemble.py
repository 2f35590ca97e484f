"""The card of an ensemble: a model that has no networks of its own, but those of its members."""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import tomlkit

from model_zoo import registry
from model_zoo.card import Card
from model_zoo.errors import BadModel
from model_zoo.labels import CODES
from model_zoo.seal import sealed


def write(file: Path, members: Sequence[str], title: str) -> None:
    """Nothing; writes a card, named as its file, whose answer is the mean of its members'.

    members: names as `registry.find` takes them. Limits and citations are those of all members,
    each once. Raises `BadModel` where two of them differ in what they are for or under which
    licence they may be used, where fewer than two different ones are named, and where the card is
    there already.
    """
    if file.exists() or file.stem in registry.cards():
        raise BadModel("bad_card", file=file.name, problem="there is one; choose another name")
    cards = {card.name: card for card in map(registry.find, members)}
    _check(file.name, list(cards.values()))
    first = next(iter(cards.values()))
    about = {
        "name": file.stem,
        "title": title,
        "labels": list(CODES),
        "scaling": first.scaling,
        "members": list(cards),
        "intended_use": first.intended_use,
        "licence": first.licence,
        "limits": _of_all(card.limits for card in cards.values()),
        "citations": _of_all(card.citations for card in cards.values()),
        "changelog": [f"{file.stem}: first release"],
    }
    document = tomlkit.document()
    for key, value in about.items():
        several = isinstance(value, list) and key not in ("labels", "members")
        document[key] = tomlkit.item(value).multiline(True) if several else value
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(sealed(tomlkit.dumps(document)), encoding="utf-8")


def _check(file: str, cards: list[Card]) -> None:
    if len(cards) < 2:
        raise BadModel("bad_card", file=file, problem="an ensemble has at least two members")
    for card in cards:
        if registry.cards().get(card.name) != card:
            problem = f"its member {card.name} is not installed, so nobody could find it"
            raise BadModel("bad_card", file=file, problem=problem)
        if card.members or set(card.labels) != set(CODES):
            problem = f"its member {card.name} has other classes, or is an ensemble itself"
            raise BadModel("bad_card", file=file, problem=problem)
    for key in ("intended_use", "licence", "side"):
        if len({getattr(card, key) for card in cards}) > 1:
            problem = f"its members differ in {key}; write the card by hand"
            raise BadModel("bad_card", file=file, problem=problem)


def _of_all(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(lists)))
