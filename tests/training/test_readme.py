"""The README says what the cards say, and its commands exist."""

import re
import shlex

import pytest

from training import readme
from training.__main__ import _parser

TEXT = readme.README.read_text(encoding="utf-8")


def test_results_are_those_of_the_cards():
    inside = TEXT.split(readme.BEGIN)[1].split(readme.END)[0].strip()
    assert inside == readme.results()


def test_it_opens_with_the_two_commands():
    head = TEXT[:2500]
    assert "pip install -r requirements.txt && streamlit run streamlit_app/app.py" in head
    assert "pip install -r requirements-dev.txt && pytest -n 2" in head
    assert head.index("Research and teaching only") < head.index("pip install")


COMMAND = re.compile(r"^ {4,}.*?python -m training (.+?)(?:\s+#.*| \$\(.*)?$", re.MULTILINE)
DOCS = [readme.README, readme.README.parent / "docs" / "training.md"]


def commands():
    """The arguments of every command that a page shows, lines that go on joined."""
    for page in DOCS:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for found in COMMAND.findall(text):
            if "[--" not in found:  # a summary of options is no command
                yield pytest.param(found.strip(), id=f"{page.name}: {found[:60].strip()}")


@pytest.mark.parametrize("command", list(commands()))
def test_a_command_that_is_shown_is_one(command):
    words = [word.replace("$tables", "") for word in shlex.split(command)]
    given = [word for word in words if word]
    if "$tables" in command:
        given += ["--labels", "a.csv", "--metadata", "b.csv"]
    _parser().parse_args(given)
