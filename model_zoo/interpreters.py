"""LiteRT interpreters of one flatbuffer, shared by many users at once. No TensorFlow."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from model_zoo.cores import usable_cores
from model_zoo.errors import BadModel
from model_zoo.store import Content, read

# Photos in one call of the interpreter. Eight is one photo in its eight flips and turns.
BATCH = 8
# Interpreters held for photos that come alone. Two keep both cores of a small server busy
# while one of them waits for Python; each costs one copy of the packed weights.
WORKERS = min(2, usable_cores())
# Threads of one call, unless its caller says otherwise.
THREADS = min(2, usable_cores())


class Interpreters:
    """A loaded flatbuffer of one input, uint8 (N, S, S, 3). `run` may be called from any thread.

    side: S. shapes: of the outputs, in the order of the flatbuffer. sha256: in hex, of the very
    bytes that run. Raises `BadModel` for what is no such flatbuffer.
    """

    def __init__(self, served: Path | Content, *, threads: int = THREADS) -> None:
        content = served if isinstance(served, Content) else read(served)
        self.file, self.sha256, self._flatbuffer = content.file, content.sha256, content.data
        self.threads = threads
        self._idle: dict[int, queue.SimpleQueue] = {}
        self._made: dict[int, int] = {}
        self._lock = threading.Lock()
        with self._borrow(1) as first:
            entry = first.get_input_details()[0]
            outputs = first.get_output_details()
        if entry["dtype"] != np.uint8 or len(entry["shape"]) != 4:
            problem = f"expected uint8 input (N, S, S, 3), got {entry['shape']}"
            raise BadModel("not_tflite", file=self.file.name, problem=problem)
        self.side = int(entry["shape"][1])
        self.shapes = [tuple(int(n) for n in output["shape"]) for output in outputs]

    def run(self, pixels: np.ndarray) -> list[np.ndarray]:
        """All outputs for squares, uint8 (N, S, S, 3) RGB, each (N, ...). Raises `BadModel`."""
        side = self.side
        shaped = pixels.ndim == 4 and len(pixels) > 0 and pixels.shape[1:] == (side, side, 3)
        if pixels.dtype != np.uint8 or not shaped:
            raise BadModel("wrong_pixels", side=side, dtype=pixels.dtype, shape=pixels.shape)
        whole = len(pixels) - len(pixels) % BATCH
        # Full batches, then singles: two compiled shapes serve every N without padding.
        parts = [self._call(pixels[at : at + BATCH], BATCH) for at in range(0, whole, BATCH)]
        parts += [self._call(pixels[at : at + 1], 1) for at in range(whole, len(pixels))]
        if len(parts) == 1:
            return parts[0]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _call(self, pixels: np.ndarray, size: int) -> list[np.ndarray]:
        with self._borrow(size) as interpreter:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
            interpreter.invoke()
            outputs = interpreter.get_output_details()
            return [interpreter.get_tensor(output["index"]) for output in outputs]

    @contextmanager
    def _borrow(self, size: int) -> Iterator:
        """An interpreter for batches of `size` that nobody else uses meanwhile."""
        with self._lock:
            idle = self._idle.setdefault(size, queue.SimpleQueue())
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
            interpreter = Interpreter(model_content=self._flatbuffer, num_threads=self.threads)
            entry = interpreter.get_input_details()[0]
            if entry["shape"][0] != size:
                interpreter.resize_tensor_input(entry["index"], (size, *entry["shape"][1:]))
            interpreter.allocate_tensors()
        except Exception as fault:  # the library raises ValueError, RuntimeError and others
            problem = (str(fault) or type(fault).__name__).splitlines()[0][:200]
            raise BadModel("not_tflite", file=self.file.name, problem=problem) from fault
        return interpreter
