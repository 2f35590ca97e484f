"""One case of a round: commit, look at the model's view, in a drill decide again, see the truth."""

import dataclasses

import numpy as np
import streamlit as st

from model_zoo.analysis import Analysis
from model_zoo.errors import ZooError
from model_zoo.images import decode_rgb
from model_zoo.labels import CODES
from model_zoo.overlay import frame, paint
from model_zoo.trust import UNCERTAIN
from streamlit_app.admission import turns
from streamlit_app.cache import classifier
from streamlit_app.components.loaded import loaded
from streamlit_app.components.overload import overload_told
from streamlit_app.components.photo_view import heatmap_told
from streamlit_app.components.probabilities import bars_with_table
from streamlit_app.components.verdict import sentence
from streamlit_app.content import class_name, sample_title, text, told
from streamlit_app.exports import plain_name
from streamlit_app.reader import Reader
from streamlit_app.study import CONFIDENCES, Answer, Round, StudyCase, leading

OPACITY = 0.5
# Where a session keeps the answer to the current case, and whether a drill's may not change again.
COMMITTED, SETTLED = "study_committed", "study_settled"


def study_case(under_way: Round, model: str, mode: str) -> None:
    """Nothing; draws the current case of a round. mode: how the model is asked (see `trust`)."""
    case, place = under_way.current, len(under_way.answers)
    bar, button = st.columns([5, 1], vertical_alignment="center")
    bar.progress(
        (place + (COMMITTED in st.session_state)) / len(under_way.cases),
        text("study.progress", place=place + 1, length=len(under_way.cases)),
    )
    if button.button(text("study.end"), icon=":material/stop:", width="stretch"):
        # What is committed counts: in a drill its wrong answer may have been seen already.
        _go_on(under_way.ended(st.session_state.get(COMMITTED)))
    if loaded(model, mode) is None:
        _offer_to_skip(under_way)
        return
    with overload_told():
        _draw(under_way, case, model, mode)


def _draw(under_way: Round, case: StudyCase, model: str, mode: str) -> None:
    try:
        rgb, analysis, reader = _read(case.data, model, mode)
    except ZooError as fault:
        if fault.code == "busy":
            raise  # a matter of the moment: no reason to leave the case out
        st.error(f"{sample_title(plain_name(case.name))}: {told(fault)}", icon=":material/error:")
        _offer_to_skip(under_way)
        return
    answer: Answer | None = st.session_state.get(COMMITTED)
    left, right = st.columns([6, 5] if answer is None else [3, 2], gap="large")
    with left:
        _picture(rgb, analysis, case, answer)
    with right:
        if answer is None:
            known = dict(analysis.ranked())  # an own model may have fewer classes
            _commit(under_way, np.array([known.get(code, 0.0) for code in CODES]), reader)
        elif under_way.drill and SETTLED not in st.session_state:
            _decide_again(analysis, answer)
        else:
            _reveal(under_way, analysis, answer)


@st.cache_data(show_spinner=False, max_entries=8, ttl=3600)
def _read(data: bytes, model: str, mode: str) -> tuple[np.ndarray, Analysis, Reader]:
    rgb, network = decode_rgb(data), classifier(model, mode)
    # Kept with the answer: by the end of a round another file may stand under the name.
    reader = Reader(model, network.digest(), mode)
    with turns.turn():
        return rgb, network.analyse(rgb), reader


def _picture(rgb: np.ndarray, analysis: Analysis, case: StudyCase, answer: Answer | None) -> None:
    """The photo; beside it, once the learner has committed, the heatmap of the class shown."""
    heatmap = analysis.heatmap(leading(answer.shown)) if answer else None
    plain, painted = (st, None) if heatmap is None else st.columns(2, gap="small")
    plain.image(rgb, alt=text("study.alt_photo"), width="stretch", output_format="JPEG")
    if painted is not None:
        name = class_name(leading(answer.shown))
        drawn = frame(paint(rgb, analysis.box, heatmap, OPACITY), analysis.box)
        alt = text("study.alt_heatmap", label=name)
        painted.image(drawn, alt=alt, width="stretch", output_format="JPEG")
        st.caption(heatmap_told(analysis, leading(answer.shown)))
    if case.attribution:
        st.caption(text("study.thanks", attribution=plain_name(case.attribution)))


def _commit(under_way: Round, probabilities: np.ndarray, reader: Reader) -> None:
    """Nothing; asks for the learner's answer. probabilities: the model's, (K,); reader: it."""
    with st.form("study_commit", border=False):
        first = st.radio(
            text("study.question"),
            CODES,
            index=None,
            format_func=class_name,
            key="study_first",
        )
        confidence = st.segmented_control(
            text("study.how_sure"),
            list(CONFIDENCES),
            format_func=_as_sure,
            key="study_confidence",
            width="stretch",
        )
        pressed = st.form_submit_button(text("study.commit"), type="primary", width="stretch")
    if not pressed:
        return
    if first is None or confidence is None:
        st.warning(text("study.both"), icon=":material/edit:")
        return
    shown = under_way.shown(probabilities)
    answer = Answer(under_way.current, first, confidence, first, probabilities, shown, reader)
    st.session_state[COMMITTED] = answer
    st.rerun()


def _as_sure(name: str) -> str:
    """How sure the learner is, in words and as the share that the score counts it as."""
    share = round(100 * CONFIDENCES[name])
    return text("study.as_sure", words=text(f"study.{name}"), share=share)


def _bars(analysis: Analysis, answer: Answer, *, key: str, truth: str | None = None) -> None:
    """Nothing; draws what the learner is shown of the classes that the model knows."""
    of_class = zip(CODES, answer.shown.tolist(), strict=True)
    pairs = [(code, value) for code, value in of_class if code in analysis.labels]
    bars_with_table(pairs, key=key, truth=truth)


def _decide_again(analysis: Analysis, answer: Answer) -> None:
    _bars(analysis, answer, key="study_drill_chart")
    st.markdown(text("study.yours", label=class_name(answer.first)))
    last = st.selectbox(
        text("study.again"),
        CODES,
        index=CODES.index(answer.first),
        format_func=class_name,
        key="study_again",
    )
    if st.button(text("study.settle"), type="primary", width="stretch"):
        st.session_state[COMMITTED] = dataclasses.replace(answer, last=last)
        st.session_state[SETTLED] = True
        st.rerun()


def _reveal(under_way: Round, analysis: Analysis, answer: Answer) -> None:
    case, truth = answer.case, class_name(answer.case.label)
    if answer.last == case.label:
        st.success(text("study.right", truth=truth), icon=":material/check:")
    else:
        said = class_name(answer.last)
        st.error(text("study.wrong", truth=truth, said=said), icon=":material/close:")
    if case.confirmation:
        st.caption(text(f"archive.by_{case.confirmation}"))
    if case.known:
        st.warning(text("study.known"), icon=":material/history_edu:")
    elif case.known is None:
        st.warning(text("study.known_unknown"), icon=":material/help:")
    if case.label not in analysis.labels:
        st.warning(text("study.no_class", truth=truth), icon=":material/help:")
    if not analysis.readable:  # it counts all the same: refusing it is the network's weakness
        st.warning(sentence(analysis), icon=":material/block:")
    elif analysis.status == UNCERTAIN:
        st.caption(sentence(analysis))
    _bars(analysis, answer, key="study_chart", truth=case.label)
    st.caption(text(f"classes.{case.label}.text"))
    is_last = len(under_way.answers) + 1 == len(under_way.cases)
    words = text("study.finish" if is_last else "study.next")
    if st.button(words, type="primary", width="stretch"):
        _go_on(under_way.answered(answer))


def _offer_to_skip(under_way: Round) -> None:
    """Nothing; on request goes on without a case that cannot be read."""
    if st.button(text("study.skip")):
        _go_on(under_way.without_current())


def _go_on(after: Round) -> None:
    """Nothing; draws the page anew with a round that has come further, or to its end."""
    st.session_state["study_round"] = after
    for key in (COMMITTED, SETTLED, "study_first", "study_confidence", "study_again"):
        st.session_state.pop(key, None)
    st.rerun()
