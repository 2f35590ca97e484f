"""The languages of the app: nothing missing in any, nothing lost on the way, kept over pages."""

import ast
import json
import string
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from model_zoo import NOTICE, registry
from model_zoo.analysis import Analysis
from model_zoo.card import Card, read_card
from model_zoo.errors import SENTENCES, BadImage
from model_zoo.labels import BY_CODE, CODES
from streamlit_app import report
from streamlit_app.components.photo_source import samples
from streamlit_app.content import (
    LANGUAGES,
    card_words,
    class_name,
    group_name,
    in_language,
    text,
    thousands,
    told,
)

ROOT = Path(__file__).parents[2] / "streamlit_app"
TEXTS = ROOT.parent / "training" / "card_texts.toml"
PAGES = ("analyze", "study", "batch", "models", "about")
TRANSLATIONS = [code for code in LANGUAGES if code != "en"]
# What a report has words of, beside the names of the classes.
PRINTED = {
    "abcd",
    "checks",
    "colours",
    "groups",
    "notice",
    "report",
    "samples",
    "status",
    "verdict",
}


def words(code: str, value: object = None, path: tuple = ()) -> dict[tuple, str]:
    """All words of a language by the path of their key."""
    if not path:
        value = tomllib.loads((ROOT / "content" / f"{code}.toml").read_text(encoding="utf-8"))
    if isinstance(value, str):
        return {path: value}
    found = {}
    for key, inner in value.items():
        found |= words(code, inner, (*path, key))
    return found


def english() -> dict[tuple, str]:
    """Every English word that a translation must have, from all places that it stands in."""
    return {
        **words("en"),
        **{("errors", code): sentence for code, sentence in SENTENCES.items()},
        **{("classes", code, "name"): label.name for code, label in BY_CODE.items()},
        **{("samples", entry["title"]): entry["title"] for entry in samples().values()},
        **{("cards", said): said for said in warned()},
    }


def warned() -> set[str]:
    """What cards say, bundled or made by `export`, that nobody should miss for want of English."""
    cards = bundled_cards()
    said = {said for card in cards for said in (card.intended_use, card.licence, *card.limits)}
    for texts in tomllib.loads(TEXTS.read_text(encoding="utf-8")).values():
        said.update(texts["limits"], *(t.values() for n, t in texts.items() if "limits_" in n))
    return said


def told_of_models() -> set[str]:
    """What else these cards say, translated or not."""
    return {
        said
        for card in bundled_cards()
        for said in (
            card.title,
            card.description,
            card.training.get("data"),
            *(measured["protocol"] for measured in card.metrics.values()),
        )
    }


def bundled_cards() -> list[Card]:
    return [read_card(path, path.parent) for path in sorted(registry.BUNDLED_CARDS.glob("*.toml"))]


def placeholders(sentence: str) -> set[tuple]:
    parts = string.Formatter().parse(sentence)
    return {(name, spec) for _, name, spec, _ in parts if name is not None}


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_no_key_is_missing_and_none_is_left_over(code):
    optional = {("cards", said) for said in told_of_models()}
    optional |= {("classes", code, "group") for code in CODES}  # where words have genders
    assert words(code).keys() - optional == english().keys() - optional


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_placeholders_bold_and_commands_are_kept(code):
    translated = words(code)
    for key, sentence in english().items():
        assert placeholders(translated[key]) == placeholders(sentence), key
        for mark in ("**", "`", "\n- "):
            assert translated[key].count(mark) == sentence.count(mark), key
        for word in sentence.split():
            if word.startswith(("--", "LESIONLENS_")):
                assert word.strip(".,:;") in translated[key], key


def test_without_a_visitor_words_are_english():
    assert text("pages.about") == "About"
    assert class_name("MEL") == "Melanoma"


def test_an_error_is_told_in_the_language_and_printed_in_english():
    fault = BadImage("too_many_bytes", megabytes=31.2, limit_megabytes=25)
    assert told(fault) == str(fault)
    with in_language("de"):
        assert told(fault).startswith("Die Datei hat 31 MB; höchstens 25 MB")
    assert str(fault).startswith("The file has 31 MB")


def test_a_group_agrees_with_the_name_of_its_class():
    agreeing = {
        "AK": "Queratosis actínica, premaligna",
        "BCC": "Carcinoma basocelular, maligno",
        "BKL": "Queratosis benigna, benigna",
        "DF": "Dermatofibroma, benigno",
        "MEL": "Melanoma, maligno",
        "NV": "Nevo melanocítico, benigno",
        "SCC": "Carcinoma espinocelular, maligno",
        "VASC": "Lesión vascular, benigna",
    }
    with in_language("es"):
        assert {code: f"{class_name(code)}, {group_name(code)}" for code in CODES} == agreeing
    assert group_name("AK") == "premalignant"


def test_a_number_of_thousands_cannot_be_taken_for_a_fraction():
    assert thousands(3800) == "3,800"
    with in_language("de"):
        assert thousands(3800) == "3\u202f800"


def test_what_a_card_says_is_translated_or_reads_from_left_to_right():
    limit = registry.default_card().limits[0]
    with in_language("fa"):
        assert card_words(limit).startswith("فقط درموسکوپی:")
        assert card_words("A limit of another model.") == "\u2066A limit of another model.\u2069"
    with in_language("de"):
        assert card_words("A limit of another model.") == "A limit of another model."


@pytest.mark.parametrize("code", [c for c in TRANSLATIONS if c not in report.NOT_IN_PDF])
def test_a_pdf_has_the_letters_of_its_language(code):
    for key, sentence in words(code).items():
        if key[0] in PRINTED or (key[0] == "classes" and key[2] == "name"):
            assert report._latin(sentence) == sentence, key
    with in_language(code):
        made = report.make(*parts_of_report())
    assert len(made.notices) == 2
    assert report.to_pdf(made).count(b"/Type /Page\n") == 1


def parts_of_report() -> tuple:
    probabilities = np.full(len(CODES), 1 / len(CODES))
    analysis = Analysis("m", CODES, probabilities, None, (0, 0, 9, 9), (9, 9))
    return "photo.jpg", [], analysis, registry.default_card(), "ab" * 32, datetime.now(UTC)


@pytest.mark.parametrize("folder", ["app_pages", "components"])
def test_no_page_shows_an_error_in_english_alone(folder):
    for file in sorted((ROOT / folder).glob("*.py")):
        shown = english_faults(file.read_text(encoding="utf-8"))
        assert shown == [], f"{file.name}: told(fault) gives the sentence in the visitor's language"


def test_the_search_for_english_faults_finds_them():
    said = """
try:
    act()
except ZooError as fault:
    st.error(fault)
    st.error(str(fault))
    st.error(f"{name}: {fault}")
    text("analyze.faulty", sentence=fault)
    st.error(fault.args[0])
    words = fault
    st.error(told(fault))
    text("analyze.faulty", sentence=told(fault))
    raise Other() from fault
st.write(row.fault, told(row.fault), fault.code, row.problem)
"""
    assert english_faults(said) == [5, 6, 7, 8, 9, 10, 14, 14]


def english_faults(source: str) -> list[int]:
    """The lines of a program in which an error is used as it is, which says it in English.

    An error is what `except` names, or an attribute `fault`; `told` may have it, `raise` as well,
    and it may be asked for its code or compared. `problem` of a row is its English sentence.
    """
    tree = ast.parse(source)
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)}
    allowed = {id(part) for node in ast.walk(tree) for part in harmless(node)}
    return sorted(
        node.lineno
        for node in ast.walk(tree)
        if id(node) not in allowed
        and (
            (isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load))
            or (isinstance(node, ast.Attribute) and node.attr in ("fault", "problem"))
        )
    )


def harmless(node: ast.AST) -> list[ast.AST]:
    """The parts of a piece of a program that may be an error without saying it."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("told", "log_fault"):
        return list(node.args)
    if isinstance(node, ast.Raise):
        return [node.cause, node.exc]
    if isinstance(node, ast.Compare):
        return [node.left]
    if isinstance(node, ast.Attribute) and node.attr == "code":
        return [node.value]
    return []


def test_a_report_has_both_notices_and_says_its_language():
    with in_language("fa"):
        page = report.to_html(report.make(*parts_of_report())).decode()
        translated = text("notice.banner").replace("**", "")
    assert '<html lang="fa" dir="rtl">' in page
    assert page.count(NOTICE) == page.count(translated) == 2


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LESIONLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LESIONLENS_MODEL", raising=False)
    monkeypatch.delenv("LESIONLENS_CASES", raising=False)


def opened(**context: object) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.session_state["notice_agreed"] = True
    test.context = context
    return test


def page_words(test: AppTest) -> str:
    return "\n".join(str(part.value) for part in (*test.markdown, *test.caption, *test.title))


@pytest.mark.parametrize("code", TRANSLATIONS)
@pytest.mark.usefixtures("own_cache")
def test_every_page_speaks_the_language_of_the_link(code):
    test = opened(locale="en-US")
    test.query_params["lang"] = code
    # The driver asks for the words of a choice in this thread; pages run in one of their own.
    with in_language(code):
        for page in PAGES:
            test = test.switch_page(f"app_pages/{page}.py").run()
            assert not test.exception
            assert text("notice.banner") in page_words(test)
            assert test.radio[0].value == code
            assert test.query_params["lang"] == code
            test.query_params.clear()  # as a browser does when another page is opened
            if page == "analyze":
                chart = json.loads(test.get("plotly_chart")[0].proto.spec)
                assert class_name("MEL") in json.dumps(chart, ensure_ascii=False)


@pytest.mark.usefixtures("own_cache")
def test_the_browser_proposes_and_the_choice_stays():
    test = opened(locale="de-AT").switch_page("app_pages/batch.py").run()
    assert "Nur für Forschung und Lehre" in page_words(test)
    test.radio[0].set_value("en").run()
    assert "Research and teaching only" in page_words(test)
    assert test.query_params["lang"] == "en"
    test = test.switch_page("app_pages/about.py").run()
    assert "Research and teaching only" in page_words(test)
    assert "lang" not in opened(locale="fr").switch_page("app_pages/batch.py").run().query_params


@pytest.mark.usefixtures("own_cache")
def test_a_language_that_is_none_of_ours_is_passed_over():
    test = opened()
    test.query_params["lang"] = "xx"
    test = test.switch_page("app_pages/batch.py").run()
    assert not test.exception
    assert "Research and teaching only" in page_words(test)


@pytest.mark.usefixtures("own_cache")
def test_the_notice_can_be_read_in_every_language_before_it_is_agreed_to():
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.context = {"locale": "en-US"}
    test.run()
    assert {f"notice_{code}" for code in TRANSLATIONS} <= {button.key for button in test.button}
    test.button(key="notice_fa").click().run()
    assert not test.exception
    with in_language("fa"):
        assert text("notice.body") in page_words(test)
