"""What the demo shows, scene by scene, and what is written below each frame."""

from pathlib import Path

from model_zoo.labels import BY_CODE
from streamlit_app.content import text
from streamlit_app.demo.stage import Stage

# Drawn by a program, as all samples are: no photo of a patient is ever shown.
SAMPLE = Path(__file__).parents[1] / "samples" / "vessels.jpg"
ASKED, SAID = "MEL", "NV"  # the heatmap that is asked for; what the learner says in Study

CURVES = {
    "roc": "ROC curves: how well it tells classes apart",
    "reliability": "Calibration: is 0.8 right in 8 of 10?",
}


def notice(stage: Stage) -> None:
    """Nothing; the notice of a first visit, agreed to."""
    stage.hold(2.6, "What it is for comes first")
    stage.press(stage.tab.get_by_role("button", name=text("notice.agree")))
    stage.tab.get_by_role("dialog").wait_for(state="detached")


def upload(stage: Stage) -> None:
    """Nothing; a drawn photo goes up, and its answer is there."""
    chooser = stage.keyed("analyze_upload")
    stage.point(chooser, "Upload a photo (here a drawn one)")
    chooser.locator("input[type=file]").set_input_files(SAMPLE)
    stage.tab.get_by_alt_text(f"laid over the photo {SAMPLE.name}").wait_for()
    stage.hold(3, "Its status, what is still possible, how probable")


def heatmap(stage: Stage) -> None:
    """Nothing; the outline alone, the heatmap over it, the heatmap of another class."""
    opacity = stage.tab.get_by_role("slider", name=text("analyze.opacity"))
    stage.point(stage.keyed("analyze_opacity"), "Fade the heatmap out ...")
    opacity.press("Home")
    stage.hold(1.6, "... and the outline of the lesion remains")
    for _ in range(14):
        opacity.press("ArrowRight")
    stage.hold(1.6, "Grad-CAM: where it argues for a class")
    choice = stage.tab.get_by_role("combobox", name=text("analyze.heatmap_of"))
    stage.point(stage.keyed("analyze_label_"), "Any of the eight classes can be asked for")
    choice.click()
    name = BY_CODE[ASKED].name
    stage.click(stage.tab.get_by_role("option", name=name))
    stage.tab.get_by_alt_text(text("analyze.alt_heatmap", label=name, name="")).wait_for()
    stage.hold(2.4, f"Where it would argue for {name.lower()}")
    stage.press(stage.tab.get_by_role("radio", name=text("analyze.beside")))
    stage.hold(2, "Photo and heatmap side by side")


def study(stage: Stage) -> None:
    """Nothing; a case is judged before the network's answer is seen."""
    tab = stage.tab
    stage.press(tab.get_by_role("link", name=text("pages.study")), "Study: you answer first")
    tab.get_by_text(text("study.title")).wait_for()
    stage.click(tab.get_by_role("radio", name=text("study.drawn")))
    stage.press(tab.get_by_role("button", name=text("study.start")))
    tab.get_by_alt_text(text("study.alt_photo")).wait_for()
    stage.hold(1.6, "A case, and no answer yet")
    stage.click(tab.get_by_test_id("stRadio").get_by_text(BY_CODE[SAID].name))
    stage.click(tab.get_by_role("radio", name=text("study.fairly_sure")))
    commit = tab.get_by_role("button", name=text("study.commit"))
    stage.press(commit, "Say what it is and how sure you are")
    tab.get_by_role("button", name=text("study.next")).wait_for()
    stage.hold(3.2, "Then the truth, its answer, and where it looked")


def card(stage: Stage) -> None:
    """Nothing; the card of the model begins with its limits."""
    tab = stage.tab
    link = tab.get_by_role("link", name=text("pages.models"))
    stage.press(link, "Models: a card for people")
    tab.get_by_role("heading", name=text("models.reached")).wait_for()
    stage.hold(2.6, "Known limits stand before results")


def figures(stage: Stage) -> None:
    """Nothing; further down the card, what the model reached, and two of its curves."""
    tab = stage.tab
    stage.scroll_to(tab.get_by_role("heading", name=text("models.reached")))
    stage.hold(2.4, "Held-out figures with 95 % intervals")
    stage.scroll_to(tab.get_by_role("tab", name=text("models.roc")))
    for name, told in CURVES.items():
        stage.click(tab.get_by_role("tab", name=text(f"models.{name}")))
        tab.get_by_role("tabpanel").locator(".js-plotly-plot:visible").first.wait_for()
        stage.hold(2.6, told)


SCENES = (notice, upload, heatmap, study, card, figures)
