"""Every page in a real browser, in both themes, on a laptop and on a phone: seen and accessible."""

import re

import pytest

from streamlit_app.components.charts import DARK, LIGHT
from streamlit_app.content import ENGLISH, LANGUAGES, in_language, text

from .barriers import grave, overflow
from .screens import settle

pytestmark = pytest.mark.browser

# What a browser leaves of the screen of a laptop, 1366 x 768 and 1440 x 900.
LAPTOP, LARGER_LAPTOP = {"width": 1366, "height": 650}, {"width": 1440, "height": 780}
PHONE = {"width": 360, "height": 780}
THEMES = {"light": LIGHT, "dark": DARK}
PAGES = ("", "study", "batch", "models", "about")
TABS = ("Confusions", "ROC curves", "Calibration", "By group")


@pytest.fixture
def visit(browser, address):
    """Opens a page as a visitor who has agreed to the notice; closes it after the test."""
    contexts = []

    def open_page(path, theme="light", size=LAPTOP, language=ENGLISH):
        context = browser.new_context(viewport=size, color_scheme=theme)
        contexts.append(context)
        cookie = {"name": "lesionlens_notice", "value": "agreed", "url": address}
        context.add_cookies([cookie])
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        tab.goto(f"{address}/{path}")
        # What fades in is pale while it does.
        tab.add_style_tag(content="* { transition: none !important; animation: none !important }")
        settle(tab, language)
        return tab

    yield open_page
    for context in contexts:
        context.close()


def names(tab) -> tuple[str, list[str]]:
    """What the browser calls the page, and its headings of the first level."""
    return tab.title(), tab.get_by_role("heading", level=1).all_text_contents()


def named(path: str) -> tuple[str, list[str]]:
    """What `names` is to be."""
    name = text(f"pages.{path or 'analyze'}")
    return f"{name} · LesionLens", [name]


def rgb(colour: str) -> str:
    return "rgb({}, {}, {})".format(*(int(colour[at : at + 2], 16) for at in (1, 3, 5)))


@pytest.mark.parametrize("theme", THEMES)
def test_the_walk_through_a_model(visit, theme):
    tab = visit("models", theme)
    ground = tab.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    assert ground == rgb(THEMES[theme].ground)
    walk(tab, LAPTOP, settings=("Clinic · 20%", 200))
    tab.set_viewport_size(PHONE)
    walk(tab, PHONE, settings=("Primary care · 1%", 10))
    settle(tab)


def walk(tab, size, *, settings) -> None:
    """Nothing; looks at every part of the Models page, where all must be seen and fit."""
    limits = tab.get_by_role("heading", name="Known limits").bounding_box()
    results = tab.get_by_role("heading", name="What it reached").bounding_box()
    assert limits["y"] < results["y"]
    for name in TABS:
        tab.get_by_role("tab", name=name).click()
        chart = tab.get_by_role("tabpanel").locator(".js-plotly-plot:visible").first
        chart.wait_for()
        box = chart.bounding_box()
        assert box["width"] > 250
        assert box["x"] + box["width"] <= size["width"]
        assert overflow(tab) <= 0
    fold = tab.get_by_role("tabpanel").get_by_text("The same numbers as a table")
    fold.locator("visible=true").first.click()
    tab.get_by_role("tab", name="By class").click()
    tab.get_by_role("tabpanel").locator("table:visible").first.wait_for()
    assert overflow(tab) <= 0
    setting, meant = settings
    tab.get_by_text(setting).click()
    tab.get_by_text(re.compile(f"^Of 1,000 lesions {meant} are of this kind")).wait_for()


def test_a_link_carries_page_and_model(visit):
    tab = visit("models?model=resnet50.isic2019_reference")
    tab.get_by_role("heading", name="ResNet50, the published reference").wait_for()
    tab.get_by_role("button", name="Download the weights of ResNet50").wait_for()
    # The choice of the model and of how it is asked goes along to the other pages.
    tab.get_by_text("Average eight views").click()
    tab.get_by_text("Of the mean over eight views").wait_for()
    tab.get_by_role("link", name="Analyze").click()
    tab.get_by_text("A dermoscopy photo").first.wait_for()
    settle(tab)
    tab.get_by_role("button", name="Download the weights of ResNet50").wait_for()
    assert tab.get_by_label("Average eight views").first.is_checked()


def test_whoever_sits_at_the_machine_can_open_a_path(visit, tmp_path):
    tab = visit("models")
    tab.get_by_text("Your own model").click()
    (tmp_path / "bare.keras").write_bytes(b"PK")
    tab.get_by_label("Path of the file on this machine").fill(str(tmp_path / "bare.keras"))
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="Open it").click()
    tab.get_by_text("needs a card beside it, bare.toml").wait_for()


@pytest.mark.parametrize("size", [LAPTOP, LARGER_LAPTOP], ids=["1366x650", "1440x780"])
def test_analyze_tells_its_story_on_one_screen(visit, keep, size):
    tab = visit("", size=size)
    keep(tab, f"one_screen_{size['width']}")
    parts = (
        tab.get_by_text("No check failed"),
        tab.get_by_text(text("verdict.set", names="").strip()),
        tab.get_by_alt_text("Grad-CAM heatmap of").first,
        tab.locator(".js-plotly-plot").first,
        tab.get_by_text("Asymmetry", exact=True).first,
    )
    for part in parts:
        part.wait_for()
        box = part.bounding_box()
        assert box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != ENGLISH])
def test_photo_and_probabilities_are_on_one_screen_in_every_language(visit, code):
    tab = visit(f"?lang={code}", language=code)
    for part in (tab.locator("[class*=st-key-picture_] img"), tab.locator(".js-plotly-plot")):
        part.first.wait_for()
        box = part.first.bounding_box()
        assert box["y"] + box["height"] <= LAPTOP["height"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_and_has_no_grave_barrier(visit, keep, path, theme):
    tab = visit(path, theme)
    assert names(tab) == named(path)
    keep(tab, f"{path or 'analyze'}_{theme}_laptop")
    assert grave(tab) == []
    assert overflow(tab) <= 0
    tab.set_viewport_size(PHONE)
    settle(tab)
    keep(tab, f"{path or 'analyze'}_{theme}_phone")
    assert overflow(tab) <= 0
    assert grave(tab) == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != ENGLISH])
def test_every_language_fits_and_has_no_grave_barrier(visit, path, code):
    tab = visit(f"{path}?lang={code}", language=code)
    tab.wait_for_function("code => document.documentElement.lang === code", arg=code)
    with in_language(code):
        assert names(tab) == named(path)
    assert grave(tab) == []
    assert overflow(tab) <= 0
    tab.set_viewport_size(PHONE)
    assert overflow(tab) <= 0


def test_a_link_carries_page_model_and_language(visit):
    tab = visit("models?model=resnet50.isic2019_reference&lang=es", language="es")
    tab.get_by_role("heading", name="ResNet50, la referencia publicada").wait_for()
    tab.get_by_role("link", name="Acerca de").click()
    tab.get_by_role("heading", name="Límites conocidos").wait_for()
    settle(tab, "es")
    assert "lang=es" in tab.url
    tab.get_by_role("button", name="Español").click()
    tab.get_by_text("Deutsch", exact=True).click()
    settle(tab, "de")
    tab.get_by_role("link", name="Stapel").click()
    tab.get_by_role("button", name="Lesen").wait_for()
    settle(tab, "de")
    assert "lang=de" in tab.url


def test_persian_is_read_from_the_right(visit):
    tab = visit("?lang=fa", language="fa")
    # The header is laid out anew a moment after the page, more so on a server that just started.
    tab.wait_for_function(
        """() => document.querySelector('[data-testid=stHeaderLogo]').getBoundingClientRect().x
            > window.innerWidth / 2"""
    )
    photo = tab.locator("[data-testid=stImage] img").first.bounding_box()
    chart = tab.locator(".js-plotly-plot").first.bounding_box()
    assert photo["x"] > chart["x"] + chart["width"]
    # A switch that is on shows its knob, at the left of its track.
    track = tab.locator("label:has(input:checked[role=switch]) > span + div")
    box, knob = track.bounding_box(), track.locator("div").first.bounding_box()
    assert box["x"] <= knob["x"] < box["x"] + box["width"] / 2
    tab.get_by_role("tab", name="مرز را کجا بکشیم").click()
    tab.get_by_role("tabpanel").get_by_role("radio", name="ملانوم").click()
    tab.set_viewport_size(PHONE)
    # Not all tabs fit: the arrow to those that follow is at the left, and leads there.
    last = tab.get_by_role("tab").last
    assert last.bounding_box()["x"] < 0
    for _ in range(20):
        # At once, since the arrow is gone as soon as the last tab is there.
        places = tab.get_by_test_id("stTabsScrollRight").evaluate_all(
            "all => all.map(one => {"
            " const x = one.getBoundingClientRect().x; one.click(); return x })"
        )
        if not places:
            break
        assert places[0] < PHONE["width"] / 2
        tab.wait_for_timeout(400)
    assert last.bounding_box()["x"] >= 0
    tab.get_by_test_id("stExpandSidebarButton").click()
    pages = tab.get_by_test_id("stSidebarNavItems")
    pages.wait_for()
    tab.wait_for_timeout(500)
    assert pages.bounding_box()["x"] > PHONE["width"] - 300


@pytest.mark.parametrize("theme", THEMES)
def test_no_grave_barrier_behind_tabs_and_switches(visit, theme):
    tab = visit("models", theme)
    for name in TABS:
        tab.get_by_role("tab", name=name).click()
        tab.get_by_role("tabpanel").locator(".js-plotly-plot:visible").first.wait_for()
        assert grave(tab) == []
    tab = visit("", theme)
    tab.get_by_text("Compare two photos").click()
    tab.get_by_text("Choose a second photo").wait_for()
    settle(tab)
    assert grave(tab) == []


@pytest.mark.parametrize("theme", THEMES)
def test_the_notice_itself_has_no_grave_barrier(browser, address, theme):
    context = browser.new_context(viewport=LAPTOP, color_scheme=theme)
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.goto(f"{address}/about")
    tab.get_by_role("button", name="I understand").wait_for()
    tab.add_style_tag(content="* { transition: none !important; animation: none !important }")
    assert grave(tab) == []
    context.close()
