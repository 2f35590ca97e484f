"""The photo with heatmap and outline. Changing class, view or opacity needs no new inference."""

import numpy as np
import streamlit as st

from model_zoo.analysis import Analysis
from model_zoo.errors import ZooError
from model_zoo.overlay import dim_outside, frame, outlined, paint
from model_zoo.trust import TTA
from streamlit_app.cache import Viewed
from streamlit_app.components.kept import forget_unless_offered
from streamlit_app.content import class_name, sample_title, text, told

BLEND, BESIDE, SQUARE, PLAIN, SHUFFLED = "blend", "beside", "square", "plain", "shuffled"


@st.fragment
def photo_view(viewed: Viewed) -> None:
    """Nothing; draws the photo and its controls."""
    if viewed.analysis.heatmaps is None:
        with st.container(key="picture_of_answer"):
            _draw_square(viewed)
        st.caption(told(ZooError("no_heatmap")))
        return
    views = [BLEND, BESIDE, SQUARE, PLAIN]
    if viewed.analysis.randomised is not None:
        views.insert(2, SHUFFLED)
    forget_unless_offered("analyze_view", views)
    view = st.segmented_control(
        text("analyze.look"),
        views,
        default=BLEND,
        required=True,
        format_func=lambda name: text(f"analyze.{name}"),
        key="analyze_view",
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    picture = st.container(key="picture_of_answer")
    label, opacity, outline = _controls(viewed)
    with picture:
        if view == SQUARE:
            _draw_square(viewed)
        elif view == PLAIN:
            _draw_photo(viewed, outline)
        elif view == BLEND:
            _draw_heatmap(viewed, label, opacity, outline)
        else:
            _draw_two(viewed, label, opacity, outline, shuffled=view == SHUFFLED)
    if view not in (PLAIN, SQUARE):  # which show no heatmap
        st.caption(heatmap_told(viewed.analysis, label, shuffled=view == SHUFFLED))


def plain_photo(viewed: Viewed) -> None:
    """Nothing; draws the photo with its outline alone, which tells nothing of the answer."""
    with st.container(key="picture_alone"):
        _draw_photo(viewed, outline=True)


def of_one_view(analysis: Analysis) -> str:
    """What to know of a heatmap where several views were averaged, in a sentence; else ""."""
    return text("analyze.caption_one_view") if analysis.mode == TTA else ""


def _controls(viewed: Viewed) -> tuple[str, float, bool]:
    """The class code, the opacity, 0..1, and whether the outline is drawn, as the user set them."""
    ranked = [code for code, _ in viewed.analysis.ranked()]
    left, middle, right = st.columns([10, 6, 6], vertical_alignment="bottom")
    label = left.selectbox(
        text("analyze.heatmap_of"),
        ranked,
        format_func=class_name,
        # A new photo begins with its own leading class.
        key=f"analyze_label_{viewed.digest}_{viewed.analysis.model}",
        persist_state="session",
    )
    opacity = middle.slider(
        text("analyze.opacity"),
        0,
        100,
        55,
        5,
        "%d %%",
        key="analyze_opacity",
        persist_state="session",
    )
    found = viewed.analysis.outline is not None
    outline = right.toggle(
        text("analyze.outline"),
        value=True,
        disabled=not found,
        key="analyze_outline",
        persist_state="session",
    )
    return label, opacity / 100, outline and found


def _draw_two(viewed: Viewed, label: str, opacity: float, outline: bool, *, shuffled: bool) -> None:
    left, right = st.columns(2, gap="small")
    with left:
        if shuffled:
            _draw_heatmap(viewed, label, opacity, outline)
        else:
            _draw_photo(viewed, outline)
    with right:
        _draw_heatmap(viewed, label, opacity, outline, shuffled=shuffled)


def _draw_photo(viewed: Viewed, outline: bool) -> None:
    rgb = viewed.with_outline() if outline else viewed.shown
    _draw(rgb, text("analyze.alt_photo", name=sample_title(viewed.name)))


def picture(
    viewed: Viewed, label: str, opacity: float, *, outline: bool, shuffled: bool = False
) -> np.ndarray:
    """The photo with the heatmap of a class, uint8 (H, W, 3) RGB, and the outline if asked for."""
    heatmap = viewed.analysis.heatmap(label, randomised=shuffled)
    painted = paint(viewed.shown, viewed.box, heatmap, opacity)
    return frame(outlined(painted, viewed.contour) if outline else painted, viewed.box)


def _draw_heatmap(
    viewed: Viewed,
    label: str,
    opacity: float,
    outline: bool,
    *,
    shuffled: bool = False,
) -> None:
    words = "analyze.alt_shuffled" if shuffled else "analyze.alt_heatmap"
    _draw(
        picture(viewed, label, opacity, outline=outline, shuffled=shuffled),
        text(words, label=class_name(label), name=sample_title(viewed.name)),
    )


def _draw_square(viewed: Viewed) -> None:
    _draw(
        dim_outside(viewed.shown, viewed.box),
        text("analyze.alt_square", name=sample_title(viewed.name)),
    )
    st.caption(text("analyze.caption_square", side=viewed.side))


def _draw(rgb: np.ndarray, alt: str) -> None:
    st.image(rgb, alt=alt, width="stretch", output_format="JPEG")


def heatmap_told(analysis: Analysis, label: str, *, shuffled: bool = False) -> str:
    """What a heatmap shows and does not show, with its share on the lesion if there is one.

    shuffled: of the sanity check, where that of the shuffled network stands beside it.
    """
    sentences = (
        _shown(analysis, label, shuffled=shuffled),
        _inside(analysis, label, shuffled=shuffled),
        of_one_view(analysis),
    )
    return " ".join(filter(None, sentences))


def _shown(analysis: Analysis, label: str, *, shuffled: bool) -> str:
    name = class_name(label)
    if shuffled:
        return text("analyze.caption_shuffled", label=name)
    if analysis.heatmap(label).max() <= 0:
        return text("analyze.caption_zero", label=name)
    grid, members = analysis.heatmaps.shape[0], len(analysis.members)
    if members > 1:
        return text("analyze.caption_heatmap_members", label=name, grid=grid, count=members)
    return text("analyze.caption_heatmap", label=name, grid=grid)


def _inside(analysis: Analysis, label: str, *, shuffled: bool) -> str:
    """How much of a heatmap lies on the lesion, in a sentence; "" where that is not known."""
    inside = analysis.heatmap_inside(label)
    if inside is None:
        return ""
    shares = {"share": f"{inside:.0%}", "area": f"{analysis.lesion_in_square:.0%}"}
    if not shuffled:
        return text("analyze.caption_inside", **shares)
    by_chance = analysis.heatmap_inside(label, randomised=True)
    told = "–" if by_chance is None else f"{by_chance:.0%}"
    return text("analyze.caption_inside_both", shuffled=told, **shares)
