"""The eight views: all different, each turned back to where it came from, and averaged."""

from pathlib import Path

import numpy as np
import pytest

from model_zoo.classifier import Classifier
from model_zoo.frames import frame
from model_zoo.images import decode_rgb
from model_zoo.segmentation import bundled_outliner, outline_of
from model_zoo.views import eight_views, turned_back

SAMPLE = Path(__file__).parents[2] / "streamlit_app" / "samples" / "globules.jpg"


def test_each_view_comes_back_as_it_was():
    squares = np.random.default_rng(0).random((3, 5, 5, 2))
    views = eight_views(squares)
    assert views.shape == (24, 5, 5, 2)
    assert len({view.tobytes() for view in views.reshape(8, 3, 5, 5, 2)}) == 8
    assert (views[:3] == squares).all()
    assert turned_back(views) == pytest.approx(np.stack([squares] * 8))


@pytest.mark.slow
def test_the_outline_is_of_the_mean_of_the_views():
    outliner, rgb = bundled_outliner(), decode_rgb(SAMPLE.read_bytes())
    seen = frame(rgb, outliner.side)
    turned = [np.ascontiguousarray(np.rot90(seen.pixels, n)) for n in range(4)]
    turned += [np.ascontiguousarray(view[:, ::-1]) for view in turned]
    masks = [outliner.run(view[None])[0][0] for view in turned]
    back = [np.rot90(masks[n], -n) for n in range(4)]
    back += [np.rot90(masks[4 + n][:, ::-1], -n) for n in range(4)]
    other = np.full_like(seen.pixels, 190)  # a second photo, which must not mix with the first
    mask, artefacts = outliner.run(np.stack([seen.pixels, other]), tta=True)
    assert mask.shape == (2, outliner.side, outliner.side)
    assert mask[0] == pytest.approx(np.mean(back, axis=0), abs=1e-5)
    expected = np.concatenate([outliner.run(photo[None])[1] for photo in (seen.pixels, other)])
    assert artefacts.shape == (2, 3)
    assert artefacts == pytest.approx(expected, abs=1e-5)
    assert np.abs(mask[0] - masks[0]).max() > 0.05  # one view says something else
    expected = outline_of(np.mean(back, axis=0), seen).mask
    for tta in (False, True):
        outline = Classifier.load(tta=tta, outliner=outliner).analyse(rgb).outline
        assert (outline.mask == expected).all() == tta
