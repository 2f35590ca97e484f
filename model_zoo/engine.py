"""The engine: what a classifier's LiteRT flatbuffer says of batches of squares."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo.errors import BadModel
from model_zoo.interpreters import THREADS, Interpreters
from model_zoo.store import Content


@dataclass(frozen=True)
class Outputs:
    """What a network says of N squares, float32.

    probabilities (N, K), uncalibrated; logits (N, K); pooled (N, C) and heatmaps (N, h, w, K),
    rectified, not scaled, both None where the head is of another kind. randomised: the heatmaps of
    the same network with its last layer shuffled, None in files that were compiled without.
    """

    probabilities: np.ndarray
    logits: np.ndarray
    pooled: np.ndarray | None
    heatmaps: np.ndarray | None
    randomised: np.ndarray | None = None


class Engine:
    """A loaded classifier. `run` may be called from any number of threads.

    side: of the squares it reads, in pixels. classes: K. grid: cells of a heatmap along one
    side, None without heatmaps. sha256: in hex, of the very bytes that run. Raises `BadModel` for
    what is no such flatbuffer.
    """

    def __init__(self, served: Path | Content, *, threads: int = THREADS) -> None:
        self._interpreters = Interpreters(served, threads=threads)
        self.file, self.sha256 = self._interpreters.file, self._interpreters.sha256
        self.side, shapes = self._interpreters.side, self._interpreters.shapes
        self._places = _places(shapes, self.file)
        named = {name: shapes[place] for name, place in self._places.items()}
        self.classes = named.get("logits", named.get("probabilities"))[1]
        self.grid = named["heatmaps"][1] if "heatmaps" in named else None

    def run(self, pixels: np.ndarray) -> Outputs:
        """What the network says of squares, uint8 (N, S, S, 3) RGB. Raises `BadModel`."""
        outputs = self._interpreters.run(pixels)
        named = {name: outputs[place] for name, place in self._places.items()}
        logits = named.get("logits")
        if logits is None:  # only the probabilities are known: logits up to a constant
            logits = np.log(np.clip(named["probabilities"], 1e-12, 1))
        maps = named.get("heatmaps")
        both = maps is not None and maps.shape[-1] == 2 * self.classes
        heatmaps, randomised = np.split(maps, 2, axis=-1) if both else (maps, None)
        return Outputs(softmax(logits), logits, named.get("pooled"), heatmaps, randomised)


def _places(shapes: list[tuple[int, ...]], file: Path) -> dict[str, int]:
    """Which output is which, told by shape, because a frozen graph keeps no names of outputs."""
    grids = [place for place, shape in enumerate(shapes) if len(shape) == 4]
    rows = [place for place, shape in enumerate(shapes) if len(shape) == 2]
    if len(shapes) == 1 and rows:
        return {"probabilities": 0}
    if len(shapes) == 3 and len(grids) == 1 and len(rows) == 2:
        maps = shapes[grids[0]][3]  # two a class; in older files one
        twice = [place for place in rows if 2 * shapes[place][1] == maps]
        logits = twice or [place for place in rows if shapes[place][1] == maps]
        pooled = [place for place in rows if place not in logits]
        if len(logits) == 1:
            return {"logits": logits[0], "pooled": pooled[0], "heatmaps": grids[0]}
    problem = f"expected pooled features, logits and heatmaps, or probabilities, got {shapes}"
    raise BadModel("not_tflite", file=file.name, problem=problem)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float32 of the same shape, of logits (..., K)."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
