"""Names and zips that were made to do harm, in everything that leaves the app."""

import csv
import dataclasses
import io
import re
import unicodedata
import warnings
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest

from model_zoo import NOTICE, registry
from model_zoo.analysis import Analysis
from model_zoo.labels import CODES
from model_zoo.trust import SINGLE
from streamlit_app import batch, report
from streamlit_app.batch_csv import to_csv
from streamlit_app.exports import FORMULA_STARTS, plain_name
from streamlit_app.reader import Reader
from tests.model_zoo.hostile import corpus

NAMES = (
    "../../etc/passwd.jpg",
    "..\\..\\windows\\system32\\a.jpg",
    "/dev/null",
    "C:\\a.jpg",
    "a\0b.jpg",
    "a\r\nSet-Cookie: x=1\r\n.jpg",
    "\x1b[31mred\x1b[0m.jpg",
    "photo\u202egpj.exe",
    "\u2066\u2067isolates\u2069.jpg",
    "\ufeffmark.jpg",
    "<script>alert(1)</script>.jpg",
    '"><img src=x onerror=alert(1)>.jpg',
    "[click](javascript:alert(1)).jpg",
    "![x](http://x.example/a.png).jpg",
    "$\\href{javascript:alert(1)}{x}$.jpg",
    '=HYPERLINK("http://x.example").jpg',
    "+1+cmd|' /C calc'!A0.jpg",
    "@SUM(1).jpg",
    "-2+3.jpg",
    " =1+1.jpg",
    "\t=1.jpg",
    "\x00=1+1",
    "\ufeff=1+1",
    "\u00a0=1+1",
    "\u200b=1",
    "＝1+1.jpg",
    "CON.jpg",
    "x" * 5000 + ".jpg",
    "",
    ".",
    "名前.jpg",
)


LINKS = (
    "https://x.example/a.jpg",
    "see HTTP://X.EXAMPLE now.jpg",
    "www.x.example.jpg",
    "_www.x.example.jpg",
    "a_www.x.example.jpg",
    "a" * 67 + ":" + "b" * 20,
    "www_.x.example.jpg",
    "a" * 80 + "www.abcd.jpg",
    "a" * 60 + ":" * 40,
    "a@x.example.jpg",
    ":material/home: :tada:.jpg",
)
# What GitHub's Markdown makes a link of, and Streamlit an icon.
LINK = re.compile(r"https?://|(?<![^\W_])www\.\S|[\w.+-]@[\w-]|:[\w/+-]+:", re.IGNORECASE)


def test_a_name_can_be_looked_up_as_it_is_shown():
    assert plain_name("ISIC_0024306_downsampled.jpg") == "ISIC_0024306_downsampled.jpg"
    assert plain_name("_a_*b_.jpg") == "a_b.jpg"
    assert plain_name("x" * 100 + "_0024306.jpg").endswith("x...0024306.jpg")


@pytest.mark.parametrize("name", [*NAMES, *LINKS, 'x;=HYPERLINK("http://x.example").jpg'])
def test_a_name_does_nothing_wherever_it_is_shown(name):
    shown = plain_name(name)
    assert len(shown) <= 80
    assert not LINK.search(shown)
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in shown)
    card = registry.default_card()
    analysis = Analysis(card.name, CODES, np.full(8, 1 / 8), None, (0, 0, 9, 9), (9, 9))
    pictures = [(np.zeros((60, 80, 3), np.uint8), "The photo")]
    made = report.make(name, pictures, analysis, card, "ab" * 32, datetime.now(UTC))
    page = report.to_html(made).decode()
    assert "<script>alert" not in page
    assert "onerror=alert(1)>" not in page
    assert report.to_pdf(made).startswith(b"%PDF")
    table = to_csv([batch.Row(name, "ok", "NV")], Reader("m", "ab" * 32, SINGLE), NOTICE)
    table = table.decode("utf-8-sig")
    (row, last) = list(csv.reader(io.StringIO(table)))[1:]
    assert not row[0].lstrip(" ").startswith(FORMULA_STARTS)
    cells = table.splitlines()[1].split(";")  # as a German or Spanish spreadsheet does
    assert not any(cell.lstrip(' "').startswith(FORMULA_STARTS) for cell in cells)
    assert "Research and teaching only" in last[0]


def test_a_zip_of_hostile_files_under_hostile_names_ends_with_a_row_for_each():
    files = list(corpus())
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, (_, data) in enumerate(files):
            archive.writestr(f"{number} {NAMES[number % len(NAMES)][:60]}.jpg", data)
    found = batch.queue([("x.zip", stream.getvalue())])
    assert len(found.photos) + len(found.left_out) == len(files)
    assert len(found.photos) > 300

    class Network:
        """A stand-in for the network: what is tested here comes before it."""

        @staticmethod
        def analyse(rgb):
            return Analysis("m", CODES, np.full(8, 1 / 8), None, (0, 0, 9, 9), rgb.shape[1::-1])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what it can still read
        rows = [batch.analyse(Network(), waiting) for waiting in found.photos]
    assert sum(bool(row.problem) for row in rows) > 250
    assert all(row.problem.endswith(".") for row in rows if row.problem)
    assert all(dataclasses.asdict(row) for row in rows)
