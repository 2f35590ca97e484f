"""Thresholds at a prevalence: whole lesions that add up, and the page that shows them."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.trust import SINGLE, of_card, predictive_values
from streamlit_app.components.decide import OF, SETTINGS, SHARES, counts

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["models", "analyze"])
def app(request):
    test = AppTest.from_file(str(APP), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.switch_page(f"app_pages/{request.param}.py").run()
    return test, f"{request.param}_decide"


def words(test) -> str:
    return "\n".join(str(part.value) for part in (*test.markdown, *test.info, *test.caption))


@pytest.mark.parametrize("prevalence", SHARES)
@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.9, 0.75), (1, 0), (0, 1), (0.333, 1)])
def test_counts_add_up(prevalence, sensitivity, specificity):
    told = counts(sensitivity, specificity, prevalence)
    assert told.found + told.missed == round(OF * prevalence)
    assert told.found + told.missed + told.alarms + told.cleared == OF
    assert min(told.found, told.missed, told.alarms, told.cleared) >= 0


def test_predictive_values_are_those_of_bayes():
    # Of 1,000 lesions at 10 %: 90 found, 10 missed, 180 false alarms, 720 rightly below.
    assert predictive_values(0.9, 0.8, 0.1) == pytest.approx((90 / 270, 720 / 730))


def test_the_page_starts_at_primary_care_and_follows_setting_and_slider(app):
    test, key = app
    point = of_card(registry.default_card(), SINGLE).operating_points[0]

    def expected(prevalence):
        values = [
            predictive_values(point.sensitivity[end], point.specificity[end], prevalence)
            for end in range(3)
        ]
        positive, negative = zip(*values, strict=True)
        assert positive[1] < positive[0] < positive[2]
        return (
            "**{:.3f} ({:.3f} to {:.3f})**".format(*positive),
            "**{:.4f} ({:.4f} to {:.4f})**".format(*negative),
        )

    assert not test.exception
    assert all(number in words(test) for number in expected(SETTINGS["primary_care"]))
    test.segmented_control(key=f"{key}_setting").set_value("clinic").run()
    assert test.select_slider(key=f"{key}_prevalence").value == SETTINGS["clinic"]
    assert all(number in words(test) for number in expected(SETTINGS["clinic"]))
    test.select_slider(key=f"{key}_prevalence").set_value(0.05).run()
    assert not test.exception
    assert all(number in words(test) for number in expected(0.05))
    assert test.segmented_control(key=f"{key}_setting").value is None  # it is neither of the two


def test_another_group_and_target_are_another_threshold(app):
    test, key = app
    test.segmented_control(key=f"{key}_group").set_value("melanoma").run()
    test.segmented_control(key=f"{key}_target_melanoma").set_value(0.95).run()
    assert not test.exception
    point = of_card(registry.default_card(), SINGLE).operating_points[-1]
    assert (point.group, point.target) == ("melanoma", 0.95)
    assert f"**{point.sensitivity[0]:.2f} (" in words(test)
    if key == "analyze_decide":
        assert f"threshold of {point.threshold:.3f}" in words(test)
