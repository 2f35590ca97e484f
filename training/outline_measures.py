"""Measures of the network that outlines lesions: its precision, and how well it outlines.

All are of the served file and of the outline as the app draws it, compared with the mask of the
folder at the mask's own size.
"""

import csv
import functools
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from PIL import Image

from model_zoo import artefacts
from model_zoo.compile import PRECISIONS, compile_flat
from model_zoo.images import decode_rgb
from model_zoo.interpreters import Interpreters
from model_zoo.segmentation import THRESHOLD, Outline, Outliner
from training import splits
from training.metrics import interval
from training.outlines import bare_skin, load_outlined, photo_file, read_mask
from training.segmentation import overlap

# A smaller precision is taken only if its masks are those of float32 up to this mean IoU.
SAME_MASKS = 0.99
BARE_SKIN = 500  # pieces of skin at most: more of them narrows the interval no further


@dataclass(frozen=True)
class MaskCandidate:
    """One precision of a flatbuffer, measured on validation photos.

    same_masks: mean IoU of its masks with those of float32; dice: with the true ones.
    """

    precision: str
    flatbuffer: bytes
    same_masks: float
    dice: float


def measure_mask_precisions(
    model: keras.Model, folder: Path, rows: list[splits.Row]
) -> list[MaskCandidate]:
    """The candidates float32, float16 and int8, compiled and measured on validation photos."""
    kept = load_outlined(folder, rows, model.input_shape[1]).pixels
    pixels, truth = np.ascontiguousarray(kept[..., :3]), kept[..., 3] > 127
    found: list[MaskCandidate] = []
    full = None
    for precision in PRECISIONS:
        flatbuffer = compile_flat(model, precision)
        with tempfile.TemporaryDirectory() as name:
            file = Path(name, "candidate.tflite")
            file.write_bytes(flatbuffer)
            served = Outliner(None, Interpreters(file))
            parts = [served.run(pixels[at : at + 64])[0] for at in range(0, len(pixels), 64)]
        masks = np.concatenate(parts) > THRESHOLD
        full = masks if full is None else full
        same, dice = overlap(full, masks)[1].mean(), overlap(truth, masks)[0].mean()
        found.append(MaskCandidate(precision, flatbuffer, float(same), float(dice)))
    return found


def choose_mask(candidates: list[MaskCandidate]) -> MaskCandidate:
    """The smallest candidate that draws what float32 draws."""
    full = candidates[0]
    same = [
        other
        for other in candidates
        if other.same_masks >= SAME_MASKS and other.dice >= full.dice - 0.002
    ]
    return min(same, key=lambda other: len(other.flatbuffer))


@dataclass(frozen=True)
class Measured:
    """An evaluation: its measures, and image, Dice and IoU of each photo behind them."""

    result: dict
    rows: list[tuple[str, float, float]]


def evaluate(
    outliner: Outliner,
    folder: Path,
    rows: list[splits.Row],
    protocol: str,
    *,
    tta: bool = False,
) -> Measured:
    """The measures of the served file on these photos, with intervals by drawing lesions.

    As they are, behind each of `artefacts.DRAWN`, those whose lesion reaches the border of the
    frame, and pieces of bare skin, on which nothing should be found. tta: see `Outliner.run`.
    """
    groups = [row.lesion_id or row.image for row in rows]
    scores, at_border, skin = _scores(functools.partial(outliner.outline, tta=tta), folder, rows)
    result = {
        "model": outliner.card.name,
        "weights_sha256": outliner.interpreters.sha256,
        "protocol": protocol,
        "resolution": "native",
        "tta": tta,
        "n": len(rows),
        "lesions": len(set(groups)),
        **_means(scores["untouched"], groups),
        "with": {name: _means(scores[name], groups) for name in artefacts.DRAWN},
        "at_border": _of_chosen(scores["untouched"], groups, at_border),
        "bare_skin": {"n": len(skin), "nothing_found": round(float(np.mean(skin)), 4)}
        if skin
        else {"n": 0},
    }
    images = [row.image for row in rows]
    return Measured(result, [(i, *s) for i, s in zip(images, scores["untouched"], strict=True)])


def _scores(
    outlined: Callable[[np.ndarray], Outline | None], folder: Path, rows: list[splits.Row]
) -> tuple[dict[str, list[tuple[float, float]]], list[bool], list[bool]]:
    """Dice and IoU of each photo by what was drawn over it, whether its lesion reaches the border.

    And of each piece of bare skin, of up to `BARE_SKIN`, whether nothing was found on it.
    """
    scores = {name: [] for name in ("untouched", *artefacts.DRAWN)}
    at_border, skin = [], []
    for index, row in enumerate(rows):
        rgb = decode_rgb(photo_file(folder, row.image).read_bytes())
        mask = read_mask(folder, row.image) > 127
        at_border.append(bool(mask[[0, -1]].any() or mask[:, [0, -1]].any()))
        scores["untouched"].append(score(outlined(rgb), mask, rgb.shape))
        for name, draw in artefacts.DRAWN.items():
            changed = draw(rgb, np.random.default_rng((index, len(name))))
            seen = _lit(mask, changed) if name == "dark_corners" else mask
            scores[name].append(score(outlined(changed), seen, rgb.shape))
        if len(skin) < BARE_SKIN:
            skin += [outlined(piece) is None for piece in skin_beside(rgb, mask)]
    return scores, at_border, skin


def score(outline: Outline | None, mask: np.ndarray, shape: tuple[int, ...]) -> tuple[float, float]:
    """Dice and IoU of an outline with the true mask, bool (H, W), of a photo of `shape`."""
    found = np.zeros(mask.shape, np.uint8)
    if outline is not None:
        scale = np.array(mask.shape[::-1]) / (shape[1], shape[0])
        cv2.fillPoly(found, [np.round(outline.contour * scale - 0.5).astype(np.int32)], 1)
    dice, iou = overlap(mask[None], found[None].astype(bool))
    return float(dice[0]), float(iou[0])


def write(measured: Measured, out: Path) -> None:
    """Nothing; writes metrics.json and predictions.csv (image, dice, iou)."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "metrics.json").write_text(json.dumps(measured.result, indent=1), encoding="utf-8")
    with (out / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("image", "dice", "iou"))
        writer.writerows((name, f"{dice:.4f}", f"{iou:.4f}") for name, dice, iou in measured.rows)


def summary(result: dict) -> str:
    """The measures as lines of text: Dice and IoU, each with its 95 % interval."""

    def line(name: str, entry: dict) -> str:
        dice, iou = (
            f"{m['value']:.3f} ({m['low']:.3f} to {m['high']:.3f})"
            for m in (entry["dice"], entry["iou"])
        )
        return f"{name:16} Dice {dice}  IoU {iou}"

    views = ", mean of eight views" if result["tta"] else ""
    lines = [f"{result['model']}, {result['protocol']}: {result['n']} photos{views}"]
    lines += [line("untouched", result)]
    lines += [line(name, entry) for name, entry in result["with"].items()]
    if result["at_border"]["n"]:
        lines += [line(f"at border ({result['at_border']['n']})", result["at_border"])]
    if result["bare_skin"]["n"]:
        skin = result["bare_skin"]
        lines += [f"bare skin        nothing found on {skin['nothing_found']:.3f} of {skin['n']}"]
    return "\n".join(lines)


def _means(scores: list[tuple[float, float]], groups: list[str]) -> dict:
    values = np.array(scores)
    mean: Callable[[np.ndarray, np.ndarray], float] = lambda _, drawn: float(drawn.mean())  # noqa: E731
    result = {}
    for name, column in zip(("dice", "iou"), values.T, strict=True):
        low, high = interval(mean, column, column, groups)
        numbers = zip(("value", "low", "high"), (column.mean(), low, high), strict=True)
        result[name] = {key: round(float(number), 4) for key, number in numbers}
    return result


def _of_chosen(scores: list[tuple[float, float]], groups: list[str], chosen: list[bool]) -> dict:
    kept = [(s, g) for s, g, inside in zip(scores, groups, chosen, strict=True) if inside]
    if not kept:
        return {"n": 0}
    return {"n": len(kept), **_means([s for s, _ in kept], [g for _, g in kept])}


def _lit(mask: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """The part of a mask, bool (H, W), that is not black in the photo."""
    lit = Image.fromarray(rgb.max(axis=2) > 0).resize(mask.shape[::-1])
    return mask & np.asarray(lit)


def skin_beside(rgb: np.ndarray, mask: np.ndarray) -> Iterator[np.ndarray]:
    """The largest piece of the photo without any of the lesion, none if there is no such."""
    small = cv2.resize(mask.astype(np.uint8), rgb.shape[1::-1], interpolation=cv2.INTER_AREA)
    box = bare_skin(small)
    if box is not None:
        left, top, right, bottom = box
        yield np.ascontiguousarray(rgb[top:bottom, left:right])
