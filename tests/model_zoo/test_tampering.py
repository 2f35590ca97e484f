"""Files that somebody changed are refused with a sentence, whatever was changed in them."""

import copy
import shutil
import tomllib

import pytest
import tomlkit
from PIL import Image

from model_zoo import registry
from model_zoo.__main__ import main
from model_zoo.card import read_card
from model_zoo.classifier import Classifier
from model_zoo.errors import BadModel, ZooError
from tests.model_zoo.pictures import encode

pytestmark = pytest.mark.slow

PHOTO = encode(Image.new("RGB", (300, 300), (200, 150, 130)), "PNG")
OTHERS = ("x", -7, float("nan"), [], {}, True)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A copy of the default model in a folder of its own: the served file, and its card's table."""
    card = registry.default_card()
    folder = tmp_path_factory.mktemp("own")
    for kind in ("served", "novelty", "training_ids"):
        shutil.copy(card.file(kind), folder)
    table = tomllib.loads(card.path.read_text())
    # Here the values are judged by themselves, and not those that nothing but a page reads.
    for name in ("seal", "metrics", "training"):
        del table[name]
    return folder / card.files["served"].file, table


@pytest.mark.parametrize("name", sorted(path.stem for path in registry.BUNDLED_CARDS.iterdir()))
def test_no_line_of_a_sealed_card_changes_unnoticed(name, tmp_path):
    file = tmp_path / f"{name}.toml"
    lines = (registry.BUNDLED_CARDS / file.name).read_text().splitlines()
    assert lines[0].startswith("seal = ")
    file.write_text("\n".join(lines))
    assert read_card(file, tmp_path).sealed
    places = [place for place, line in enumerate(lines) if line.strip() and place]
    for place in places[:: max(1, len(places) // 60)]:
        for other in ([], [lines[place].replace("0", "1") + " # ?"]):
            file.write_text("\n".join([*lines[:place], *other, *lines[place + 1 :]]))
            with pytest.raises(BadModel):
                read_card(file, tmp_path)


def test_a_bundled_card_needs_its_seal_and_a_hand_can_set_it_anew(tmp_path, monkeypatch, capsys):
    bundled = registry.BUNDLED_CARDS / f"{registry.default_card().name}.toml"
    file = tmp_path / bundled.name
    file.write_text("\n".join(bundled.read_text().splitlines()[1:]).replace("Teaching", "Training"))
    monkeypatch.setattr(registry, "BUNDLED_CARDS", tmp_path)
    with pytest.raises(BadModel, match="has no seal"):
        registry.cards()
    assert main(["seal", str(file)]) == 0
    assert bundled.stem in capsys.readouterr().out
    assert registry.default_card().intended_use.startswith("Training")
    file.write_text(file.read_text().replace("Training", "Teaching"))
    with pytest.raises(BadModel, match="does not match its seal"):
        registry.cards()


def leaves(table, path=()):
    """The path of every value of a nested table."""
    for key, value in table.items() if isinstance(table, dict) else enumerate(table):
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, key))


def changed(table, path, value):
    table = copy.deepcopy(table)
    inner = table
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return table


def test_a_card_is_refused_or_harmless_whatever_value_is_changed(own):
    served, table = own
    paths = list(leaves(table))
    assert len(paths) > 50
    refused = 0
    for number, path in enumerate(paths):
        for value in (OTHERS[number % len(OTHERS)], OTHERS[(number + 1) % len(OTHERS)]):
            served.with_suffix(".toml").write_text(tomlkit.dumps(changed(table, path, value)))
            try:
                Classifier.load(served).analyse(PHOTO)
            except ZooError:
                refused += 1
            except Exception as fault:
                raise AssertionError(f"{path} = {value!r} raised {fault!r}") from fault
    assert refused > len(paths) / 2
