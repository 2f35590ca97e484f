"""An analysis: refused where no lesion is found, and telling how the photo was read."""

import json
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from PIL import Image

from model_zoo import trust
from model_zoo.__main__ import main
from model_zoo.analysis import Analysis
from model_zoo.classifier import Classifier
from model_zoo.images import decode_rgb
from model_zoo.segmentation import Outline, bundled_outliner
from tests.model_zoo.test_classifier import SCHEMA

SAMPLE = Path(__file__).parents[2] / "streamlit_app" / "samples" / "network.jpg"


@pytest.fixture(scope="module")
def reader():
    return Classifier.load(outliner=bundled_outliner())


@pytest.fixture(scope="module")
def bare():
    """Skin without a lesion: a corner of a drawn sample, enlarged, uint8 (450, 600, 3)."""
    return cv2.resize(decode_rgb(SAMPLE.read_bytes())[:90, :120], (600, 450))


def test_a_photo_without_a_lesion_is_refused_with_that_reason(reader, bare):
    analysis = reader.analyse(bare)
    assert analysis.outline is None
    assert analysis.checks["lesion"] == trust.Check(0.0, 0.002, False)
    assert analysis.status == trust.NOT_DERMOSCOPIC
    assert not analysis.readable
    assert analysis.checks["novelty"].ok  # which alone would have let it pass
    assert analysis.without_lesion
    record = analysis.record("bare.jpg")
    assert (record["status"], record["checks"]["lesion"]["ok"]) == ("not_dermoscopic", False)
    plain = Classifier.load().analyse(bare)
    assert "lesion" not in plain.checks  # nobody looked for one


def test_the_command_line_says_that_there_is_no_lesion(bare, tmp_path, capsys):
    Image.fromarray(bare).save(tmp_path / "bare.png")
    assert main(["predict", str(tmp_path / "bare.png")]) == 0
    told = capsys.readouterr().out
    assert "NO LESION: none is found in it" in told
    assert "still possible" not in told


def test_a_lesion_is_found_whether_its_outline_is_kept_or_not(reader):
    photo = reader.prepare(decode_rgb(SAMPLE.read_bytes()))
    kept, left = (
        reader.analyse_prepared([photo], outlines=outlines)[0] for outlines in (True, False)
    )
    assert kept.checks["lesion"].value == kept.outline.area_fraction
    assert kept.checks == left.checks
    assert left.outline is left.abcd is None


def test_the_record_says_how_the_photo_was_read(reader):
    rgb = decode_rgb(SAMPLE.read_bytes())
    eight = Classifier.load(outliner=bundled_outliner(), tta=True)
    box = reader.analyse(rgb).outline.square((rgb.shape[1], rgb.shape[0]))
    for analysis, expected in (
        (reader.analyse(rgb), ("single", "centre", [75, 0, 525, 450])),
        (eight.analyse(rgb), ("tta", "centre", [75, 0, 525, 450])),
        (reader.analyse_within(rgb, box), ("single", "chosen", list(box))),
    ):
        record = {**analysis.record("x"), "notice": "n"}
        jsonschema.validate(record, SCHEMA)
        assert (record["mode"], record["square"], record["box"]) == expected
        several = record["mode"] == "tta"
        assert (record["spread"] or {}).get("answers") == (8 if several else None)


def test_the_command_line_reads_the_square_around_the_outline(reader, bare, tmp_path, capsys):
    Image.fromarray(bare).save(tmp_path / "bare.png")
    asked = ["predict", str(tmp_path / "bare.png"), str(SAMPLE), "--square", "outline", "--json"]
    assert main(asked) == 0
    without, record = map(json.loads, capsys.readouterr().out.splitlines())
    jsonschema.validate(record, SCHEMA)
    assert without["square"] == "centre"  # no outline, so no square around it
    assert record["square"] == "chosen"
    rgb = decode_rgb(SAMPLE.read_bytes())
    box = reader.analyse(rgb).outline.square((rgb.shape[1], rgb.shape[0]))
    assert record["box"] == list(box)
    expected = reader.analyse_within(rgb, box)
    assert record["probabilities"]["MEL"] == pytest.approx(expected.probability("MEL"), abs=1e-4)


def test_answers_are_told_at_the_temperature_of_the_probabilities(reader):
    (only,) = reader.analyse(SAMPLE.read_bytes()).calibrated_answers
    assert only == pytest.approx(reader.analyse(SAMPLE.read_bytes()).probabilities, abs=1e-9)
    eight = Classifier.load(tta=True).analyse(SAMPLE.read_bytes())
    assert eight.temperature == 0.9081
    raised = eight.answers ** (1 / 0.9081)
    expected = raised / raised.sum(axis=1, keepdims=True)
    assert np.abs(eight.calibrated_answers - expected).max() < 1e-6
    assert np.abs(eight.calibrated_answers - eight.answers).max() > 1e-3


FIELD, LEFT_SQUARE, RIGHT_SQUARE = (0, 0, 200, 100), (0, 0, 100, 100), (100, 0, 200, 100)
UNEVEN, EVEN, NOTHING = [[3, 1], [1, 1]], [[2, 2], [2, 2]], [[0, 0], [0, 0]]


def by_hand(heatmap, box=LEFT_SQUARE, *, outlined=True):
    """An analysis whose lesion is the upper left quarter of the left half of the photo."""
    mask = np.zeros((10, 20), bool)
    mask[:5, :5] = True
    contour = np.float32([[0, 0], [50, 0], [50, 50], [0, 50]])
    outline = Outline(mask, FIELD, contour, (0, 0, 50, 50), 0.125, True)
    maps = np.zeros((2, 2, 2), np.float32)
    maps[:, :, 1] = heatmap
    return Analysis(
        "m", ("MEL", "NV"), np.array([0.3, 0.7]), maps, box, (200, 100),
        outline=outline if outlined else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("analysis", "inside", "filled"),
    [
        (by_hand(UNEVEN), 0.5, 0.25),
        (by_hand(EVEN), 0.25, 0.25),  # all over alike is as much as the lesion fills
        (by_hand(EVEN, FIELD), 0.125, 0.125),
        (by_hand(UNEVEN, RIGHT_SQUARE), 0, 0),
        (by_hand(NOTHING), None, 0.25),
        (by_hand(UNEVEN, outlined=False), None, None),
    ],
)
def test_what_of_a_heatmap_lies_on_the_lesion_stands_beside_what_the_lesion_fills(
    analysis, inside, filled
):
    assert analysis.heatmap_inside("NV") == inside
    assert analysis.lesion_in_square == filled
