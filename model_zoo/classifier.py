"""The classifier: a card and an engine, from pixels to one `Analysis` of one photo."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_zoo import registry
from model_zoo.card import CLASSIFICATION, INSIDE, Card
from model_zoo.engine import Engine, softmax
from model_zoo.errors import BadModel
from model_zoo.images import Square, decode_rgb, square
from model_zoo.labels import CODES
from model_zoo.store import cache_folder, learnt_hashes, sha256_of, verify

# To be raised with every change of `compile` or `grad_cam`, so that nothing older is served.
COMPILER = 2


@dataclass(frozen=True)
class Analysis:
    """What a model says of one photo.

    labels: class codes in the order of the numbers. probabilities: float (K,), calibrated, sum 1.
    heatmaps: float32 (h, w, K), rectified Grad-CAM, not scaled, or None. box: what the model saw
    (left, top, right, bottom in pixels of the photo), size: width, height of the photo.
    """

    model: str
    labels: tuple[str, ...]
    probabilities: np.ndarray
    heatmaps: np.ndarray | None
    box: tuple[int, int, int, int]
    size: tuple[int, int]

    @property
    def label(self) -> str:
        """The code of the most probable class."""
        return self.labels[int(self.probabilities.argmax())]

    def probability(self, label: str) -> float:
        """The probability of one class, 0 to 1."""
        return float(self.probabilities[self.labels.index(label)])

    def ranked(self) -> list[tuple[str, float]]:
        """Class codes with probabilities, the largest first."""
        order = np.argsort(-self.probabilities, kind="stable")
        return [(self.labels[i], float(self.probabilities[i])) for i in order]

    def heatmap(self, label: str) -> np.ndarray | None:
        """The Grad-CAM of one class, float32 (h, w), scaled to 0..1; all zeros if it has none.

        None where the model has no heatmaps. Raises `BadModel` for an unknown class.
        """
        if label not in self.labels:
            raise BadModel("unknown_label", label=label, known=", ".join(self.labels))
        if self.heatmaps is None:
            return None
        values = self.heatmaps[:, :, self.labels.index(label)]
        peak = float(values.max())
        return values / peak if peak > 0 else np.zeros_like(values)

    def record(self, file: str) -> dict:
        """The analysis as it is written to JSON (see analysis.schema.json)."""
        return {
            "file": file,
            "model": self.model,
            "label": self.label,
            "probabilities": {
                code: round(self.probability(code), 6) for code in CODES if code in self.labels
            },
        }


class Classifier:
    """A loaded model. `analyse` and `analyse_squares` may be called from many threads."""

    def __init__(self, card: Card, engine: Engine) -> None:
        self.card, self.engine = card, engine
        if engine.classes != len(card.labels):
            problem = f"it has {engine.classes} outputs, its card names {len(card.labels)} classes"
            raise BadModel("foreign_shape", file=engine.file.name, problem=problem)

    @classmethod
    def load(
        cls,
        name_or_path: str | Path | None = None,
        *,
        labels: tuple[str, ...] | None = None,
        scaling: str | None = None,
    ) -> "Classifier":
        """A classifier ready to run: the default one, a card's name, a `.tflite` or a `.keras`.

        A model file needs a card of the same stem beside it, or, for `.keras`, both labels (class
        codes in output order) and scaling. Files with a known sha256 are verified. A `.keras` is
        compiled once and kept by content hash; only that needs TensorFlow. Raises `BadModel`.
        """
        if name_or_path is not None and labels is not None and scaling is not None:
            path = Path(name_or_path)
            card = Card(path.stem, tuple(labels), scaling, path, path.parent)
            return cls(card, Engine(_compiled(path, card)))
        card = registry.find(str(name_or_path)) if name_or_path else registry.default_card()
        if card.task != CLASSIFICATION:
            raise BadModel("wrong_task", name=card.name, task=card.task, expected=CLASSIFICATION)
        given = Path(name_or_path) if name_or_path else None
        if given is not None and given.suffix in (".keras", ".tflite"):
            for kind, entry in card.files.items():
                if card.folder / entry.file == given:
                    verify_file(card, kind)
            file = given if given.suffix == ".tflite" else _compiled(given, card)
            return cls(card, Engine(file))
        return cls(card, Engine(served_file(card)))

    def analyse(self, photo: bytes | np.ndarray) -> Analysis:
        """The analysis of one photo: encoded bytes, or uint8 (H, W, 3) RGB. Raises `BadImage`."""
        rgb = decode_rgb(photo) if isinstance(photo, bytes) else photo
        seen = square(rgb, self.engine.side)
        return self.analyse_squares([seen], [(rgb.shape[1], rgb.shape[0])])[0]

    def analyse_squares(
        self, squares: list[Square], sizes: list[tuple[int, int]]
    ) -> list[Analysis]:
        """The analyses of squares cut by `images.square`, with the sizes of their photos."""
        outputs = self.engine.run(np.stack([seen.pixels for seen in squares]))
        probabilities = self._calibrated(outputs.logits)
        return [
            Analysis(
                model=self.card.name,
                labels=self.card.labels,
                probabilities=probabilities[index],
                heatmaps=None if outputs.heatmaps is None else outputs.heatmaps[index],
                box=seen.box,
                size=size,
            )
            for index, (seen, size) in enumerate(zip(squares, sizes, strict=True))
        ]

    def probabilities(self, pixels: np.ndarray, *, tta: bool = False) -> np.ndarray:
        """Probabilities (N, K), by the card's temperature, of squares, uint8 (N, S, S, 3) RGB.

        tta: the mean over the eight flips and quarter turns of each square.
        """
        return self._calibrated(self.logits(pixels)) if not tta else self._over_views(pixels)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Logits (N, K), before any temperature, of squares, uint8 (N, S, S, 3) RGB."""
        return self.engine.run(pixels).logits

    def _over_views(self, pixels: np.ndarray) -> np.ndarray:
        views = eight_views(pixels)
        answers = self._calibrated(self.logits(views.reshape(-1, *pixels.shape[1:])))
        return answers.reshape(8, len(pixels), -1).mean(axis=0)

    def _calibrated(self, logits: np.ndarray) -> np.ndarray:
        return softmax(logits.astype(np.float64) / self.card.temperature)


def eight_views(pixels: np.ndarray) -> np.ndarray:
    """The flips and quarter turns, (8, N, S, S, 3), of squares (N, S, S, 3), themselves first.

    All of the square's symmetries: a lesion has no upside.
    """
    turned = [np.rot90(pixels, turns, axes=(1, 2)) for turns in range(4)]
    return np.stack([*turned, *(view[:, :, ::-1] for view in turned)])


def served_file(card: Card) -> Path:
    """The flatbuffer that serves a card, verified; compiled first where there is a `.keras` alone.

    Raises `BadModel`.
    """
    served, keras_file = card.file("served"), card.file("keras")
    if served is not None and served.is_file():
        verify_file(card, "served")
        return served
    if not card.files:  # a card beside a file of its own stem
        served, keras_file = (card.path.with_suffix(end) for end in (".tflite", ".keras"))
        if served.is_file():
            return served
    if keras_file is None or not keras_file.is_file():
        code = "missing_weights" if card.source is not None else "missing_model_file"
        raise BadModel(code, file=(keras_file or served).name, name=card.name)
    if "keras" in card.files:
        verify_file(card, "keras")
    return _compiled(keras_file, card)


def verify_file(card: Card, kind: str) -> bool:
    """Whether a hash is known for a file of a model, and it is right.

    The hash of its card, or the one learnt at its first download. Raises `BadModel` for another
    content or size.
    """
    entry = card.files[kind]
    path = card.folder / entry.file
    expected = entry.sha256
    if not expected and card.source is not None:
        expected = learnt_hashes().get(card.source.url, "")
    if expected:
        verify(path, expected, entry.size_bytes or path.stat().st_size)
    return bool(expected)


def _compiled(file: Path, card: Card) -> Path:
    """The flatbuffer of a `.keras` file, compiled on the first call and kept by content hash."""
    if not file.is_file():
        raise BadModel("missing_file", path=file)
    scaling = None if card.scaling == INSIDE else card.scaling
    key = f"{sha256_of(file)}-{card.precision}-{card.scaling}-{COMPILER}"
    target = cache_folder("compiled") / f"{key}.tflite"
    if not target.is_file():
        try:
            from model_zoo.compile import compile_file
        except ImportError as fault:
            raise BadModel("no_tensorflow", file=file.name) from fault
        compile_file(file, target, precision=card.precision, scaling=scaling)
    return target
