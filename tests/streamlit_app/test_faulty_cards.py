"""A card with a fault takes nothing from the Models page but what it leaves unknown."""

import pytest

from model_zoo import registry

from .models_page import choose, copy_bundled, install_ensemble, open_page, tables, words

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_cache")]


def rest_of_page(test) -> bool:
    """Whether the page is drawn to its end."""
    return "What it is made of" in [part.value for part in test.subheader]


@pytest.mark.parametrize("measured", [False, True])
def test_an_ensemble_without_one_of_its_members_says_which(measured):
    bundled = registry.default_card()
    metrics = bundled.metrics if measured else {}
    install_ensemble("both.v1", (bundled.name, "gone.v1"), metrics=metrics)
    test = choose(open_page(), "both.v1")
    assert not test.exception
    told = [error.value for error in test.error]
    # In the place of the sets and of the thresholds, and of the figures where there are none.
    assert len(told) == (2 if measured else 3)
    assert all("There is no model named gone.v1." in said for said in told)
    assert rest_of_page(test)


@pytest.mark.parametrize(
    ("single", "said"),
    [
        ("none", "trust: single must be a table, got 'none'"),
        ({"operating_points": [{"group": "other"}]}, "trust: operating_points must be tables"),
        ({"covered": [0.9]}, "trust: covered must be three numbers from 0 to 1"),
    ],
)
def test_a_malformed_table_of_trust_is_told_where_it_is_needed(single, said):
    def malform(table):
        table["trust"] = {"single": single}

    copy_bundled("mine.v1", malform)
    test = choose(open_page(), "mine.v1")
    assert not test.exception
    told = [error.value for error in test.error]
    # In the place of the sets, of the thresholds, and of those on the ROC curve.
    assert len(told) == 3
    assert all(f"The card mine.v1.toml cannot be used: {said}" in each for each in told)
    assert [chart for chart in test.get("plotly_chart") if chart.key == "models_roc"]
    assert "The diamonds are the fitted thresholds" not in words(test)
    assert rest_of_page(test)


def test_sets_of_an_older_kind_are_not_shown_as_those_of_today():
    copy_bundled("mine.v1", lambda table: table["trust"]["single"].pop("set_thresholds"))
    test = choose(open_page(), "mine.v1")
    assert not test.exception
    assert not any("True class in the set" in drawn for drawn in tables(test))
    assert any("calibrate --model mine" in code.value for code in test.code)
    assert rest_of_page(test)


def test_figures_of_one_card_take_nothing_from_the_page_of_another():
    def malform(table):
        table["metrics"] = {"native": {"per_class": {}, "resolution": "native"}, "other": "none"}

    copy_bundled("mine.v1", malform)
    test = open_page()
    assert not test.exception
    assert any("Title of mine.v1" in drawn for drawn in tables(test))
    assert rest_of_page(test)


def test_figures_without_any_group_take_nothing_else_from_the_page():
    def bare(table):
        for measured in table["metrics"].values():
            for name in [name for name in measured if name.startswith("by_")]:
                del measured[name]

    copy_bundled("mine.v1", bare)
    test = choose(open_page(), "mine.v1")
    assert not test.exception
    assert rest_of_page(test)
