"""Photos of the ISIC Archive, listed and fetched once for all visitors, and kept for a while."""

import random

import streamlit as st

from model_zoo.errors import ZooError
from model_zoo.labels import CODES
from streamlit_app import isic_archive
from streamlit_app.isic_archive import ArchivePhoto

# More faults than this in one round are no matter of single photos.
MOST_FAULTS = 5
# Of the connection, not of what was asked for: the next question would meet the same.
WITHOUT_ANSWER = ("archive_unreachable", "archive_slow")


def photos(code: str, count: int, *, seed: int, faults: list[ZooError]) -> list[ArchivePhoto]:
    """Up to `count` public-domain dermoscopy photos of a class, drawn at random, one a lesion.

    What cannot be had is left out for what was drawn next, and why is added to the faults of the
    round. Raises the last of them once there are more than `MOST_FAULTS`, and at once where the
    archive does not answer when it is asked for its list.
    """
    found: list[ArchivePhoto] = []
    for lesion in _drawn(code, seed, faults):
        if len(found) == count:
            break
        try:
            found.append(_photo(code, lesion))
        except ZooError as fault:
            _add(fault, faults)
        else:
            if found[-1].lesion_photos is None:  # perhaps of the moment: the next one asks anew
                _photo.clear(code, lesion)
    return found


def _drawn(code: str, seed: int, faults: list[ZooError]) -> list[list[dict]]:
    """The lesions of a class in a drawn order, none where they cannot be listed."""
    try:
        lesions = _listing(code)
    except ZooError as fault:
        if fault.code in WITHOUT_ANSWER:
            raise
        _add(fault, faults)
        return []
    random.Random(seed).shuffle(lesions)
    return lesions


def _add(fault: ZooError, faults: list[ZooError]) -> None:
    faults.append(fault)
    if len(faults) > MOST_FAULTS:
        raise fault


# Public-domain photos and what is said of them may be shared by all visitors, for a while.
@st.cache_data(show_spinner=False, max_entries=len(CODES), ttl=3600)
def _listing(code: str) -> list[list[dict]]:
    return isic_archive.listing(code)


@st.cache_data(show_spinner=False, max_entries=60, ttl=3600)
def _photo(code: str, lesion: list[dict]) -> ArchivePhoto:
    return isic_archive.fetch(code, lesion)
