"""The words of the app, one TOML file a language."""

import functools
import tomllib
from pathlib import Path

LANGUAGE = "en"
LOGO = Path(__file__).with_name("logo.svg")


def text(key: str, **parameters: object) -> str:
    """The words of a dotted key, such as "analyze.title", with parameters filled in."""
    value: object = _words(LANGUAGE)
    for part in key.split("."):
        value = value[part]
    return value.format(**parameters) if parameters else value


@functools.cache
def _words(language: str) -> dict:
    file = Path(__file__).with_name(f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
