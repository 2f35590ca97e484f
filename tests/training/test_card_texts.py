"""What cards say of models trained here: only what is true of the run, or was measured."""

import dataclasses

import pytest
import tomlkit

from model_zoo import registry
from model_zoo.card import read_card
from model_zoo.labels import CODES
from model_zoo.seal import sealed
from training import export
from training.recipe import Phase, Recipe

RARE = ("AK", "DF", "SCC", "VASC")
MELANOMAS = "Melanomas: it calls many of them something else"


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({}, False),
        ({"class_weight_power": 1.0}, False),
        ({"sampling_power": 0.4}, True),
        ({"oversample": RARE}, True),
        ({"oversample": ("DF",)}, False),  # the sentence names all four
    ],
    ids=str,
)
@pytest.mark.parametrize("development", [True, False])
def test_limits_are_those_of_the_run(settings, more, development):
    recipe = Recipe("any", "MobileNetV2", (Phase(32, 1),), **settings)
    texts = export.card_texts(recipe, development)
    told = "\n".join(texts["limits"])
    assert told.count("Rare classes: AK, DF, SCC and VASC were learnt from few lesions") == 1
    assert ("shown in training more often than they occur" in told) == more
    assert ("available at 84 to 512 pixels" in told) == development
    assert "Melanomas" not in told
    assert {"intended_use", "licence", "limits", "citations"} == set(texts)


@pytest.fixture
def card(tmp_path):
    """The default model's card, a copy, without the limit on melanomas."""
    source = registry.default_card()
    document = tomlkit.parse(source.path.read_text(encoding="utf-8"))
    document["limits"] = [said for said in document["limits"] if MELANOMAS not in said]
    file = tmp_path / source.path.name
    file.write_text(sealed(tomlkit.dumps(document)), encoding="utf-8")
    return read_card(file, tmp_path)


def measured(card, missed, called):
    """Its native result, were so many of 100 melanomas called that."""
    counts = [[0] * len(CODES) for _ in CODES]
    melanomas = counts[CODES.index("MEL")]
    melanomas[CODES.index("MEL")], melanomas[CODES.index(called)] = 100 - missed, missed
    return {**card.metrics["native"], "confusion_matrix": counts}


def test_missed_melanomas_are_told_where_they_were_measured(card):
    def told(result):
        export.write_measures(card, result)
        again = read_card(card.path, card.path.parent)
        return sum(MELANOMAS in limit for limit in again.limits)

    assert told(measured(card, 20, "NV")) == 0
    assert told({**measured(card, 30, "NV"), "tta": True}) == 0
    assert told(measured(card, 30, "BKL")) == 0
    assert told(measured(card, 30, "NV")) == 1
    assert told(measured(card, 40, "NV")) == 1
    assert told(measured(card, 20, "NV")) == 0


def test_the_bundled_cards_say_what_was_measured(card):
    measured = [one for one in registry.classifiers().values() if "native" in one.metrics]
    assert len(measured) > 1
    for bundled in measured:
        assert MELANOMAS in "\n".join(bundled.limits)
        copy = dataclasses.replace(bundled, path=card.path)
        card.path.write_text(bundled.path.read_text(encoding="utf-8"), encoding="utf-8")
        export.write_measures(copy, bundled.metrics["native"])
        assert read_card(card.path, card.path.parent).limits == bundled.limits
