"""The engine: runs a LiteRT flatbuffer on batches of squares. No TensorFlow, many users at once."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo.errors import BadModel

# Photos in one call of the interpreter. Eight is one photo in its eight flips and turns.
BATCH = 8
# Interpreters held for photos that come alone. Two keep both cores of a small server busy
# while one of them waits for Python; each costs one copy of the packed weights.
WORKERS = 2


@dataclass(frozen=True)
class Outputs:
    """What a network says of N squares, float32.

    probabilities (N, K), uncalibrated; logits (N, K); pooled (N, C) and heatmaps (N, h, w, K),
    rectified, not scaled, both None where the head is of another kind.
    """

    probabilities: np.ndarray
    logits: np.ndarray
    pooled: np.ndarray | None
    heatmaps: np.ndarray | None


class Engine:
    """A loaded flatbuffer. `run` may be called from any number of threads.

    side: of the squares it reads, in pixels. classes: K. grid: cells of a heatmap along one
    side, None without heatmaps. Raises `BadModel` for what is no such flatbuffer.
    """

    def __init__(self, file: Path, *, threads: int = 2) -> None:
        self.file = file
        self.threads = threads
        self._interpreters: dict[int, queue.SimpleQueue] = {}
        self._made: dict[int, int] = {}
        self._lock = threading.Lock()
        with self._interpreter(1) as first:
            entry = first.get_input_details()[0]
            outputs = first.get_output_details()
        if entry["dtype"] != np.uint8 or len(entry["shape"]) != 4:
            problem = f"expected uint8 input (N, S, S, 3), got {entry['shape']}"
            raise BadModel("not_tflite", file=file.name, problem=problem)
        self.side = int(entry["shape"][1])
        self._places = _places([tuple(output["shape"]) for output in outputs], file)
        shapes = {name: outputs[place]["shape"] for name, place in self._places.items()}
        self.classes = int(shapes.get("logits", shapes.get("probabilities"))[1])
        self.grid = int(shapes["heatmaps"][1]) if "heatmaps" in shapes else None

    def run(self, pixels: np.ndarray) -> Outputs:
        """What the network says of squares, uint8 (N, S, S, 3) RGB. Raises `BadModel`."""
        side = self.side
        shaped = pixels.ndim == 4 and len(pixels) > 0 and pixels.shape[1:] == (side, side, 3)
        if pixels.dtype != np.uint8 or not shaped:
            raise BadModel("wrong_pixels", side=side, dtype=pixels.dtype, shape=pixels.shape)
        whole = len(pixels) - len(pixels) % BATCH
        # Full batches, then singles: two compiled shapes serve every N without padding.
        parts = [self._call(pixels[at : at + BATCH], BATCH) for at in range(0, whole, BATCH)]
        parts += [self._call(pixels[at : at + 1], 1) for at in range(whole, len(pixels))]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        logits = joined.get("logits")
        if logits is None:  # only the probabilities are known: logits up to a constant
            logits = np.log(np.clip(joined["probabilities"], 1e-12, 1))
        return Outputs(softmax(logits), logits, joined.get("pooled"), joined.get("heatmaps"))

    def _call(self, pixels: np.ndarray, size: int) -> dict[str, np.ndarray]:
        with self._interpreter(size) as interpreter:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
            interpreter.invoke()
            outputs = interpreter.get_output_details()
            return {
                name: interpreter.get_tensor(outputs[place]["index"])
                for name, place in self._places.items()
            }

    @contextmanager
    def _interpreter(self, size: int) -> Iterator:
        """An interpreter for batches of `size` that nobody else uses meanwhile."""
        with self._lock:
            idle = self._interpreters.setdefault(size, queue.SimpleQueue())
            make = idle.empty() and self._made.get(size, 0) < (WORKERS if size == 1 else 1)
            if make:
                self._made[size] = self._made.get(size, 0) + 1
        try:
            interpreter = self._make(size) if make else idle.get()
        except BadModel:
            with self._lock:  # one that was never made must not be waited for
                self._made[size] -= 1
            raise
        try:
            yield interpreter
        finally:
            idle.put(interpreter)

    def _make(self, size: int):
        from ai_edge_litert.interpreter import Interpreter

        try:
            interpreter = Interpreter(model_path=str(self.file), num_threads=self.threads)
            entry = interpreter.get_input_details()[0]
            if entry["shape"][0] != size:
                interpreter.resize_tensor_input(entry["index"], (size, *entry["shape"][1:]))
            interpreter.allocate_tensors()
        except Exception as fault:  # the library raises ValueError, RuntimeError and others
            problem = (str(fault) or type(fault).__name__).splitlines()[0][:200]
            raise BadModel("not_tflite", file=self.file.name, problem=problem) from fault
        return interpreter


def _places(shapes: list[tuple[int, ...]], file: Path) -> dict[str, int]:
    """Which output is which, told by shape, because a frozen graph keeps no names of outputs."""
    grids = [place for place, shape in enumerate(shapes) if len(shape) == 4]
    rows = [place for place, shape in enumerate(shapes) if len(shape) == 2]
    if len(shapes) == 1 and rows:
        return {"probabilities": 0}
    if len(shapes) == 3 and len(grids) == 1 and len(rows) == 2:
        classes = shapes[grids[0]][3]
        logits = [place for place in rows if shapes[place][1] == classes]
        pooled = [place for place in rows if shapes[place][1] != classes]
        if len(logits) == 1:
            return {"logits": logits[0], "pooled": pooled[0], "heatmaps": grids[0]}
    problem = f"expected pooled features, logits and heatmaps, or probabilities, got {shapes}"
    raise BadModel("not_tflite", file=file.name, problem=problem)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float32 of the same shape, of logits (..., K)."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
