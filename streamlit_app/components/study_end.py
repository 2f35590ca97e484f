"""The end of a round: scores beside the model's, tables, where they disagreed, results as CSV."""

import plotly.graph_objects as go
import streamlit as st

from model_zoo import NOTICE
from model_zoo.images import decode_rgb
from model_zoo.labels import CODES
from streamlit_app import study
from streamlit_app.components.charts import as_table, draw, palette
from streamlit_app.components.model_choice import named
from streamlit_app.components.study_sources import DRAWN, prevalence
from streamlit_app.content import class_name, sample_title, text
from streamlit_app.exports import plain_name
from streamlit_app.study import Answer, Round, leading
from streamlit_app.thumbnails import thumbnail


def study_end(done: Round) -> None:
    """Nothing; draws the end of a round."""
    answers, source = done.answers, st.session_state["study_source_used"]
    st.header(text("study.end_title"), anchor=False)
    if source == DRAWN:
        st.warning(text("study.drawn_end"), icon=":material/draw:")
    if not answers:
        st.info(text("study.nothing_answered"), icon=":material/info:")
    else:
        _readers(done)
        _scores(done)
        if done.drill:
            _drill(done)
        if study.counted(answers):
            left, right = st.columns([1, 1], gap="large")
            with left:
                _by_class(done)
            with right:
                _confusion(done)
            _disagreements(done)
        st.caption(prevalence(source))
        st.download_button(
            text("study.csv"),
            study.to_csv(answers, NOTICE),
            "lesionlens_study.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
    if st.button(text("study.another"), type="primary"):
        del st.session_state["study_round"]
        st.rerun()


def _readers(done: Round) -> None:
    """Nothing; names the network that the learner is scored against, or each if it was changed."""
    for reader in dict.fromkeys(answer.reader for answer in done.answers):
        model, views = named(reader.model), text(f"report.{reader.mode}")
        st.caption(text("study.read_by", model=model, views=views, digest=reader.digest[:12]))


def _scores(done: Round) -> None:
    both = study.scores(done.answers)
    left_out = sum(answer.case.known is True for answer in done.answers)
    unknown = sum(answer.case.known is None for answer in done.answers)
    if both is not None:
        learner, model = both
        columns = st.columns(4)
        for column, name, value in (
            (columns[0], "hits_you", f"{learner.hits:.0%}"),
            (columns[1], "hits_model", f"{model.hits:.0%}"),
            (columns[2], "brier_you", f"{learner.brier:.2f}"),
            (columns[3], "brier_model", f"{model.brier:.2f}"),
        ):
            column.metric(text(f"study.{name}"), value, border=True)
        st.caption(f"{text('study.brier_note', n=learner.n)} {text('study.chance')}")
    if left_out:
        st.warning(text("study.left_out", count=left_out), icon=":material/history_edu:")
    if unknown:
        st.warning(text("study.left_out_unknown", count=unknown), icon=":material/help:")


def _drill(done: Round) -> None:
    """Nothing; draws which answers were made wrong, with what was shown and what was said."""
    became = study.drilled(done.answers)
    words = text(
        "study.drill_end",
        answers=len(done.answers),
        misled=len(became.misled),
        followed=became.followed,
        own_faults=became.own_faults,
    )
    st.info(words, icon=":material/psychology:")
    if not became.misled:
        return
    with st.expander(text("study.made_wrong", count=len(became.misled)), expanded=True):
        for answer in became.misled:
            _case(
                done,
                answer,
                text(
                    "study.made_wrong_case",
                    name=_name(answer),
                    model=class_name(leading(answer.model)),
                    shown=class_name(leading(answer.shown)),
                    first=class_name(answer.first),
                    last=class_name(answer.last),
                ),
            )


def _by_class(done: Round) -> None:
    st.markdown(f"**{text('study.by_class')}**")
    rows = [
        f"| {class_name(code)} | {hits} / {cases} |"
        for code, (hits, cases) in study.by_class(done.answers).items()
    ]
    head = f"| {text('analyze.class_column')} | {text('study.hits_column')} |"
    st.markdown("\n".join([head, "|---|---:|", *rows]))


def _confusion(done: Round) -> None:
    st.markdown(f"**{text('study.confusion')}**")
    counts = study.confusion(done.answers)
    colours = palette()
    figure = go.Figure(
        go.Heatmap(
            z=counts,
            x=list(CODES),
            y=list(CODES),
            text=[[str(n) if n else "" for n in row] for row in counts],
            texttemplate="%{text}",
            colorscale=[[0, colours.pale], [1, colours.first]],
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate=text("study.confusion_hover") + "<extra></extra>",
        )
    )
    told = "; ".join(
        f"{t}: {s} {counts[i, j]}"
        for i, t in enumerate(CODES)
        for j, s in enumerate(CODES)
        if counts[i, j]
    )
    draw(
        figure,
        key="study_confusion",
        alt=told,
        height=320,
        xaxis={"title": text("study.said"), "showgrid": False},
        yaxis={"title": text("study.truth"), "autorange": "reversed", "showgrid": False},
    )
    as_table(
        [f"{text('study.truth')} \\ {text('study.said')}", *CODES],
        [[class_name(code), *row] for code, row in zip(CODES, counts.tolist(), strict=True)],
    )


def _disagreements(done: Round) -> None:
    parted = study.disagreements(done.answers)
    with st.expander(text("study.disagreed", count=len(parted))):
        if done.drill:
            st.caption(text("study.disagreed_drill"))
        for answer in parted:
            _case(
                done,
                answer,
                text(
                    "study.disagreement",
                    name=_name(answer),
                    truth=class_name(answer.case.label),
                    said=class_name(answer.first),
                    model=class_name(leading(answer.model)),
                ),
            )


def _case(done: Round, answer: Answer, words: str) -> None:
    """Nothing; draws words about an answer beside its photo."""
    picture, beside = st.columns([1, 4], vertical_alignment="center")
    small = thumbnail(decode_rgb(answer.case.data), 220)
    number = 1 + [given is answer for given in done.answers].index(True)
    alt = text("study.alt_case", number=number, truth=class_name(answer.case.label))
    picture.image(small, alt=alt, width=110)
    beside.markdown(words)


def _name(answer: Answer) -> str:
    return plain_name(sample_title(answer.case.name))
