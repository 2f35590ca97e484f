"""Analyze: one photo, how far its answer can be trusted, eight probabilities, heatmap, outline."""

import json
from datetime import UTC, datetime

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from model_zoo import NOTICE
from model_zoo.card import Card
from model_zoo.errors import BadImage, ZooError
from model_zoo.trust import OK
from streamlit_app import report
from streamlit_app.admission import turns
from streamlit_app.cache import Viewed, last_viewed, view
from streamlit_app.components.archive_photo import told_of_photo
from streamlit_app.components.compare import compare, wants_to_compare
from streamlit_app.components.decide import decide
from streamlit_app.components.loaded import loaded
from streamlit_app.components.model_choice import choose_mode, choose_model, model_line
from streamlit_app.components.overload import overload_told
from streamlit_app.components.photo_source import Chosen, choose_photo
from streamlit_app.components.photo_view import of_one_view, photo_view, picture, plain_photo
from streamlit_app.components.probabilities import answer_bars
from streamlit_app.components.teaching import (
    abcd_numbers,
    abcd_strip,
    similar_cases,
    spread_of_answers,
    what_would_change_it,
)
from streamlit_app.components.verdict import verdict
from streamlit_app.content import (
    ENGLISH,
    class_name,
    in_language,
    language,
    sample_title,
    text,
    told,
)
from streamlit_app.exports import plain_name

REPORT_OPACITY = 0.5


def page() -> None:
    """Nothing; draws the page."""
    of_photo, of_model, how = st.columns([13, 5, 5], gap="medium")
    with of_photo:
        chosen, mark = choose_photo()
    with of_model:
        card = choose_model()
    with how:
        mode = choose_mode()
        comparing = wants_to_compare()
    if card is None or loaded(card.name, mode) is None:
        return
    with overload_told(), turns.turn():
        viewed = _compare(chosen, card, mode) if comparing else _draw(chosen, card, mode)
        if viewed is not None and viewed.example:
            mark.badge(
                text("analyze.example", name=sample_title(viewed.name)), icon=":material/draw:"
            )


def _draw(chosen: Chosen, card: Card, mode: str) -> Viewed | None:
    """The analysis that is shown, once all that comes of it is drawn."""
    above = st.container()
    photo, answer, numbers = st.columns([20, 21, 11], gap="medium")
    with photo:
        viewed = _viewed(chosen, card, mode, above)
    if viewed is None:
        return None
    with above:
        verdict(viewed.analysis, card, viewed.mode, wide=True)
    with photo:
        _photo(viewed, chosen, card)
    with answer:
        if viewed.analysis.status == OK:
            _probabilities(viewed, card)
    if viewed.analysis.dermoscopic:  # what may be no lesion has no asymmetry
        with numbers if viewed.analysis.status == OK else answer:
            abcd_strip(viewed.analysis)
    if viewed.analysis.status == OK:
        _below(viewed, card)
    else:
        _folded(viewed, card)
    _downloads(viewed, card)
    st.caption(model_line(card, viewed.analysis))
    return viewed


def _compare(chosen: Chosen, card: Card, mode: str) -> Viewed | None:
    """The analysis of the first photo, once both are drawn."""
    viewed = _viewed(chosen, card, mode, st.container())
    if viewed is not None:
        _of_photo(viewed, chosen, card)
        compare(viewed, card, zoomed=not viewed.analysis.centred)
        st.caption(model_line(card, viewed.analysis))
    return viewed


def _photo(viewed: Viewed, chosen: Chosen, card: Card) -> None:
    if viewed.analysis.status == OK:
        photo_view(viewed)
    else:
        plain_photo(viewed)
    _of_photo(viewed, chosen, card)


def _of_photo(viewed: Viewed, chosen: Chosen, card: Card) -> None:
    """What can be asked of the photo: to read less of it, and what its archive says."""
    if viewed.analysis.outline is not None:
        st.toggle(
            text("analyze.zoom"),
            key="analyze_zoom",
            help=text("analyze.zoom_help"),
            persist_state="session",
        )
    # Of a photo that cannot be read the one before is still shown, which is not of the archive.
    if chosen.archive is not None and viewed.shows(chosen.data):
        told_of_photo(chosen.archive, card)


def _viewed(chosen: Chosen, card: Card, mode: str, above: DeltaGenerator) -> Viewed | None:
    """The analysis to show, or None: of a bad photo the user's one before. above: for faults."""
    zoomed = bool(st.session_state.get("analyze_zoom"))
    try:
        with st.spinner(text("analyze.busy"), show_time=False):
            return view(
                chosen.name,
                chosen.data,
                card.name,
                example=chosen.example,
                mode=mode,
                zoomed=zoomed,
            )
    except BadImage as fault:
        above.error(
            text("analyze.faulty", name=plain_name(chosen.name), sentence=told(fault)),
            icon=":material/broken_image:",
        )
        before = last_viewed()
        # Neither another model's answer under this one's name, nor an example's under a photo's.
        if before is None or before.analysis.model != card.name or before.example:
            return None
        above.caption(text("analyze.still", name=sample_title(plain_name(before.name))))
        return before
    except ZooError as fault:
        above.error(told(fault), icon=":material/error:")
        return None


def _folded(viewed: Viewed, card: Card) -> None:
    """Nothing; puts all that tells of the answer under one fold, since the status leads."""
    with st.expander(text("analyze.folded")):
        photo, answer = st.columns([5, 6], gap="large")
        with photo:
            photo_view(viewed)
        with answer:
            _probabilities(viewed, card)
        _below(viewed, card)


def _probabilities(viewed: Viewed, card: Card) -> None:
    st.markdown(f"## {text('analyze.probabilities')}", help=text("analyze.probabilities_note"))
    answer_bars(viewed.analysis, card, key="analyze_chart")
    spread_of_answers(viewed.analysis, card)


def _below(viewed: Viewed, card: Card) -> None:
    """What is read after the answer: the class, the numbers of the lesion, and more questions."""
    analysis = viewed.analysis
    names = ("analyze.tab_class", "abcd.title", "decide.title", "changes.title", "similar.title")
    learn, numbers, line, change, similar = st.tabs([text(name) for name in names])
    with learn:
        leading = analysis.label
        st.markdown(f"**{text('analyze.learn', name=class_name(leading))}**")
        st.markdown(text(f"classes.{leading}.text"))
        source = text(f"classes.{leading}.source")
        st.caption(text("analyze.source_of_text", source=source))
    with numbers:
        abcd_numbers(analysis)
    with line:
        decide(card, viewed.mode, key="analyze_decide", analysis=analysis)
    with change:
        what_would_change_it(viewed)
    with similar:
        similar_cases(viewed)


def _downloads(viewed: Viewed, card: Card) -> None:
    record = {**viewed.analysis.record(viewed.name), "notice": NOTICE}
    as_json, as_html, as_pdf, _ = st.columns([2, 2, 2, 3])
    as_json.download_button(
        text("analyze.download"),
        json.dumps(record, ensure_ascii=False, indent=1),
        "lesionlens.json",
        "application/json",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
    )
    printed = ENGLISH if language() in report.NOT_IN_PDF else language()
    for column, kind, write, mime, made in (
        (as_html, "html", report.to_html, "text/html", _report(viewed, card, language())),
        (as_pdf, "pdf", report.to_pdf, "application/pdf", _report(viewed, card, printed)),
    ):
        column.download_button(
            text(f"analyze.report_{kind}"),
            lambda write=write, made=made: write(made()),
            f"lesionlens_report.{kind}",
            mime,
            on_click="ignore",
            icon=":material/description:",
            width="stretch",
        )
    if printed != language():
        st.caption(text("analyze.pdf_english"))


def _report(viewed: Viewed, card: Card, spoken: str):
    """What makes the report of the analysis in this language, once it is asked for."""

    def make() -> report.Report:
        with in_language(spoken):  # it is asked for outside of a run of the page
            return _made(viewed, card)

    return make


def _made(viewed: Viewed, card: Card) -> report.Report:
    """The report of the analysis, in the language at hand."""
    analysis = viewed.analysis
    found = analysis.outline is not None
    plain = text("report.caption_outline" if found else "report.caption_photo")
    pictures = [(viewed.with_outline(), plain)]
    if analysis.heatmaps is not None and analysis.readable:
        heat = picture(viewed, analysis.label, REPORT_OPACITY, outline=found)
        caption = text("report.caption_heatmap", label=class_name(analysis.label))
        pictures.append((heat, ". ".join(filter(None, (caption, of_one_view(analysis))))))
    now = datetime.now(UTC)
    return report.make(viewed.name, pictures, analysis, card, viewed.model_sha256, now, viewed.mode)


page()
