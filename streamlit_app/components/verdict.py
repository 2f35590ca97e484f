"""What stands above the probabilities: the status, and the classes that are still possible."""

import streamlit as st

from model_zoo.analysis import Analysis
from model_zoo.card import Card
from model_zoo.trust import (
    NOT_DERMOSCOPIC,
    NOVELTY,
    OK,
    POOR_QUALITY,
    UNCERTAIN,
    Trust,
    known_group,
    of_card,
)
from streamlit_app.content import class_name, listed, text

# Status ok, but no prediction sets, or nothing that tells dermoscopy from other pictures.
UNFITTED, UNCHECKED = "ok_unfitted", "ok_unchecked"
LOOKS = {
    OK: (st.info, ":material/info:"),  # no green: the answer may be a malignant one
    UNFITTED: (st.warning, ":material/help:"),
    UNCHECKED: (st.warning, ":material/help:"),
    UNCERTAIN: (st.warning, ":material/help:"),
    POOR_QUALITY: (st.warning, ":material/photo_camera:"),
    NOT_DERMOSCOPIC: (st.error, ":material/block:"),
}


def verdict(analysis: Analysis, card: Card, mode: str, *, wide: bool = False) -> None:
    """Nothing; draws the status with its reasons, and what the answer leaves possible.

    wide: both side by side.
    """
    left, right = (
        st.columns(2, gap="medium", vertical_alignment="center")
        if wide
        else (st.container(), st.container())
    )
    with left:
        draw, icon = LOOKS[_kind(analysis)]
        draw(sentence(analysis), icon=icon)
        failed = [code for code, check in analysis.checks.items() if not check.ok]
        if failed:
            st.markdown("\n".join(f"- {text(f'advice.{code}')}" for code in failed))
    # Of what is unlike the training photos, sets promise nothing.
    if analysis.prediction_set is not None and analysis.readable:
        right.markdown(
            f"{text('verdict.set', names=_names(analysis.prediction_set))}  \n"
            f":small[{set_note(of_card(card, mode))}]"
        )
    if not analysis.centred:
        right.caption(text("verdict.square_note"))


def sentence(analysis: Analysis) -> str:
    """What the status of an analysis means for reading its answer."""
    if analysis.without_lesion:
        return text("verdict.no_lesion")
    kind = _kind(analysis)
    words = text(f"verdict.{kind}", count=len(analysis.prediction_set or ()))
    return f"{words} {_of_group(analysis)}" if kind in (OK, UNCHECKED) else words


def _of_group(analysis: Analysis) -> str:
    """What the answer says of the malignant group."""
    malignant = analysis.malignant_probability
    if malignant is None:
        return text("verdict.no_group")
    names = listed(known_group(analysis.labels))
    return text("verdict.group", names=names, malignant=f"{malignant:.2f}")


def set_note(trust: Trust) -> str:
    """How often sets hold the true class of held-out lesions, and of melanomas among them."""
    if trust.covered is None:
        return text("verdict.set_note_unmeasured", share=f"{trust.coverage:.0%}")
    melanoma = trust.covered_by_class.get("MEL")
    return text(
        "verdict.set_note",
        covered=f"{trust.covered[0]:.2f}",
        melanoma=f"{melanoma[0]:.2f}" if melanoma else "–",
    )


def _kind(analysis: Analysis) -> str:
    """The status, where it is ok with what that leaves open: a key of `LOOKS`."""
    if analysis.status != OK:
        return analysis.status
    if analysis.prediction_set is None:
        return UNFITTED
    return OK if NOVELTY in analysis.checks else UNCHECKED


def _names(codes: tuple[str, ...]) -> str:
    return listed(f"**{class_name(code)}**" for code in codes)
