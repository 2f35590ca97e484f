"""What the pages say of an ensemble is of its members."""

import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.classifier import Classifier
from streamlit_app.components.photo_source import SAMPLES

from .models_page import APP, choose, copy_bundled, install_ensemble, open_page, words

pytestmark = pytest.mark.usefixtures("own_cache")
SEVERAL = (
    "where the feature maps of 2 networks argue for this class. Each is taken relative to its own"
)


@pytest.fixture
def members():
    """The names of two bundled networks, of which an ensemble is installed."""
    cards = [card for card in registry.classifiers().values() if "served" in card.files][:2]
    names = [card.name for card in cards]
    install_ensemble("both.v1", names)
    return names


def test_its_card_has_the_hash_of_each_member_and_the_one_of_a_report(members):
    test = choose(open_page(), "both.v1")
    assert not test.exception
    told = words(test)
    assert all(f"Served: `{name}`" in told for name in members)
    shown = [part.value for part in test.code if part.value.startswith("sha256")]
    digests = [Classifier.load(name).digest() for name in (*members, "both.v1")]
    assert shown == [f"sha256 {digest}" for digest in digests]
    assert "All of them joined, which is what a report prints" in told
    assert "The file beside its card." not in told


@pytest.mark.parametrize("lost", ["card", "network"])
def test_without_a_member_there_is_no_joined_hash(lost):
    bundled = registry.default_card()
    file = copy_bundled("mine.v1")
    install_ensemble("both.v1", (bundled.name, "mine.v1"))
    (file if lost == "network" else file.with_suffix(".toml")).unlink()
    test = choose(open_page(), "both.v1")
    assert not test.exception
    shown = [part.value for part in test.code if part.value.startswith("sha256")]
    assert shown == [f"sha256 {bundled.files['served'].sha256}"]
    told = words(test)
    assert "Its hash is known once its file is here and compiled." in told
    assert "All of them joined" not in told


def test_its_heatmap_is_told_as_the_mean_that_it_is(members):
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.run().selectbox(key="analyze_model").set_value("both.v1").run()
    test.file_uploader[0].set_value(
        ("own.jpg", (SAMPLES / "network.jpg").read_bytes(), "image/jpeg")
    ).run()
    assert not test.exception
    analysis = test.session_state["analyze_viewed"][1].analysis
    assert analysis.heatmap(analysis.label).max() > 0
    assert SEVERAL in words(test)
    choose(test, members[0])
    assert "where the feature map argues for this class, relative to its own peak" in words(test)
    assert SEVERAL not in words(test)
