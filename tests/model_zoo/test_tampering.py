"""Files that somebody changed are refused with a sentence, whatever was changed in them."""

import copy
import shutil
import tomllib

import pytest
import tomlkit
from PIL import Image

from model_zoo import registry
from model_zoo.classifier import Classifier
from model_zoo.errors import ZooError
from tests.model_zoo.pictures import encode

PHOTO = encode(Image.new("RGB", (300, 300), (200, 150, 130)), "PNG")
OTHERS = ("x", -7, float("nan"), [], {}, True)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A copy of the default model in a folder of its own: the served file, and its card's table."""
    card = registry.default_card()
    folder = tmp_path_factory.mktemp("own")
    for kind in ("served", "novelty", "training_ids"):
        shutil.copy(card.file(kind), folder)
    return folder / card.files["served"].file, tomllib.loads(card.path.read_text())


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
    paths = [path for path in leaves(table) if path[0] not in ("metrics", "training")]
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
