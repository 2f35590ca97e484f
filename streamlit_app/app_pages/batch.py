"""Batch: many photos at once, a row for each, as a table and as CSV."""

import base64

import streamlit as st

from model_zoo import NOTICE
from model_zoo.card import Card
from model_zoo.errors import ZooError
from model_zoo.images import SUFFIXES
from model_zoo.trust import known_group
from streamlit_app.batch import (
    ABSENT_SECONDS,
    MOST_BYTES,
    MOST_PHOTOS,
    Job,
    Row,
    queue,
    worth_drawing,
)
from streamlit_app.batch_csv import to_csv, without_answer
from streamlit_app.components.loaded import loaded
from streamlit_app.components.model_choice import choose_mode, choose_model, named
from streamlit_app.content import class_name, text, told
from streamlit_app.exports import plain_name
from streamlit_app.reader import Reader
from streamlit_app.uploads import visitor_present

REFRESH_SECONDS = 1.0
MOST_NAMED = 200  # of those left out, on the page; the CSV has all


def page() -> None:
    """Nothing; draws the page."""
    left, right = st.columns([7, 4], gap="large")
    with left:
        uploads = st.file_uploader(
            text("batch.upload", photos=MOST_PHOTOS, megabytes=MOST_BYTES >> 20),
            type=[*SUFFIXES, ".zip"],
            accept_multiple_files=True,
            max_upload_size=MOST_BYTES >> 20,
            key="batch_upload",
        )
    with right:
        card = choose_model()
        mode = choose_mode()
        pressed = st.button(
            text("batch.start"),
            type="primary",
            width="stretch",
            disabled=not uploads or card is None or _running(),
        )
    if pressed:
        _start(uploads, card, mode)
    if "batch_job" in st.session_state:
        _progress()
    else:
        st.info(text("batch.empty"), icon=":material/photo_library:")


def _running() -> bool:
    job = st.session_state.get("batch_job")
    return job is not None and job.running


def _start(uploads: list, card: Card, mode: str) -> None:
    """Nothing; begins to read what was uploaded, in the place of what was read before.

    What was read before stays where the model cannot be loaded.
    """
    reader = loaded(card.name, mode)
    if reader is None:
        return
    if "batch_job" in st.session_state:
        st.session_state["batch_job"].stop()
    waiting = queue([(given.name, given.getvalue()) for given in uploads])
    st.session_state["batch_left_out"] = waiting.left_out
    st.session_state["batch_labels"] = card.labels
    st.session_state["batch_reader"] = Reader(card.name, reader.digest(), mode)
    st.session_state["batch_job"] = Job(reader, waiting.photos, visitor_present())


def _progress() -> None:
    job: Job = st.session_state["batch_job"]
    running = job.running
    rows = list(job.rows)
    reader: Reader = st.session_state["batch_reader"]
    if running:
        # The bar alone draws itself every second; it has the table follow.
        st.fragment(_bar, run_every=REFRESH_SECONDS)(job, len(rows))
    elif st.session_state.get("batch_seen") is not job:
        st.session_state["batch_seen"] = job
        st.rerun()  # so that the button above can be pressed again
    if not running and job.unread:
        _tell_unread(job)
    left_out = st.session_state["batch_left_out"]
    if left_out:
        _tell_left_out(left_out, open_=not rows)
    if rows:
        # Another model may be chosen above by now, and these rows stay of the one that read them.
        views = text(f"report.{reader.mode}")
        st.caption(text("batch.read_by", model=named(reader.model), views=views))
        st.fragment(_table)(rows, known_group(st.session_state["batch_labels"]))
    every = [*rows, *without_answer(job.names[len(rows) :], left_out)]
    if every:
        st.download_button(
            text("batch.csv", count=len(every)),
            lambda: to_csv(every, reader, NOTICE),  # made once it is asked for
            "lesionlens_batch.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )


def _tell_unread(job: Job) -> None:
    """Nothing; says how many photos of a batch that has ended were not read, and why."""
    key = "batch.not_read_away" if job.abandoned else "batch.not_read"
    seconds = round(ABSENT_SECONDS)
    words = text(key, count=len(job.unread), total=job.total, seconds=seconds)
    st.warning(words, icon=":material/stop_circle:")


def _tell_left_out(left_out: tuple[tuple[str, ZooError], ...], *, open_: bool) -> None:
    with st.expander(text("batch.left_out", count=len(left_out)), expanded=open_):
        named = [f"- **{plain_name(name)}**: {told(why)}" for name, why in left_out[:MOST_NAMED]]
        st.markdown("\n".join(named))
        if len(left_out) > MOST_NAMED:
            st.markdown(text("batch.left_out_more", count=len(left_out) - MOST_NAMED))


def _bar(job: Job, drawn: int) -> None:
    """Nothing; draws how far the job is, and the page anew when the table below lags behind.

    drawn: the rows in that table.
    """
    done = len(job.rows)
    if not job.running or worth_drawing(drawn, done):
        st.rerun()
    left = job.seconds_left
    eta = (
        text("batch.eta_unknown")
        if left is None
        else text("batch.eta", seconds=max(1, round(left)))
    )
    bar, button = st.columns([5, 1], vertical_alignment="center")
    bar.progress(
        done / max(1, job.total), text("batch.progress", done=done, total=job.total, eta=eta)
    )
    if button.button(text("batch.stop"), icon=":material/stop:", width="stretch"):
        job.stop()


def _table(rows: list[Row], group: tuple[str, ...]) -> None:
    """Nothing; draws the rows. group: of the malignant group the classes that their model knows."""
    statuses = sorted({row.status for row in rows})
    chosen = st.pills(
        text("batch.filter"),
        statuses,
        selection_mode="multi",
        default=None,
        format_func=lambda name: (
            f"{text(f'status.{name}')} · {sum(row.status == name for row in rows)}"
        ),
        key="batch_filter",
        persist_state="session",
    )
    # A filter kept from another batch may name what this one has none of.
    wanted = set(chosen).intersection(statuses)
    kept = [row for row in rows if not wanted or row.status in wanted]
    st.dataframe(
        [_cells(row) for row in kept],
        column_config=_columns(group),
        row_height=72,
        height=600,
        hide_index=True,
        key="batch_table",
    )


def _columns(group: tuple[str, ...]) -> dict[str, object]:
    """How each column is drawn, None for one that is left out."""
    share = {"min_value": 0, "max_value": 1, "format": "%.3f"}
    about = text("decide.group_help", names=", ".join(group))
    malignant = st.column_config.ProgressColumn(text("batch.malignant"), help=about, **share)
    return {
        "photo": st.column_config.ImageColumn(text("batch.photo"), width="small"),
        "name": st.column_config.TextColumn(text("batch.name"), width="medium"),
        "status": text("batch.status"),
        "label": text("batch.leading"),
        "probability": st.column_config.ProgressColumn(text("batch.probability"), **share),
        "malignant": malignant if group else None,
        "problem": st.column_config.TextColumn(text("batch.problem"), width="large"),
    }


def _cells(row: Row) -> dict[str, object]:
    picture = base64.b64encode(row.thumbnail).decode()
    return {
        "photo": f"data:image/jpeg;base64,{picture}" if row.thumbnail else None,
        "name": row.name,
        "status": text(f"status.{row.status}"),
        # Of a photo that allows no reading the table names no class; the CSV has all numbers.
        "label": class_name(row.label) if row.label and row.readable else "",
        "probability": row.probabilities.get(row.label) if row.readable else None,
        "malignant": row.malignant if row.readable else None,
        "problem": _problem(row),
    }


def _problem(row: Row) -> str:
    if row.fault is not None:
        return told(row.fault)
    return " ".join(text(f"advice.{code}") for code in row.failed)


page()
