"""The card of an ensemble: whole, sealed, and what it must refuse."""

import numpy as np
import pytest

from model_zoo import registry
from model_zoo.classifier import Classifier
from training.__main__ import main

MEMBERS = [
    card.name for card in registry.classifiers().values() if card.files.get("served") is not None
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))


def test_a_command_makes_one_model_of_several():
    asked = [name.split(".")[0] for name in MEMBERS]
    assert main(["ensemble", *asked, "--install", "all.v1", "--title", "All of them"]) == 0
    card, members = registry.find("all.v1"), [registry.find(name) for name in MEMBERS]
    assert (card.title, list(card.members), card.sealed) == ("All of them", MEMBERS, True)
    assert not card.default
    for member in members:
        assert set(member.limits) <= set(card.limits)
    assert len(card.limits) == len(set(card.limits))
    pixels = np.random.default_rng(1).integers(0, 256, (1, 224, 224, 3), "uint8")
    answers = [np.exp(Classifier.load(name).logits(pixels)) for name in MEMBERS]
    together = np.exp(Classifier.load("all.v1").logits(pixels))
    assert together == pytest.approx(np.mean(answers, axis=0), abs=1e-5)


def test_an_ensemble_has_several_members_of_one_kind(capsys):
    assert main(["ensemble", MEMBERS[0], MEMBERS[0], "--install", "one.v1"]) == 1
    assert "at least two members" in capsys.readouterr().err
    outlines = next(name for name in registry.cards() if name not in registry.classifiers())
    assert main(["ensemble", MEMBERS[0], outlines, "--install", "mixed.v1"]) == 1
    assert f"its member {outlines} has other classes" in capsys.readouterr().err
    assert "one.v1" not in registry.cards()


def test_a_name_that_is_taken_is_left_alone(capsys):
    assert main(["ensemble", *MEMBERS, "--install", MEMBERS[0]]) == 1
    assert "choose another name" in capsys.readouterr().err


def test_members_under_different_licences_are_left_to_their_author(capsys):
    reference = "resnet50.isic2019_reference"
    assert main(["ensemble", MEMBERS[0], reference, "--install", "with.v1"]) == 1
    assert "differ in intended_use" in capsys.readouterr().err
