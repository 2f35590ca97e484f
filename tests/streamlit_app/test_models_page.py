"""The Models page, driven without a browser."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import registry
from model_zoo.labels import BY_CODE, CODES
from streamlit_app.components import weights
from training.__main__ import _parser

from .models_page import charts, choose, copy_bundled, open_page, shown, tables, words

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
REFERENCE = "resnet50.isic2019_reference"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LESIONLENS_MODEL", raising=False)
    monkeypatch.setattr(registry, "_opened", {})


@pytest.fixture
def app():
    return open_page()


@pytest.fixture
def here(monkeypatch):
    """The page as somebody at the server's own machine sees it."""
    monkeypatch.setattr(weights, "_visitor_is_here", lambda: True)
    return open_page()


@pytest.fixture
def copied():
    """Writes a card of the bundled network under another name, changed by a function."""
    return copy_bundled


def press(test, label):
    next(button for button in test.button if button.label.startswith(label)).click()
    return test.run()


@pytest.mark.parametrize("name", list(registry.classifiers()))
def test_limits_stand_before_the_results(app, name):
    choose(app, name)
    assert not app.exception
    told = [part.value for part in app.subheader]
    order = [
        told.index(name) for name in ("Known limits", "What it reached on lesions it never saw")
    ]
    assert order == sorted(order)
    limits = words(app)
    assert all(topic in limits for topic in ("Skin tone:", "Sites:", "Devices:", "Artefacts:"))


def test_a_network_is_told_in_plain_words_and_its_recipes_in_the_training_table(app):
    card = registry.default_card()
    first = next(part.value for part in app.markdown if card.backbone in part.value)
    size = card.files["served"].size_bytes / 1e6
    assert f"{card.backbone}; the file that runs has {size:.0f} MB" in first
    recipe = card.training["recipe"]
    assert all(recipe not in part.value for part in app.markdown)
    assert recipe in "".join(tables(app))
    choose(app, REFERENCE)
    assert "of the design ResNet50. The published model" in words(app)


def test_the_software_is_cited_as_its_citation_file_says(app):
    told = words(app)
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8").split("references:")[0]
    for key in ("title", "version", "license", "name"):
        (said,) = re.findall(rf'^[ -]*{key}: "?(.*?)"?$', cited, re.MULTILINE)
        assert said in next(line for line in told.splitlines() if "The software:" in line)


def test_an_ensemble_is_made_by_commands_that_there_are(copied):
    copied("alone.v1")
    app = choose(open_page(), "alone.v1")
    commands = [part.value for part in app.code if "training ensemble" in part.value]
    assert "python -m training ensemble alone.v1 MODEL --install NAME" in commands[0]
    for command in commands[0].splitlines():
        arguments = command.removeprefix("python -m training ").split()
        assert _parser().parse_args(arguments).run.__name__ == arguments[0]


def test_figures_are_those_of_the_card_at_both_resolutions(app):
    metrics = registry.default_card().metrics
    told = "\n".join(tables(app))
    for measured in (metrics["native"], metrics["at_84_px"]):
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc"):
            assert shown(measured[name]) in told
    for code in CODES:
        entry = metrics["native"]["per_class"][code]
        assert shown(entry["recall"]) in told
        assert shown(entry["precision"]) in told


def test_the_tables_follow_the_resolution(app):
    app.segmented_control(key="models_resolution_single").set_value("at_84_px").run()
    assert not app.exception
    entry = registry.default_card().metrics["at_84_px"]["per_class"]["SCC"]
    assert shown(entry["f1"]) in "\n".join(tables(app))


def test_every_chart_has_its_words_and_its_table(app):
    drawn = charts(app)
    assert len(drawn) == 6  # headline, confusion, ROC, calibration, groups, a thousand lesions
    assert all(chart.proto.alt for chart in drawn)
    folds = [fold for fold in app.expander if fold.label == "The same numbers as a table"]
    assert len(folds) == 6  # the headline has its table beside it; the pair has one


@pytest.mark.parametrize(("mode", "eight"), [("single", False), ("tta", True)])
def test_what_sets_hold_is_told_class_by_class(app, mode, eight):
    app.toggle(key="analyze_tta").set_value(eight).run()
    assert not app.exception
    (table,) = [table for table in tables(app) if "True class in the set" in table]
    fitted = registry.default_card().trust[mode]
    rows = {"All classes": fitted["covered"]} | {
        BY_CODE[code].name: held for code, held in fitted["covered_by_class"].items()
    }
    assert len(rows) == 9
    for name, (value, low, high) in rows.items():
        told = shown({"value": value, "low": low, "high": high})
        assert f'<th scope="row">{name}</th><td><bdi>{told}</bdi></td>' in table
    assert f"Classes in a set, on average: {fitted['set_size'][0]:.2f}" in words(app)


GROUPINGS = [name for name in registry.default_card().metrics["native"] if name.startswith("by_")]


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_results_by_group(app, grouping):
    app.segmented_control(key="models_groups_grouping").set_value(grouping).run()
    assert not app.exception
    groups = registry.default_card().metrics["native"][grouping]
    told = "\n".join(tables(app))
    assert all(shown(entry["accuracy"]) in told for entry in groups.values())


def test_a_part_that_the_card_lacks_says_which_command_writes_it(copied):
    def without(table):
        for measured in table["metrics"].values():
            del measured["roc"], measured["reliability"]

    copied("bare.v1", without)
    app = choose(open_page(), "bare.v1")
    assert not app.exception
    told = words(app)
    assert "Not in this model's card yet: ROC curves" in told
    assert "python -m training evaluate --model bare.v1 --data" in told
    assert len(charts(app)) == 4


def test_what_was_not_measured_says_which_command_does(copied):
    def without(table):
        del table["metrics"]["at_84_px"], table["metrics"]["native_tta"]

    copied("bare.v1", without)
    app = choose(open_page(), "bare.v1")
    assert "card yet: figures of photos brought to 84 pixels first." in words(app)
    assert "--write-card --resolution 84" in words(app)
    app.toggle(key="analyze_tta").set_value(True).run()
    assert not app.exception
    assert "--write-card --tta" in words(app)


def test_what_nobody_may_measure_has_no_command(copied):
    def unlisted(table):
        del table["metrics"], table["trust"], table["files"]["training_ids"]

    copied("bare.v1", unlisted)
    app = choose(open_page(), "bare.v1")
    assert not app.exception
    told = words(app)
    assert "Nobody knows which photos bare.v1 was trained on" in told
    assert "--model bare.v1" not in told


def test_a_card_without_figures_shows_none(copied):
    def without(table):
        del table["metrics"], table["trust"], table["training"]
        table["limits"] = []

    copied("none.v1", without)
    app = choose(open_page(), "none.v1")
    assert not app.exception
    assert not charts(app)
    assert "calibrate --model none.v1" in words(app)


def test_eight_views_have_their_own_thresholds_and_figures(app):
    before = words(app)
    app.toggle(key="analyze_tta").set_value(True).run()
    assert not app.exception
    assert "Not in this model's card yet" not in words(app)
    points = registry.default_card().trust
    one, eight = (points[mode]["operating_points"][0]["specificity"] for mode in ("single", "tta"))
    assert f"{one[0]:.2f} (" in before
    assert f"{eight[0]:.2f} (" in words(app)


def test_the_published_figures_stand_apart(app):
    told = words(app)
    published = registry.cards()[REFERENCE].metrics["published"]
    assert "published, not reproduced here" in told
    assert f"Accuracy {published['accuracy']['value']:.3f}" in told
    assert "2,190 of them (57.6%)" in told
    recall = 385 / 679  # melanoma, from the published confusion matrix
    assert f"<td><bdi>679</bdi></td><td><bdi>{recall:.2f}</bdi></td>" in told


def test_an_address_carries_the_model(app):
    assert app.query_params["model"] == registry.default_card().name
    linked = open_page(model=REFERENCE)
    assert linked.selectbox(key="analyze_model").value == REFERENCE
    assert "Download the weights" in linked.button[0].label
    # Who then chooses another one is not thrown back by the old address.
    choose(linked, registry.default_card().name)
    assert linked.query_params["model"] == registry.default_card().name


def test_an_address_with_an_unknown_model_says_so():
    app = open_page(model="**nosuch**")
    assert not app.exception
    assert "names a model, nosuch, which is not among" in words(app)
    assert app.selectbox(key="analyze_model").value == registry.default_card().name


def test_model_and_views_survive_a_change_of_page(app, copied):
    copied("other.v1")
    choose(app.run(), "other.v1")
    app.toggle(key="analyze_tta").set_value(True).run()
    for page in ("about", "analyze", "batch", "models"):
        app.switch_page(f"app_pages/{page}.py").run()
        assert not app.exception
    assert app.selectbox(key="analyze_model").value == "other.v1"
    assert app.toggle(key="analyze_tta").value


def test_an_own_model_is_opened_by_its_path(here, copied, tmp_path):
    def bare(table):
        table.pop("metrics", None)

    app, file = here, copied("mine.v1", bare, folder=tmp_path / "elsewhere")
    app.text_input(key="own_path").set_value(f' "{file}" ').run()
    press(app, "Open it")
    assert not app.exception
    assert app.selectbox(key="analyze_model").value == "mine.v1"
    assert "Title of mine.v1 is opened" in words(app)
    # Another process knows it by its file alone.
    assert "evaluate --model mine.v1.tflite" in words(app)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("notes.txt", b"x", "is not a model file"),
        ("missing.keras", None, "There is no file"),
        ("bare.tflite", b"x", "needs a card beside it"),
    ],
)
def test_a_path_that_is_no_model_gets_its_sentence(here, tmp_path, name, content, sentence):
    app = here
    if content is not None:
        (tmp_path / name).write_bytes(content)
    app.text_input(key="own_path").set_value(str(tmp_path / name)).run()
    press(app, "Open it")
    assert not app.exception
    assert sentence in words(app)
    assert app.selectbox(key="analyze_model").value == registry.default_card().name


def test_a_file_that_cannot_be_run_is_not_listed(here, copied, tmp_path):
    app, file = here, copied("broken.v1", folder=tmp_path / "elsewhere")
    file.write_bytes(b"no network")
    app.text_input(key="own_path").set_value(str(file)).run()
    press(app, "Open it")
    assert "is not a LiteRT model that can be run" in words(app)
    assert "broken.v1" not in registry.cards()


def test_from_another_machine_no_path_can_be_opened(app):
    assert not app.text_input
    assert "LESIONLENS_MODEL" in words(app)


@pytest.mark.parametrize(
    ("address", "headers", "here"),
    [
        (None, {}, True),
        ("10.1.2.3", {}, False),
        (None, {"X-Forwarded-For": "10.1.2.3"}, False),
        (None, {"Via": "1.1 proxy"}, False),
    ],
)
def test_who_sits_at_this_machine(monkeypatch, address, headers, here):
    context = SimpleNamespace(ip_address=address, headers=headers)
    monkeypatch.setattr(weights, "st", SimpleNamespace(context=context))
    assert weights._visitor_is_here() == here


def test_no_visitor_of_a_deployed_server_counts_as_its_user(monkeypatch):
    from_loopback = SimpleNamespace(context=SimpleNamespace(headers={}, ip_address=None))
    monkeypatch.setattr(weights, "st", from_loopback)
    monkeypatch.delenv(weights.LOCAL_PATHS, raising=False)
    assert weights._visitor_is_here()
    monkeypatch.setenv(weights.LOCAL_PATHS, "0")
    assert not weights._visitor_is_here()
