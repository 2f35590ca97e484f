"""Recipes: all that decides a training run, one TOML file read into frozen dataclasses."""

import dataclasses
import tomllib
import types
import typing
from dataclasses import dataclass
from pathlib import Path

from model_zoo.errors import BadData
from training.metrics import CRITERIA

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
FOLDER = Path(__file__).with_name("recipes")


@dataclass(frozen=True)
class Augment:
    """Random changes to a photo; 0 (or an area of 1 to 1) switches one off.

    rotation, hue: degrees. area: share of the square that is shown. aspect: largest |log| of the
    side ratio. shift: share of the side. brightness, contrast, saturation, gain: largest relative
    change. sides: pixels to go down to and up from, for `sides_share` of the photos.
    """

    rotation: float = 180.0
    area: tuple[float, float] = (0.55, 1.0)
    aspect: float = 0.2
    shift: float = 0.08
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 6.0
    gain: float = 0.06
    sides: tuple[int, ...] = (56, 72, 84, 112)
    sides_share: float = 0.5


@dataclass(frozen=True)
class Optimizer:
    """AdamW with linear warm-up and cosine decay over all phases, and an average of the weights.

    peak: highest learning rate. final: last one as a share of it. warmup_epochs: of the first.
    ema: momentum of the running average that is validated and kept; 0 switches it off.
    """

    peak: float = 7e-4
    final: float = 0.01
    warmup_epochs: float = 0.5
    weight_decay: float = 0.02
    ema: float = 0.998


@dataclass(frozen=True)
class Phase:
    """Some epochs at one side, in pixels."""

    side: int
    epochs: int


@dataclass(frozen=True)
class Recipe:
    """A training run. `criterion` is the validation measure that chooses the epoch to keep.

    statistics_momentum: of the running mean and variance of batch normalization. Backbones come
    with up to 0.999, a memory of 1,000 steps, which outlasts a phase at another side.
    The epoch is chosen within the last phase, whose side is the one that will be served.
    """

    name: str
    backbone: str
    phases: tuple[Phase, ...]
    weights: str = "imagenet"
    dropout: float = 0.5
    batch: int = 48
    seed: int = 1
    precision: str = "mixed_bfloat16"
    label_smoothing: float = 0.05
    statistics_momentum: float = 0.99
    sampling_power: float = 0.5
    criterion: str = "balanced_accuracy"
    optimizer: Optimizer = Optimizer()
    augment: Augment = Augment()

    @property
    def epochs(self) -> int:
        """All epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)


def read_recipe(name_or_file: str, *, weights: str | None = None) -> Recipe:
    """The recipe of a name in `training/recipes`, or of a TOML file.

    weights: instead of the recipe's own ("imagenet", "none" or an .npz file). Raises
    `BadData` that names the file and the unknown key, missing key or wrong type.
    """
    file = Path(name_or_file)
    if file.suffix != ".toml":
        file = FOLDER / f"{name_or_file}.toml"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.toml")))
        raise BadData("bad_recipe", file=name_or_file, problem=f"no such recipe; known: {known}")
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        recipe = _fill(Recipe, {"name": file.stem, **table}, "")
        _check(recipe)
    except (tomllib.TOMLDecodeError, ValueError) as fault:
        raise BadData("bad_recipe", file=file.name, problem=str(fault)) from fault
    return dataclasses.replace(recipe, weights=weights) if weights else recipe


def _check(recipe: Recipe) -> None:
    for key, known in (("criterion", CRITERIA), ("precision", PRECISIONS)):
        if getattr(recipe, key) not in known:
            raise ValueError(f"{key} must be one of {', '.join(known)}")
    positive = {"batch": recipe.batch, "optimizer.peak": recipe.optimizer.peak}
    for index, phase in enumerate(recipe.phases):
        positive |= {f"phases[{index}].side": phase.side, f"phases[{index}].epochs": phase.epochs}
    for key, value in positive.items():
        if value <= 0:
            raise ValueError(f"{key} must be above 0, got {value}")
    if not recipe.phases:
        raise ValueError("at least one of [[phases]] is needed")


def _fill(kind: type, table: dict, where: str):
    """A dataclass from a table, checked key by key and type by type."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    for key in table:
        if key not in fields:
            raise ValueError(f"unknown key {where}{key}; known: {', '.join(sorted(fields))}")
    for field in fields.values():
        if field.default is dataclasses.MISSING and field.name not in table:
            raise ValueError(f"missing key {where}{field.name}")
    values = {key: _convert(hints[key], value, where + key) for key, value in table.items()}
    return kind(**values)


def _convert(hint: object, value: object, where: str):
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _fill(hint, value, f"{where}.")
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        inner = typing.get_args(hint)
        repeated = len(inner) == 2 and inner[1] is Ellipsis
        if not repeated and len(value) != len(inner):
            raise ValueError(f"{where} needs {len(inner)} values, got {len(value)}")
        kinds = [inner[0]] * len(value) if repeated else inner
        return tuple(_convert(k, v, where) for k, v in zip(kinds, value, strict=True))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if not isinstance(value, kinds) or isinstance(value, bool) != (bool in kinds):
        names = " or ".join(getattr(kind, "__name__", str(kind)) for kind in kinds)
        raise ValueError(f"{where} must be {names}, got {value!r}")
    return value
