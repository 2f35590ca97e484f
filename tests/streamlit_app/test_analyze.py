"""The Analyze page, driven without a browser."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import registry
from model_zoo.card import SEGMENTATION
from model_zoo.classifier import Classifier
from model_zoo.labels import BY_CODE, LABELS
from streamlit_app.components.photo_source import SAMPLES, samples
from streamlit_app.uploads import SPOOL_BYTES

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
SAMPLE = next(iter(sorted(SAMPLES.glob("*.jpg"))))


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_cache")]


@pytest.fixture
def app():
    test = AppTest.from_file(str(APP), default_timeout=30)
    test.session_state["notice_agreed"] = True
    return test.run()


def words(test) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.header, *test.info]
    return "\n".join(str(part.value) for part in parts)


def answers(test) -> list:
    """The charts of probabilities that the page shows."""
    return [chart for chart in test.get("plotly_chart") if chart.key == "analyze_chart"]


def test_opens_with_a_finished_example(app):
    assert not app.exception
    assert "Research and teaching only" in words(app)
    assert "Example, not a photo" in words(app)
    assert len(answers(app)) == 1
    assert len(app.get("image")) == 1


def test_all_eight_full_names_are_told(app):
    chart = json.loads(answers(app)[0].proto.spec)
    told = json.dumps(chart, ensure_ascii=False)
    assert all(label.name in told for label in LABELS)
    assert chart["layout"]["xaxis"]["range"] == [0, 1]


def test_first_visit_must_agree():
    test = AppTest.from_file(str(APP), default_timeout=30).run()
    assert "Never a diagnosis" in words(test)
    agree = next(button for button in test.button if button.label == "I understand")
    agree.click().run()
    assert test.session_state["notice_agreed"]
    assert not test.exception


def test_an_upload_gives_what_python_gives(app):
    app.file_uploader[0].set_value((SAMPLE.name, SAMPLE.read_bytes(), "image/jpeg")).run()
    assert not app.exception
    expected = Classifier.load().analyse(SAMPLE.read_bytes())
    tables = (part.proto.body for part in app.get("html"))
    table = next(body for body in tables if ">Class</th>" in body)
    for code, probability in expected.ranked():
        assert f">{BY_CODE[code].name} ({code})</th>" in table
        assert f">{probability:.4f}<" in table
    assert "Example, not a photo" not in words(app)


def test_a_bad_upload_has_its_sentence_and_the_page_goes_on(app):
    text_file = ("lesion.jpg", b"a text, no photo " * 20, "image/jpeg")
    app.file_uploader[0].set_value(text_file).run()
    assert not app.exception
    assert "holds text, not a photo" in words(app)
    assert not answers(app)  # no example's answer under the name of a photo
    app.file_uploader[0].set_value((SAMPLE.name, SAMPLE.read_bytes(), "image/jpeg")).run()
    assert "holds text" not in words(app)
    assert len(answers(app)) == 1
    app.file_uploader[0].set_value(text_file).run()
    assert "holds text, not a photo" in words(app)
    assert len(answers(app)) == 1  # what the user looked at before is not lost
    assert f"The analysis below is still that of {SAMPLE.name}" in words(app)


def test_a_hostile_name_is_shown_as_plain_text(app):
    name = "**bold**[x](http://x.example)\u202egpj.jpg"
    app.file_uploader[0].set_value((name, b"", "image/jpeg")).run()
    assert not app.exception
    told = "\n".join(str(error.value) for error in app.error)
    assert "http" in told
    assert "[x]" not in told
    assert "\u202e" not in told


@pytest.mark.parametrize("name", list(samples()))
def test_every_drawn_sample_can_be_chosen(app, name):
    app.segmented_control[0].set_value("samples").run()
    app.selectbox(key="analyze_sample").set_value(name).run()
    assert not app.exception
    assert len(answers(app)) == 1


@pytest.mark.parametrize("view", ["blend", "beside", "square", "plain"])
def test_every_view_draws(app, view):
    app.segmented_control(key="analyze_view").set_value(view).run()
    assert not app.exception
    assert len(app.get("image")) == (2 if view == "beside" else 1)


def test_class_and_opacity_redraw_without_a_new_inference(app, monkeypatch):
    def forbidden(*_):
        raise AssertionError("the model was run again")

    monkeypatch.setattr(Classifier, "analyse", forbidden)
    app.slider(key="analyze_opacity").set_value(20).run()
    label = next(box for box in app.selectbox if box.key.startswith("analyze_label"))
    label.set_value("VASC").run()
    assert not app.exception
    assert "Grad-CAM of Vascular lesion" in words(app)


def test_own_model_without_a_card_says_what_it_lacks(tmp_path, monkeypatch):
    (tmp_path / "best_final_model.keras").write_bytes(b"PK")
    monkeypatch.setenv("LESIONLENS_MODEL", str(tmp_path / "best_final_model.keras"))
    test = AppTest.from_file(str(APP), default_timeout=30)
    test.session_state["notice_agreed"] = True
    test.run()
    assert not test.exception
    told = "\n".join(str(part.value) for part in test.warning)
    assert "needs a card beside it, best_final_model.toml" in told
    assert len(test.get("plotly_chart")) == 0  # no other model is put in its place


def test_uploads_are_held_in_memory(app):
    from starlette.formparsers import MultiPartParser

    assert MultiPartParser.spool_max_size == SPOOL_BYTES > 200 * 2**20


def test_about_page_tells_limits_before_results(app):
    app.switch_page("app_pages/about.py").run()
    assert not app.exception
    told = [str(part.value) for part in app.header]
    assert told.index("Known limits") < told.index("What the model reached on lesions it never saw")


def test_about_page_says_that_phones_without_a_dermatoscope_are_untested(app):
    app.switch_page("app_pages/about.py").run()
    assert "Close-ups by a phone without a dermatoscope were not tested" in words(app)


def test_about_page_reads_the_card_of_the_outliner_aloud(app):
    app.switch_page("app_pages/about.py").run()
    card = registry.default_card(SEGMENTATION)
    told = words(app)
    assert all(limit in told for limit in card.limits)
    assert card.licence in told
    skin = card.metrics["native"]["bare_skin"]
    assert f"Of {skin['n']} pieces of bare skin" in told
    assert f"finds nothing in {skin['nothing_found']:.0%}" in told
    assert any(card.files["served"].sha256 in part.value for part in app.code)
    tables = "".join(part.proto.body for part in app.get("html"))
    dice = card.metrics["native"]["dice"]
    assert f"{dice['value']:.3f} ({dice['low']:.3f} to {dice['high']:.3f})" in tables
    ruler = card.trust["quality_measured"]["ruler"]
    assert f"{ruler['flagged']:.1%}" in tables
    assert card.name in tables  # among what runs here


def test_own_keras_file_with_a_card_is_compiled_and_read(tmp_path, monkeypatch):
    import keras

    pixels = keras.Input((32, 32, 3))
    features = keras.layers.Conv2D(4, 3, strides=4)(pixels)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    model = keras.Model(pixels, keras.layers.Dense(8, activation="softmax")(pooled))
    model.save(tmp_path / "best_final_model.keras")
    codes = ", ".join(f'"{label.code}"' for label in LABELS)
    card = f'name = "mine.v1"\ntitle = "Mine"\nscaling = "tf"\nlabels = [{codes}]\n'
    (tmp_path / "best_final_model.toml").write_text(card)
    monkeypatch.setenv("LESIONLENS_MODEL", str(tmp_path / "best_final_model.keras"))
    test = AppTest.from_file(str(APP), default_timeout=120)
    test.session_state["notice_agreed"] = True
    test.run()
    assert not test.exception
    assert test.selectbox(key="analyze_model").value == "mine.v1"
    assert len(answers(test)) == 1
    assert len(test.get("image")) == 1
    assert "Mine · no held-out figures" in words(test)


def test_a_new_photo_begins_with_its_own_leading_class(app):
    def heatmap_of(test):
        return next(box for box in test.selectbox if box.key.startswith("analyze_label"))

    for name in ("network.jpg", "globules.jpg"):
        data = (SAMPLES / name).read_bytes()
        app.file_uploader[0].set_value((name, data, "image/jpeg")).run()
        assert heatmap_of(app).value == Classifier.load().analyse(data).label
        heatmap_of(app).set_value("VASC").run()


def test_each_class_is_told_with_what_the_model_reached(app):
    measured = registry.default_card().metrics["native"]["per_class"]["MEL"]
    recall, precision = measured["recall"], measured["precision"]
    figures = [f"{entry['value']:.2f}" for entry in (recall, precision)]
    (chart,) = answers(app)
    analysis = app.session_state["analyze_viewed"][1].analysis
    words = f"Melanoma {analysis.probability('MEL'):.3f}"
    assert f"{words} (sensitivity {figures[0]}, precision {figures[1]})" in chart.proto.alt
    fold = next(box for box in app.expander if box.label == "The same numbers as a table")
    (table,) = fold.get("html")
    (row,) = [line for line in table.proto.body.split("<tr>") if ">Melanoma (MEL)" in line]
    for entry in (recall, precision):
        interval = f"{entry['low']:.2f} to {entry['high']:.2f}"
        assert f">{entry['value']:.2f} ({interval})<" in row
    assert f">{measured['support']}<" in row
    assert "it depends on how common the class was" in "".join(c.value for c in fold.caption)


def test_a_class_that_was_not_measured_has_dashes():
    def draw():
        from streamlit_app.components.probabilities import bars_with_table

        entry = {"support": 3, "recall": {"value": 0.5}, "precision": {}}
        bars_with_table([("MEL", 0.7), ("NV", 0.3)], key="bars", measured={"MEL": entry})

    test = AppTest.from_function(draw, default_timeout=60).run()
    assert not test.exception
    told = "Melanoma 0.700 (sensitivity 0.50, precision –), Melanocytic nevus 0.300"
    assert test.get("plotly_chart")[0].proto.alt == told
    rows = test.get("html")[0].proto.body.split("<tr>")
    assert [row.count(">–<") for row in rows if 'scope="row"' in row] == [1, 3]
