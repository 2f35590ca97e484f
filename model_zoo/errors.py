"""Errors that a person can act on: a stable code, its parameters, and an English sentence.

The sentences live in `errors.toml` beside this file, because the command line prints them and
this package may not import the app. The app may translate a code; it never invents a sentence.
"""

import functools
import tomllib
from pathlib import Path

SENTENCES: dict[str, str] = tomllib.loads(
    Path(__file__).with_name("errors.toml").read_text(encoding="utf-8")
)


class ZooError(Exception):
    """Something a person can mend, with `code`, `parameters` and a sentence as its text."""

    def __init__(self, code: str, **parameters: object) -> None:
        self.code = code
        self.parameters = parameters
        super().__init__(SENTENCES[code].format(**parameters))

    def __reduce__(self) -> tuple:
        # What is raised in another process has to be made anew here, code and parameters alike.
        return functools.partial(type(self), self.code, **self.parameters), ()


class BadImage(ZooError):
    """A file that cannot be read as one photo."""


class BadModel(ZooError):
    """A model file or card that cannot be used."""


class BadDownload(ZooError):
    """A download that did not end in the expected file."""


class BadData(ZooError):
    """A folder, table or recipe that training cannot use."""
