"""The precision of a served file, chosen on validation photos: float32, float16 or int8."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from model_zoo.compile import PRECISIONS, compile_flat
from model_zoo.engine import Engine, Outputs
from training import metrics
from training.dataset import Photos

# A smaller precision is taken only if it names the same class on this share of validation photos.
AGREEMENT = 0.99
# ... and draws the same heatmap but for a tenth of its scale in the worst cell of the worst photos:
# a photo moved by one pixel of 224 does more (0.22 there, 0.07 in the median: MobileNetV2, 300
# validation photos, benchmarks/heatmap_shift.py).
HEATMAP_DEVIATION = 0.1


@dataclass(frozen=True)
class Candidate:
    """One precision of a flatbuffer, measured on validation photos.

    agreement: share of photos with the same leading class as float32. heatmap_deviation: of the
    leading class's heatmap, scaled to 0..1, from float32's: the largest difference of a cell,
    exceeded by 1 % of photos. milliseconds: one photo.
    """

    precision: str
    flatbuffer: bytes
    agreement: float
    heatmap_deviation: float
    accuracy: float
    balanced_accuracy: float
    milliseconds: float


def measure_precisions(model: keras.Model, validation: Photos) -> list[Candidate]:
    """The candidates float32, float16 and int8, compiled and measured on validation photos."""
    found: list[Candidate] = []
    full = None
    for precision in PRECISIONS:
        flatbuffer = compile_flat(model, precision)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "candidate.tflite")
            file.write_bytes(flatbuffer)
            outputs, milliseconds = _run_candidate(Engine(file), validation.pixels)
        full = full or outputs
        leading = full.probabilities.argmax(axis=1)
        deviation = np.abs(scaled_maps(outputs, leading) - scaled_maps(full, leading))
        found.append(
            Candidate(
                precision=precision,
                flatbuffer=flatbuffer,
                agreement=float((outputs.probabilities.argmax(axis=1) == leading).mean()),
                heatmap_deviation=float(np.percentile(deviation.max(axis=(1, 2)), 99)),
                accuracy=metrics.accuracy(validation.targets, outputs.probabilities),
                balanced_accuracy=metrics.balanced_accuracy(
                    validation.targets, outputs.probabilities
                ),
                milliseconds=milliseconds,
            )
        )
    return found


def _run_candidate(engine: Engine, pixels: np.ndarray) -> tuple[Outputs, float]:
    """What an engine says of all photos, and the median milliseconds of a single one."""
    parts = [engine.run(np.asarray(part)) for part in np.array_split(pixels, len(pixels) // 64 + 1)]
    joined = Outputs(
        *(
            np.concatenate([getattr(part, field) for part in parts])
            for field in ("probabilities", "logits", "pooled", "heatmaps")
        )
    )
    times = []
    for _ in range(30):
        began = time.perf_counter()
        engine.run(pixels[:1])
        times.append(time.perf_counter() - began)
    return joined, float(np.median(times) * 1000)


def scaled_maps(outputs: Outputs, labels: np.ndarray) -> np.ndarray:
    """The heatmap of one label for each photo, (N, h, w), scaled to its own peak; labels (N,)."""
    maps = outputs.heatmaps[np.arange(len(labels)), :, :, labels]
    peak = maps.max(axis=(1, 2), keepdims=True)
    return maps / np.where(peak > 0, peak, 1)


def choose(candidates: list[Candidate]) -> Candidate:
    """The smallest candidate that says what float32 says, and is not half again as slow."""
    full = candidates[0]
    fit = [
        other
        for other in candidates
        if other.agreement >= AGREEMENT
        and other.heatmap_deviation <= HEATMAP_DEVIATION
        and other.balanced_accuracy >= full.balanced_accuracy - 0.005
        and other.milliseconds <= 1.5 * full.milliseconds
    ]
    return min(fit, key=lambda other: len(other.flatbuffer))
