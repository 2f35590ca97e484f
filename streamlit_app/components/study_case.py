"""One case of a round: commit, look at the model's view, in a drill decide again, see the truth."""

import numpy as np
import streamlit as st

from model_zoo.analysis import Analysis
from model_zoo.errors import ZooError
from model_zoo.images import decode_rgb
from model_zoo.labels import CODES
from model_zoo.overlay import frame, paint
from streamlit_app.admission import turns
from streamlit_app.cache import classifier
from streamlit_app.components.overload import overload_told
from streamlit_app.components.probabilities import bars_with_table
from streamlit_app.components.verdict import sentence
from streamlit_app.content import class_name, sample_title, text, told
from streamlit_app.exports import plain_name
from streamlit_app.study import CONFIDENCES, Answer, Round, StudyCase, leading

OPACITY = 0.5


def study_case(under_way: Round, model: str, mode: str) -> None:
    """Nothing; draws the current case of a round. mode: how the model is asked (see `trust`)."""
    case, place = under_way.current, len(under_way.answers)
    st.progress(
        place / len(under_way.cases),
        text("study.progress", place=place + 1, length=len(under_way.cases)),
    )
    with overload_told():
        _draw(under_way, case, model, mode)


def _draw(under_way: Round, case: StudyCase, model: str, mode: str) -> None:
    try:
        rgb, analysis = _read(case.data, model, mode)
    except ZooError as fault:
        if fault.code == "busy":
            raise  # a matter of the moment: no reason to leave the case out
        st.error(f"{sample_title(plain_name(case.name))}: {told(fault)}", icon=":material/error:")
        if st.button(text("study.skip")):
            _leave_out(under_way)
        return
    known = dict(analysis.ranked())  # an own model may have fewer classes
    probabilities = np.array([known.get(code, 0.0) for code in CODES])
    committed = st.session_state.get("study_committed")
    left, right = st.columns([1, 1], gap="large")
    with left:
        _picture(rgb, analysis, under_way.shown(probabilities), case, open_=committed is not None)
    with right:
        if committed is None:
            _commit()
        elif under_way.drill and "study_last" not in st.session_state:
            _decide_again(analysis, under_way.shown(probabilities), committed[0])
        else:
            _reveal(under_way, analysis, probabilities, committed)
            if (
                not analysis.readable
            ):  # it counts all the same: refusing it is the network's weakness
                st.warning(sentence(analysis), icon=":material/block:")


@st.cache_data(show_spinner=False, max_entries=8)
def _read(data: bytes, model: str, mode: str) -> tuple[np.ndarray, Analysis]:
    rgb = decode_rgb(data)
    with turns.turn():
        return rgb, classifier(model, mode).analyse(rgb)


def _picture(
    rgb: np.ndarray, analysis: Analysis, shown: np.ndarray, case: StudyCase, *, open_: bool
) -> None:
    """The photo; once the learner has committed, with the heatmap of the class that is shown."""
    heatmap = analysis.heatmap(leading(shown)) if open_ else None
    if heatmap is None:
        st.image(rgb, alt=text("study.alt_photo"), width="stretch", output_format="JPEG")
    else:
        painted = frame(paint(rgb, analysis.box, heatmap, OPACITY), analysis.box)
        name = class_name(leading(shown))
        alt = text("study.alt_heatmap", label=name)
        st.image(painted, alt=alt, width="stretch", output_format="JPEG")
        st.caption(text("study.heatmap_of", label=name))
    if case.attribution:
        st.caption(text("study.thanks", attribution=plain_name(case.attribution)))


def _commit() -> None:
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
            format_func=lambda name: text(f"study.{name}"),
            key="study_confidence",
            width="stretch",
        )
        pressed = st.form_submit_button(text("study.commit"), type="primary", width="stretch")
    if not pressed:
        return
    if first is None or confidence is None:
        st.warning(text("study.both"), icon=":material/edit:")
        return
    st.session_state["study_committed"] = (first, confidence)
    st.rerun()


def _bars(analysis: Analysis, shown: np.ndarray, *, key: str, truth: str | None = None) -> None:
    """Nothing; draws what the learner is shown of the classes that the model knows."""
    of_class = zip(CODES, shown.tolist(), strict=True)
    pairs = [(code, value) for code, value in of_class if code in analysis.labels]
    bars_with_table(pairs, key=key, truth=truth)


def _decide_again(analysis: Analysis, shown: np.ndarray, first: str) -> None:
    _bars(analysis, shown, key="study_drill_chart")
    st.markdown(text("study.yours", label=class_name(first)))
    last = st.selectbox(
        text("study.again"),
        CODES,
        index=CODES.index(first),
        format_func=class_name,
        key="study_again",
    )
    if st.button(text("study.settle"), type="primary", width="stretch"):
        st.session_state["study_last"] = last
        st.rerun()


def _reveal(
    under_way: Round, analysis: Analysis, probabilities: np.ndarray, committed: tuple[str, str]
) -> None:
    case, (first, confidence) = under_way.current, committed
    last = st.session_state.get("study_last", first)
    truth = class_name(case.label)
    if last == case.label:
        st.success(text("study.right", truth=truth), icon=":material/check:")
    else:
        said = class_name(last)
        st.error(text("study.wrong", truth=truth, said=said), icon=":material/close:")
    if case.confirmation:
        st.caption(text(f"archive.by_{case.confirmation}"))
    if case.known:
        st.warning(text("study.known"), icon=":material/history_edu:")
    elif case.known is None:
        st.warning(text("study.known_unknown"), icon=":material/help:")
    if case.label not in analysis.labels:
        st.warning(text("study.no_class", truth=truth), icon=":material/help:")
    shown = under_way.shown(probabilities)
    _bars(analysis, shown, key="study_chart", truth=case.label)
    st.caption(text(f"classes.{case.label}.text"))
    is_last = len(under_way.answers) + 1 == len(under_way.cases)
    if st.button(
        text("study.finish" if is_last else "study.next"), type="primary", width="stretch"
    ):
        answer = Answer(case, first, confidence, last, probabilities, shown)
        st.session_state["study_round"] = under_way.answered(answer)
        _forget()
        st.rerun()


def _leave_out(under_way: Round) -> None:
    """Nothing; goes on without a case that cannot be read."""
    st.session_state["study_round"] = under_way.without_current()
    _forget()
    st.rerun()


def _forget() -> None:
    for key in ("study_committed", "study_last", "study_first", "study_confidence", "study_again"):
        st.session_state.pop(key, None)
