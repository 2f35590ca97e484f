"""The classifier: a card and its networks, from pixels to one `Analysis` of one photo."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from model_zoo import abcd, novelty, quality, registry, trust
from model_zoo.analysis import Analysis
from model_zoo.card import CLASSIFICATION, Card
from model_zoo.engine import Engine, Outputs, softmax
from model_zoo.errors import BadModel
from model_zoo.frames import Frame, frame
from model_zoo.images import Square, centred_square, decode_rgb, field_of_view, square
from model_zoo.interpreters import THREADS
from model_zoo.loading import compiled, given, served
from model_zoo.segmentation import Outline, Outliner, lesion_check, outline_of
from model_zoo.trust import LESION, NOVELTY, SINGLE, TTA, Check, calibrated, prediction_set
from model_zoo.views import eight_views


@dataclass(frozen=True)
class Prepared:
    """A photo as the networks read it: its pixels, the square, the frame, its qualities.

    centred: whether the square is the one in the middle.
    """

    rgb: np.ndarray
    square: Square
    frame: Frame | None
    qualities: dict[str, float]
    centred: bool = True


class Classifier:
    """A loaded model: one network, or an ensemble. It may be asked from many threads.

    engines: of its members, whose cards are `members` where it is an ensemble. mode: `trust.SINGLE`
    or `trust.TTA`. outliner: finds the lesion, None to leave that out.
    """

    def __init__(
        self,
        card: Card,
        engines: list[Engine],
        *,
        members: list[Card] | None = None,
        orders: list[list[int]] | None = None,
        mode: str = SINGLE,
        outliner: Outliner | None = None,
    ) -> None:
        self.card, self.engines, self.mode, self.outliner = card, engines, mode, outliner
        self.trust = trust.of_card(card, mode)
        self._orders = orders or [list(range(len(card.labels))) for _ in engines]
        for engine in engines:
            if engine.classes != len(card.labels):
                name, count = engine.file.name, len(card.labels)
                problem = f"it has {engine.classes} outputs, its card names {count} classes"
                raise BadModel("foreign_shape", file=name, problem=problem)
            if engine.side != engines[0].side:
                problem = f"it reads {engine.side} pixels, another member {engines[0].side}"
                raise BadModel("foreign_shape", file=engine.file.name, problem=problem)
        self.guards = novelty.guards([card]) or novelty.guards(members or [])

    @property
    def side(self) -> int:
        """Of the squares that are read, in pixels."""
        return self.engine.side

    @property
    def engine(self) -> Engine:
        """The engine of the first, or only, member."""
        return self.engines[0]

    @property
    def novelty_limit(self) -> float:
        """The strangeness above which a photo is refused, where there are `guards`.

        Of several it is fitted to all together, else 1, where they would doubt on average.
        """
        if len(self.guards) == 1:
            return self.guards[0].limit
        fitted = self.trust.novelty_threshold
        return 1.0 if fitted is None else fitted

    @property
    def novelty_sha256(self) -> str | None:
        """The sha256 of the novelty file; of several members, of theirs joined; None without."""
        return _joined([guard.sha256 for guard in self.guards]) if self.guards else None

    @classmethod
    def load(
        cls,
        name_or_path: str | Path | None = None,
        *,
        labels: tuple[str, ...] | None = None,
        scaling: str | None = None,
        tta: bool = False,
        outliner: Outliner | None = None,
        threads: int = THREADS,
    ) -> "Classifier":
        """A classifier ready to run: the default one, a card's name, a `.tflite` or a `.keras`.

        A model file needs a card of the same stem beside it, or, for `.keras`, both labels (class
        codes in output order) and scaling. Files with a known sha256 are verified. A `.keras` is
        compiled once and kept by content hash; only that needs TensorFlow. tta: answers and
        outlines are the mean over the eight flips and quarter turns of each photo. threads: of each
        call. Raises `BadModel`.
        """
        settings = {"mode": TTA if tta else SINGLE, "outliner": outliner}
        if name_or_path is not None and labels is not None and scaling is not None:
            path = Path(name_or_path)
            card = Card(path.stem, tuple(labels), scaling, path, path.parent)
            return cls(card, [Engine(compiled(path, card), threads=threads)], **settings)
        card = registry.find(str(name_or_path)) if name_or_path else registry.default_card()
        if card.task != CLASSIFICATION:
            raise BadModel("wrong_task", name=card.name, task=card.task, expected=CLASSIFICATION)
        if card.members:
            return cls._ensemble(card, threads, settings)
        file = Path(name_or_path) if name_or_path else None
        named = file is not None and file.suffix in (".keras", ".tflite")
        content = given(file, card) if named else served(card)
        return cls(card, [Engine(content, threads=threads)], **settings)

    @classmethod
    def _ensemble(cls, card: Card, threads: int, settings: dict) -> "Classifier":
        members = [registry.find(name) for name in card.members]
        for member in members:
            if set(member.labels) != set(card.labels) or member.members:
                problem = f"its member {member.name} has other classes, or is an ensemble itself"
                raise BadModel("bad_card", file=card.path.name, problem=problem)
        orders = [[member.labels.index(code) for code in card.labels] for member in members]
        engines = [Engine(served(member), threads=threads) for member in members]
        return cls(card, engines, members=members, orders=orders, **settings)

    def analyse(self, photo: bytes | np.ndarray) -> Analysis:
        """The analysis of one photo: encoded bytes, or uint8 (H, W, 3) RGB. Raises `BadImage`."""
        rgb = decode_rgb(photo) if isinstance(photo, bytes) else photo
        return self.analyse_prepared([self.prepare(rgb)])[0]

    def prepare(self, rgb: np.ndarray, box: tuple[int, int, int, int] | None = None) -> Prepared:
        """A photo, uint8 (H, W, 3) RGB, as `analyse_prepared` takes it; needs no network.

        box: the square to be seen, instead of the largest one in the middle.
        """
        field, image = field_of_view(rgb), Image.fromarray(rgb)
        seen = square(image, self.side, box or centred_square(field))
        if self.outliner is None:
            return Prepared(rgb, seen, None, {}, box is None)
        whole = frame(image, self.outliner.side, field)
        return Prepared(rgb, seen, whole, quality.measure(whole), box is None)

    def analyse_within(self, rgb: np.ndarray, box: tuple[int, int, int, int]) -> Analysis:
        """The analysis of a photo of which the classifier sees this square alone.

        rgb: uint8 (H, W, 3). box: left, top, right, bottom in its pixels, as high as wide.
        """
        return self.analyse_prepared([self.prepare(rgb, box)])[0]

    def analyse_prepared(self, photos: list[Prepared], *, outlines: bool = True) -> list[Analysis]:
        """The analyses of several photos, in one call of each network.

        outlines: False makes all checks, but keeps and measures no outline.
        """
        count = len(photos)
        outputs = self._run(np.stack([photo.square.pixels for photo in photos]))
        answers = self._answers(outputs, count)
        probabilities = calibrated(answers.mean(axis=0), self.trust.temperature)
        heatmaps = self._heatmaps([given.heatmaps for given in outputs], count)
        randomised = self._heatmaps([given.randomised for given in outputs], count)
        masks = seen = None
        if self.outliner is not None:
            frames = np.stack([photo.frame.pixels for photo in photos])
            masks, seen = self.outliner.run(frames, tta=self.mode == TTA)
        strange = [None] * count
        if self.guards:
            pooled = [given.pooled for given in outputs]
            values = novelty.strangeness(self.guards, pooled, count)
            strange = novelty.checks(values, self.novelty_limit)
        analyses = []
        for index, photo in enumerate(photos):
            found = None if masks is None else outline_of(masks[index], photo.frame)
            outline = found if outlines else None
            analyses.append(
                Analysis(
                    model=self.card.name,
                    labels=self.card.labels,
                    probabilities=probabilities[index],
                    heatmaps=_at(heatmaps, index),
                    randomised=_at(randomised, index),
                    box=photo.square.box,
                    size=(photo.rgb.shape[1], photo.rgb.shape[0]),
                    pooled=_at(outputs[0].pooled, index),
                    answers=answers[:, index],
                    members=self.card.members,
                    prediction_set=self._set(probabilities[index]),
                    checks=self._checks(photo, strange[index], found, _at(seen, index)),
                    outline=outline,
                    abcd=None if outline is None else abcd.measure(photo.rgb, outline),
                    mode=self.mode,
                    centred=photo.centred,
                    temperature=self.trust.temperature,
                    read=photo.square.pixels,
                )
            )
        return analyses

    def digest(self) -> str:
        """The sha256 in hex of the flatbuffer that runs; of an ensemble, of its members' joined.

        Of the bytes that were loaded, whatever has become of the file since.
        """
        return _joined([engine.sha256 for engine in self.engines])

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (N, K) of squares, uint8 (N, S, S, 3) RGB."""
        answers = self._answers(self._run(pixels), len(pixels))
        return calibrated(answers.mean(axis=0), self.trust.temperature)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Logits (N, K) of squares, uint8 (N, S, S, 3) RGB, before any temperature.

        The log of the mean probability of all views and members, so up to a constant.
        """
        answers = self._answers(self._run(pixels), len(pixels))
        return np.log(np.clip(answers.mean(axis=0), 1e-12, 1))

    def _run(self, pixels: np.ndarray) -> list[Outputs]:
        """What each member says of squares, or of all their views, those as they are first."""
        if self.mode == TTA:
            pixels = eight_views(pixels)
        return [engine.run(pixels) for engine in self.engines]

    def _answers(self, outputs: list[Outputs], count: int) -> np.ndarray:
        """Probabilities (A, N, K) by view and member, in the order of the card's labels."""
        parts = [
            softmax(given.logits.astype(np.float64))[:, order].reshape(-1, count, len(order))
            for given, order in zip(outputs, self._orders, strict=True)
        ]
        return np.concatenate(parts)

    def _heatmaps(self, given: list[np.ndarray | None], count: int) -> np.ndarray | None:
        """Those of the photo as it is, (N, h, w, K); of an ensemble the mean of the scaled ones."""
        if any(part is None for part in given):
            return None
        maps = [part[:count][..., order] for part, order in zip(given, self._orders, strict=True)]
        if len(maps) == 1:
            return maps[0]
        if len({part.shape for part in maps}) > 1:
            return None
        scaled = [part / np.maximum(part.max(axis=(1, 2), keepdims=True), 1e-9) for part in maps]
        return np.mean(scaled, axis=0)

    def _set(self, probabilities: np.ndarray) -> tuple[str, ...] | None:
        if not self.trust.set_thresholds:
            return None
        return prediction_set(self.card.labels, probabilities, self.trust.set_thresholds)

    def _checks(
        self,
        photo: Prepared,
        strange: Check | None,
        outline: Outline | None,
        seen: np.ndarray | None,
    ) -> dict[str, Check]:
        checks = {} if strange is None else {NOVELTY: strange}
        if self.outliner is None:
            return checks
        found = {LESION: lesion_check(outline)}
        return checks | found | self.outliner.checks(photo.qualities, seen)


def _at(values: np.ndarray | None, index: int) -> np.ndarray | None:
    return None if values is None else values[index]


def _joined(digests: list[str]) -> str:
    """The only sha256 in hex, or that of several joined."""
    joined = hashlib.sha256("".join(digests).encode()).hexdigest()
    return digests[0] if len(digests) == 1 else joined
