"""A report of one photo on one page, as HTML and as PDF, with the same content and the notice.

The notice is in English and, where the report is in another language, in that one too.
"""

import base64
import functools
import html
import io
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import fpdf
import numpy as np
from PIL import Image

from model_zoo import NOTICE
from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.trust import SINGLE
from streamlit_app.components.verdict import sentence
from streamlit_app.content import (
    ENGLISH,
    PERSIAN,
    class_name,
    direction,
    group_name,
    language,
    sample_title,
    text,
)
from streamlit_app.exports import plain_name
from streamlit_app.report_facts import facts

# A PDF's own fonts have the letters of Latin-1 and no others; a font that has more is not bundled.
NOT_IN_PDF = {PERSIAN}
PICTURE_SIDE = 700  # pixels of the longer side: sharp at half the width of a page


@dataclass(frozen=True)
class Report:
    """The content of a report, in words and pictures.

    pictures: JPEG and caption. verdict: what the status means for reading the rest. bars: class,
    group, probability 0..1; none where the photo is refused. facts: name and value. notices:
    English first. language, direction: as HTML names them. title_unnamed: for where the photo's
    name cannot be written.
    """

    title: str
    made: str
    pictures: tuple[tuple[bytes, str], ...]
    verdict: str
    bars: tuple[tuple[str, str, float], ...]
    facts: tuple[tuple[str, str], ...]
    notices: tuple[str, ...]
    language: str = ENGLISH
    direction: str = "ltr"
    title_unnamed: str = ""


def make(
    name: str,
    pictures: list[tuple[np.ndarray, str]],
    analysis: Analysis,
    card: Card,
    digest: str,
    now: datetime,
    mode: str = SINGLE,
) -> Report:
    """The report of an analysis; pictures: uint8 (H, W, 3) RGB with their captions.

    digest: the sha256 of what was asked. mode: how it was asked (see `trust`).
    """
    return Report(
        title=text("report.title", name=sample_title(plain_name(name))),
        made=text("report.made", date=now.strftime("%Y-%m-%d %H:%M %Z").strip()),
        pictures=tuple((_jpeg(rgb), caption) for rgb, caption in pictures),
        verdict=sentence(analysis),
        bars=tuple(
            (class_name(code), group_name(code), probability)
            for code, probability in (analysis.ranked() if analysis.readable else ())
        ),
        facts=tuple(facts(analysis, card, digest, mode)),
        notices=_notices(),
        language=language(),
        direction=direction(),
        title_unnamed=text("report.title_unnamed"),
    )


def _notices() -> tuple[str, ...]:
    translated = text("notice.banner").replace("**", "")
    return (NOTICE,) if language() == ENGLISH else (NOTICE, translated)


def to_html(report: Report) -> bytes:
    """The report as one HTML file that needs no other, in UTF-8."""
    figures = "".join(
        f'<figure><img alt="{html.escape(caption)}" src="data:image/jpeg;base64,'
        f'{base64.b64encode(jpeg).decode()}"><figcaption>{html.escape(caption)}</figcaption></figure>'
        for jpeg, caption in report.pictures
    )
    rows = "".join(
        f'<tr><td>{html.escape(name)} <small>{html.escape(group)}</small></td><td class="bar">'
        f'<i style="width:{100 * value:.1f}%"></i></td><td class="number">{value:.3f}</td></tr>'
        for name, group, value in report.bars
    )
    bars = f"<table>{rows}</table>" if rows else ""
    facts = "".join(
        f"<tr><th>{html.escape(name)}</th><td><bdi>{html.escape(value)}</bdi></td></tr>"
        for name, value in report.facts
    )
    languages = (f'lang="{ENGLISH}" dir="ltr"', f'lang="{report.language}"')
    notice = "".join(
        f"<p class=notice {its}>{html.escape(words)}</p>"
        for its, words in zip(languages, report.notices, strict=False)
    )
    return (
        f'<!doctype html><html lang="{report.language}" dir="{report.direction}">'
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(report.title)}</title><style>{_style()}</style>{notice}<h1>{html.escape(report.title)}</h1>"
        f"<p>{html.escape(report.made)}</p><p class=verdict>{html.escape(report.verdict)}</p>"
        f'<div class=row>{figures}</div><div class="row answer">'
        f"{bars}<table>{facts}</table></div>{notice}</html>"
    ).encode()


@functools.cache
def _style() -> str:
    return Path(__file__).with_name("content").joinpath("report.css").read_text(encoding="utf-8")


def to_pdf(report: Report) -> bytes:
    """The report as a PDF of one page, A4. Its language must be none of `NOT_IN_PDF`."""
    page = fpdf.FPDF(format="A4")
    page.set_auto_page_break(False)
    title = unicodedata.normalize("NFC", report.title)  # of macOS letters and accents come apart
    title = title if _latin(title) == title else report.title_unnamed
    page.set_title(_latin(title))
    page.add_page()
    page.set_margins(14, 12)
    page.set_xy(14, 12)
    _notices_of_page(page, report)
    page.set_font("Helvetica", "B", 15)
    page.multi_cell(0, 8, _latin(title), new_x="LMARGIN", new_y="NEXT")
    page.set_font("Helvetica", size=9)
    page.cell(0, 5, _latin(report.made), new_x="LMARGIN", new_y="NEXT")
    page.set_font("Helvetica", "B", 9.5)
    page.multi_cell(0, 5, _latin(report.verdict), new_x="LMARGIN", new_y="NEXT")
    top, width = page.get_y() + 2, 89.0
    bottom = top
    for place, (jpeg, caption) in enumerate(report.pictures[:2]):
        x = 14 + place * (width + 4)
        picture = Image.open(io.BytesIO(jpeg))
        height = min(78.0, width * picture.height / picture.width)
        page.image(io.BytesIO(jpeg), x, top, w=width, h=height, keep_aspect_ratio=True)
        page.set_xy(x, top + height + 1)
        page.set_font("Helvetica", size=7)
        page.multi_cell(width, 3.2, _latin(caption))
        bottom = max(bottom, page.get_y())
    _bars(page, report, bottom + 4, width)
    foot = 278 if len(report.notices) == 1 else 267
    _fact_rows(page, report, bottom + 4, width, foot - 2)
    page.set_xy(14, foot)
    _notices_of_page(page, report)
    return bytes(page.output())


def _notices_of_page(page: fpdf.FPDF, report: Report) -> None:
    page.set_font("Helvetica", "B", 8)
    page.set_fill_color(255, 240, 214)
    for words in report.notices:
        page.multi_cell(0, 4.4, _latin(words), fill=True, align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(1)


def _bars(page: fpdf.FPDF, report: Report, top: float, width: float) -> None:
    for place, (name, group, value) in enumerate(report.bars):
        y = top + 8 * place
        page.set_xy(14, y)
        page.set_font("Helvetica", size=8)
        page.cell(50, 5, _latin(f"{name} ({group})"))
        page.set_fill_color(232, 228, 220)
        page.rect(66, y + 1.2, width - 62, 2.6, style="F")
        page.set_fill_color(15, 107, 107)
        page.rect(66, y + 1.2, max(0.1, (width - 62) * value), 2.6, style="F")
        page.set_xy(66 + width - 61, y)
        page.cell(10, 5, f"{value:.3f}")


def _fact_rows(page: fpdf.FPDF, report: Report, top: float, width: float, end: float) -> None:
    """Nothing; facts beside the bars down to `end`, the rest of them below the bars.

    Without bars they begin at the left.
    """
    x, below_bars = 14 + width + 4, top + 8 * len(report.bars) + 2
    if not report.bars:
        x = 14
    page.set_y(top)
    for name, value in report.facts:
        if page.get_y() + _fact(page, name, value, x, width, draw=False) > end and x > 14:
            x = 14
            page.set_y(below_bars)
        _fact(page, name, value, x, width)


def _fact(
    page: fpdf.FPDF, name: str, value: str, x: float, width: float, *, draw: bool = True
) -> float:
    """The height in mm of a fact, in one line if it fits; draws it, or only measures it."""
    name, value = _latin(name), _latin(value)
    page.set_font("Helvetica", size=8)
    beside = page.get_string_width(value) + 2
    page.set_font("Helvetica", "B", 8)
    one_line = page.get_string_width(name) + 2 + beside <= width
    options = {"align": "L", "new_x": "LEFT", "dry_run": not draw, "output": "HEIGHT"}
    top = page.get_y()
    page.set_xy(x, top)
    height = page.multi_cell(width, 3.8, name, new_y="NEXT", **options)
    page.set_font("Helvetica", size=8)
    if one_line:
        page.set_xy(x + width - beside, top)
        page.multi_cell(beside, 3.8, value, new_y="NEXT", **{**options, "align": "R"})
    else:
        page.set_x(x)
        height += page.multi_cell(width, 3.8, value, new_y="NEXT", **options)
    page.set_y(top + height + 0.8 if draw else top)
    return height


def _jpeg(rgb: np.ndarray) -> bytes:
    picture = Image.fromarray(rgb)
    picture.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _latin(words: str) -> str:
    """Words in the letters that a PDF's own fonts have; others become a question mark."""
    return words.encode("latin-1", "replace").decode("latin-1")
