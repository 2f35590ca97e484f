"""Where the cases of a round come from: a folder of the operator, the ISIC Archive, or drawings."""

import os
import random
from collections import Counter
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from model_zoo.card import Card
from model_zoo.cases import photo_path, read_cases
from model_zoo.errors import ZooError
from model_zoo.labels import CODES
from model_zoo.training_ids import TrainingIds, training_ids
from streamlit_app import archive_shared, isic_archive
from streamlit_app.components.photo_source import SAMPLES, samples
from streamlit_app.content import class_name, listed, text
from streamlit_app.study import StudyCase

# The operator's own folder of confirmed cases in the ISIC 2019 layout.
FOLDER_VARIABLE = "LESIONLENS_CASES"
FOLDER, ARCHIVE, DRAWN = "folder", "archive", "drawn"


def sources() -> list[str]:
    """The sources that this server has, the best first."""
    return [FOLDER, ARCHIVE, DRAWN] if os.environ.get(FOLDER_VARIABLE) else [ARCHIVE, DRAWN]


def note(source: str) -> str:
    """What the cases of a source are, and what is known of them."""
    if source == ARCHIVE:
        return text("study.archive_note", most=isic_archive.MOST)
    return text(f"study.{source}_note")


def prevalence(source: str) -> str:
    """How often the classes come in a round of a source, beside a clinic."""
    if source != DRAWN:
        return text("study.prevalence")
    drawn = Counter(entry["pattern_of"] for entry in samples().values())
    missing = listed(class_name(code) for code in CODES if code not in drawn)
    return text("study.drawn_prevalence", count=drawn.total(), nevi=drawn["NV"], missing=missing)


def cases(source: str, card: Card, length: int, seed: int) -> list[StudyCase]:
    """Cases to draw a round from, each marked if the model was trained on its lesion.

    A model without a list of what it was trained on leaves that unknown, but for drawings.
    Raises `ZooError` where a folder or the archive cannot be read.
    """
    known = training_ids(card)
    if source == FOLDER:
        return _of_folder(known, length, seed)
    if source == ARCHIVE:
        return _of_archive(known, length, seed)
    return [
        StudyCase(
            entry["title"],
            entry["pattern_of"],
            (SAMPLES / entry["file"]).read_bytes(),
            False,
        )
        for entry in samples().values()
    ]


def _of_folder(known: TrainingIds | None, length: int, seed: int) -> list[StudyCase]:
    """Enough cases of each class for any round of this length, drawn at random."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    of_class: dict[str, list] = {code: [] for code in CODES}
    for case in read_cases(folder):
        of_class[case.label].append(case)
    drawn = random.Random(seed)
    chosen = []
    for members in of_class.values():
        drawn.shuffle(members)
        present = (case for case in members if photo_path(folder, case.image).is_file())
        chosen += [case for case, _ in zip(present, range(length), strict=False)]
    return [
        StudyCase(
            case.image,
            case.label,
            photo_path(folder, case.image).read_bytes(),
            None if known is None else known.tell(case.image, case.lesion_id),
        )
        for case in chosen
    ]


def _of_archive(known: TrainingIds | None, length: int, seed: int) -> list[StudyCase]:
    """Photos of every class, a few more than an even round needs."""
    each = -(-length // len(CODES)) + 1
    place = st.empty()
    faults: list[ZooError] = []
    try:
        found = _each_class(known, each, seed, place, faults)
    finally:
        place.empty()
    if faults and len(found) < length:
        raise ZooError("archive_too_few", found=len(found), wanted=length)
    return found


def _each_class(
    known: TrainingIds | None, each: int, seed: int, place: DeltaGenerator, faults: list[ZooError]
) -> list[StudyCase]:
    found: list[StudyCase] = []
    for index, code in enumerate(CODES):
        place.progress(index / len(CODES), class_name(code))
        found += [
            StudyCase(
                photo.isic_id,
                photo.label,
                photo.data,
                photo.trained_on(known),
                photo.attribution,
                photo.confirmation,
            )
            for photo in archive_shared.photos(code, each, seed=seed, faults=faults)
        ]
    return found
