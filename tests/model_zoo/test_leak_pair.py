"""The file of the measured pair: read as it is, absent without a word, damaged with a sentence."""

import copy

import pytest
import tomlkit

from model_zoo import leak_pair
from model_zoo.errors import BadModel
from model_zoo.labels import CODES


def entry(value=0.5):
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


def half(seen):
    of_class = {"support": 5, "recall": entry(), "precision": entry()}
    measured = {name: entry() for name in leak_pair.MEASURES} | {"n": 40}
    measured["per_class"] = {code: copy.deepcopy(of_class) for code in CODES}
    return {"seen": seen, "measured": measured}


@pytest.fixture
def table():
    return {"recipe": "mobilenetv2_light", "by_image": half(20), "by_lesion": half(0)}


@pytest.fixture
def write(tmp_path):
    def to_file(table):
        file = tmp_path / "leak_pair.toml"
        file.write_text(tomlkit.dumps(table), encoding="utf-8")
        return file

    return to_file


def test_absent_it_is_none(tmp_path):
    assert leak_pair.read_file(tmp_path / "leak_pair.toml") is None


def test_it_is_read_as_it_was_written(table, write):
    pair = leak_pair.read_file(write(table))
    assert (pair.recipe, pair.by_image.seen, pair.by_lesion.seen) == ("mobilenetv2_light", 20, 0)
    assert pair.by_image.measured["per_class"]["MEL"]["recall"]["value"] == 0.5


def test_a_class_that_was_never_called_has_no_precision(table, write):
    table["by_lesion"]["measured"]["per_class"]["DF"]["precision"] = {}
    assert (
        leak_pair.read_file(write(table)).by_lesion.measured["per_class"]["DF"]["precision"] == {}
    )


def no_recipe(table):
    del table["recipe"]


def no_class(table):
    del table["by_image"]["measured"]["per_class"]["SCC"]


def more_seen_than_tested(table):
    table["by_image"]["seen"] = 41


def outside_its_interval(table):
    table["by_lesion"]["measured"]["accuracy"]["low"] = 0.9


@pytest.mark.parametrize(
    "damage", [no_recipe, no_class, more_seen_than_tested, outside_its_interval]
)
def test_damaged_it_gets_a_sentence(table, write, damage):
    damage(table)
    with pytest.raises(BadModel, match="Write it again: python -m training leak-pair"):
        leak_pair.read_file(write(table))


def test_no_toml_gets_a_sentence(tmp_path):
    (tmp_path / "leak_pair.toml").write_bytes(b"\xff\xfe not a table")
    with pytest.raises(BadModel, match=r"leak_pair\.toml cannot be used"):
        leak_pair.read_file(tmp_path / "leak_pair.toml")


def test_the_bundled_one_can_be_read_where_there_is_one():
    pair = leak_pair.read()
    assert pair is None or pair.by_lesion.seen < pair.by_image.seen


def test_a_difference_has_the_interval_of_both():
    one, other = ({"value": v, "low": v - 0.03, "high": v + 0.04} for v in (0.7, 0.6))
    found = leak_pair.difference(one, other)
    assert found["value"] == pytest.approx(0.1)
    assert (found["low"], found["high"]) == (pytest.approx(0.05), pytest.approx(0.15))
    assert leak_pair.difference(one, {"value": None}) == {}
