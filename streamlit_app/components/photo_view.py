"""The photo with the heatmap of a class. Changing class, view or opacity needs no new inference."""

import streamlit as st

from model_zoo.errors import SENTENCES
from model_zoo.labels import BY_CODE
from model_zoo.overlay import dim_outside, frame, paint
from streamlit_app.cache import Viewed
from streamlit_app.content import text

BLEND, BESIDE, SQUARE, PLAIN = "blend", "beside", "square", "plain"


@st.fragment
def photo_view(viewed: Viewed) -> None:
    """Nothing; draws the photo and its controls."""
    if viewed.analysis.heatmaps is None:
        _draw_square(viewed)
        st.caption(SENTENCES["no_heatmap"])
        return
    view = st.segmented_control(
        text("analyze.look"),
        (BLEND, BESIDE, SQUARE, PLAIN),
        default=BLEND,
        required=True,
        format_func=lambda name: text(f"analyze.{name}"),
        key="analyze_view",
        label_visibility="collapsed",
        width="stretch",
    )
    picture = st.container()
    label, opacity = _controls(viewed)
    with picture:
        if view == SQUARE:
            _draw_square(viewed)
        elif view == PLAIN:
            _draw(viewed.shown, text("analyze.alt_photo", name=viewed.name))
        elif view == BLEND:
            _draw_heatmap(viewed, label, opacity)
        else:
            left, right = st.columns(2, gap="small")
            with left:
                _draw(viewed.shown, text("analyze.alt_photo", name=viewed.name))
            with right:
                _draw_heatmap(viewed, label, opacity)
    _caption(viewed, label)


def _controls(viewed: Viewed) -> tuple[str, float]:
    """The class code and the opacity, 0..1, that the user set."""
    ranked = dict(viewed.analysis.ranked())
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    label = left.selectbox(
        text("analyze.heatmap_of"),
        list(ranked),
        format_func=lambda code: f"{BY_CODE[code].name}  ·  {ranked[code]:.3f}",
        # A new photo begins with its own leading class.
        key=f"analyze_label_{viewed.digest}_{viewed.analysis.model}",
    )
    opacity = right.slider(text("analyze.opacity"), 0, 100, 55, 5, "%d %%", key="analyze_opacity")
    return label, opacity / 100


def _draw_heatmap(viewed: Viewed, label: str, opacity: float) -> None:
    painted = paint(viewed.shown, viewed.box, viewed.analysis.heatmap(label), opacity)
    _draw(
        frame(painted, viewed.box),
        text("analyze.alt_heatmap", label=BY_CODE[label].name, name=viewed.name),
    )


def _draw_square(viewed: Viewed) -> None:
    _draw(dim_outside(viewed.shown, viewed.box), text("analyze.alt_square", name=viewed.name))
    st.caption(text("analyze.caption_square", side=viewed.side))


def _draw(rgb, alt: str) -> None:
    st.image(rgb, alt=alt, width="stretch", output_format="JPEG")


def _caption(viewed: Viewed, label: str) -> None:
    name = BY_CODE[label].name
    if viewed.analysis.heatmap(label).max() <= 0:
        st.caption(text("analyze.caption_zero", label=name))
        return
    grid = viewed.analysis.heatmaps.shape[0]
    st.caption(text("analyze.caption_heatmap", label=name, grid=grid))
