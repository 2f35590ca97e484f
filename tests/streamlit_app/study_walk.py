"""What a walk through Study does on the page."""

from streamlit_app.components.study_sources import DRAWN
from streamlit_app.content import class_name, text


def begin(stage, address, source=DRAWN, *, drill=False) -> None:
    """Nothing; begins a round of five cases."""
    stage.open(f"{address}/study")
    tab = stage.tab
    tab.get_by_role("radio", name=text(f"study.{source}")).click()
    tab.get_by_role("radio", name="5", exact=True).click()
    if drill:
        tab.get_by_text(text("study.drill")).click()
    stage.settle()
    tab.get_by_role("button", name=text("study.start")).click()


def commit(tab) -> None:
    """Nothing; says that the case is a nevus, and that this is a guess."""
    tab.get_by_test_id("stRadio").get_by_text(class_name("NV")).click()
    tab.get_by_role("radio", name=text("study.guess")).click()
    tab.get_by_role("button", name=text("study.commit")).click()
