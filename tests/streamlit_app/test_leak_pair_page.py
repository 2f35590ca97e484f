"""The pair with and without the leak, on the Models page."""

import json

import pytest
import tomlkit

from model_zoo import leak_pair, registry
from streamlit_app.components import leak

from .models_page import open_page, shown, tables, words


@pytest.fixture
def app(own_cache):
    return open_page()


def test_the_unmeasured_pair_says_how_to_measure_it(app, monkeypatch, tmp_path):
    monkeypatch.setattr(leak.pairs, "read", lambda: leak_pair.read_file(tmp_path / "none.toml"))
    app.run()
    assert "No figure is shown until it has been" in words(app)
    assert "python -m training leak-pair" in words(app)


def test_a_measured_pair_stands_side_by_side(app, monkeypatch, tmp_path):
    measured = registry.default_card().metrics["native"]
    other = registry.default_card().metrics["at_84_px"]
    table = {
        "recipe": "some_recipe",
        "by_image": {"seen": 900, "measured": measured},
        "by_lesion": {"seen": 0, "measured": other},
    }
    (tmp_path / "pair.toml").write_text(tomlkit.dumps(table), encoding="utf-8")
    pair = leak_pair.read_file(tmp_path / "pair.toml")
    monkeypatch.setattr(leak.pairs, "read", lambda: pair)
    app.run()
    assert not app.exception
    told = words(app)
    assert "some_recipe" in told
    assert f"900 of {measured['n']} test photos" in told
    both = (measured["per_class"]["MEL"]["recall"], other["per_class"]["MEL"]["recall"])
    entries = (*both, leak_pair.difference(*both))
    assert "".join(f"<td><bdi>{shown(entry)}</bdi></td>" for entry in entries) in told
    (heading,) = [body for body in tables(app) if "split by image (leaks)" in body]
    assert '<th scope="col">Measure, or class with its sensitivity</th>' in heading
    chart = next(chart for chart in app.get("plotly_chart") if chart.key == "leak_pair")
    axis = json.loads(chart.proto.spec)["layout"]["xaxis"]["title"]["text"]
    assert axis == "Balanced accuracy, and<br>sensitivity by class"  # no wider than a phone
