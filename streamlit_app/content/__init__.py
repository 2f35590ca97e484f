"""The words of the app, one TOML file a language.

A translation has every key of `en.toml` and, beside these, what English keeps elsewhere: the names
of the classes (model_zoo/labels.py), the sentences of the errors (model_zoo/errors.toml), the
titles of the drawn samples (samples/index.toml) and what the cards of bundled models say.
"""

import functools
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from model_zoo.errors import ZooError
from model_zoo.labels import BY_CODE

ENGLISH, PERSIAN = "en", "fa"
LANGUAGES = {ENGLISH: "English", "de": "Deutsch", "es": "Español", PERSIAN: "فارسی"}
RIGHT_TO_LEFT = {PERSIAN}
CHOSEN = "language"  # where a session keeps its visitor's language
LEFT_TO_RIGHT, END = "\u2066", "\u2069"  # begin and end what is read on its own
NARROW_SPACE = "\u202f"  # at which no line breaks
LOGO = Path(__file__).with_name("logo.svg")

_said_in: ContextVar[str | None] = ContextVar("said_in", default=None)


def language() -> str:
    """The code of the visitor's language, one of `LANGUAGES`; English where there is no visitor."""
    said = _said_in.get()
    if said is not None:
        return said
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    return st.session_state.get(CHOSEN, ENGLISH)


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Nothing; all words inside of it are of this language, whoever asks for them."""
    before = _said_in.set(code)
    try:
        yield
    finally:
        _said_in.reset(before)


def direction() -> str:
    """Where the visitor's language begins to read: "ltr" or "rtl"."""
    return "rtl" if language() in RIGHT_TO_LEFT else "ltr"


def text(key: str, **parameters: object) -> str:
    """The words of a dotted key, such as "analyze.title", with parameters filled in.

    In the visitor's language; where a translation lacks them, in English. Raises `KeyError`.
    """
    found = _find(language(), key)
    if found is None:
        found = _find(ENGLISH, key)
    if found is None:
        raise KeyError(key)
    return found.format(**parameters) if parameters else found


def class_name(code: str) -> str:
    """The full name of a class in the visitor's language."""
    return _find(language(), f"classes.{code}.name") or BY_CODE[code].name


def group_name(code: str) -> str:
    """The group of a class in the visitor's language, in the gender of the class's name."""
    return _find(language(), f"classes.{code}.group") or text(f"groups.{BY_CODE[code].group}")


def sample_title(english: str) -> str:
    """The title of a drawn sample in the visitor's language; any other name of a photo as it is."""
    return _words(language()).get("samples", {}).get(english, english)


def card_words(english: str) -> str:
    """Words of a model's card in the visitor's language; in English where they are not translated.

    What stays English reads from left to right also among words that do not.
    """
    translated = _words(language()).get("cards", {}).get(english)
    if translated is not None:
        return translated
    return f"{LEFT_TO_RIGHT}{english}{END}" if english and direction() == "rtl" else english


def listed(words: Iterable[str]) -> str:
    """Words one after the other, with the comma of the visitor's language between them."""
    return ("، " if language() == PERSIAN else ", ").join(words)


def thousands(number: int) -> str:
    """A whole number with its thousands apart; beyond English by a space, since a comma may mean
    the decimal point there."""
    separated = f"{number:,}"
    return separated if language() == ENGLISH else separated.replace(",", NARROW_SPACE)


def told(fault: ZooError) -> str:
    """The sentence of an error in the visitor's language, its parameters as they came."""
    sentence = _find(language(), f"errors.{fault.code}")
    return str(fault) if sentence is None else sentence.format(**fault.parameters)


def _find(code: str, key: str) -> str | None:
    value: object = _words(code)
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


@functools.cache
def _words(code: str) -> dict:
    file = Path(__file__).with_name(f"{code}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
