"""Recipes: all that decides a training run, one TOML file read into frozen dataclasses."""

import dataclasses
import tomllib
import types
import typing
from dataclasses import dataclass
from pathlib import Path

from model_zoo.errors import BadData
from model_zoo.labels import CODES
from training.metrics import CRITERIA

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
LOSS_NAMES = ("cross_entropy", "categorical_focal", "binary_focal_over_softmax")
OPTIMIZERS = ("adam", "adamw")
MAX_BASES = 5  # an error, not a design: each base makes a recipe harder to read
FILLS = ("nearest", "reflect")
FOLDER = Path(__file__).with_name("recipes")


@dataclass(frozen=True)
class Augment:
    """Random changes to a photo; 0 (or an area of 1 to 1) switches one off.

    rotation, hue: degrees. area: share of the square that is shown. aspect: largest |log| of the
    side ratio. shift: share of the side. brightness, contrast, saturation, gain: largest relative
    change. sides: pixels to go down to and up from, for `sides_share` of the photos.
    """

    flips: bool = True
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
class PublishedAugment:
    """Random changes in the units of Keras's legacy `ImageDataGenerator`.

    rotation, shear: degrees. shift: share of the side. zoom: 0.3 is 0.7 to 1.3 on each axis.
    brightness: factors. fill: of what lies beyond the border, "nearest" or "reflect".
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness: tuple[float, float] = (1.0, 1.0)
    fill: str = "nearest"


@dataclass(frozen=True)
class Plateau:
    """The learning rate times `factor` after `patience` epochs without a lower validation loss."""

    factor: float
    patience: int
    minimum: float


@dataclass(frozen=True)
class Optimizer:
    """Adam or AdamW, and an average of the weights.

    peak: highest learning rate, with linear warm-up and cosine decay over all phases, or, where
    there is a `plateau`, the first one. final: last one as a share of it. warmup_epochs: of the
    first. ema: momentum of the running average that is validated and kept; 0 switches it off.
    """

    name: str = "adamw"
    plateau: Plateau | None = None
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

    unfrozen: how many of the backbone's last layers are trained, -1 for all of them.
    Remedies for imbalance: sampling_power (1 draws every photo once, 0 all classes alike), class
    weights in the loss (`class_weights`, or n_c ** -class_weight_power with mean 1 over the
    photos), `oversample` (so many more copies of the photos of these classes, drawn with
    replacement), logit_adjustment (that share of the log prior). mixup, cutmix: alpha of the Beta
    distribution of the mixture, 0 for none. early_stop: epochs without a lower validation loss.
    published_augment: takes the place of `augment`.
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
    unfrozen: int = -1
    loss: str = "cross_entropy"
    sampling_power: float = 1.0
    class_weights: tuple[float, ...] = ()
    class_weight_power: float = 0.0
    oversample: tuple[str, ...] = ()
    oversample_copies: int = 3
    logit_adjustment: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    early_stop: int = 0
    criterion: str = "balanced_accuracy"
    optimizer: Optimizer = Optimizer()
    augment: Augment = Augment()
    published_augment: PublishedAugment | None = None

    @property
    def epochs(self) -> int:
        """All epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)


def read_recipes(name_or_file: str, *, weights: str | None = None) -> tuple[Recipe, ...]:
    """The recipe of a name in `training/recipes`, or of a TOML file; or its stages, in order.

    A file may name a `base` beside it, of which it gives the changes. A file of stages holds
    nothing but `stages`, names of files beside it; each begins with the best weights of the one
    before. weights: instead of the first one's own ("imagenet", "none" or
    an .npz file). Raises `BadData` that names the file and the unknown key, missing key or wrong
    type.
    """
    file = _find(name_or_file)
    try:
        table = _read(file, depth=0)
        if "stages" in table:
            names = table.pop("stages")
            if table or not names or not all(isinstance(name, str) for name in names):
                raise ValueError("expected nothing but stages, a list of recipes")
            first, *later = (read_recipe(str(_beside(file, name))) for name in names)
        else:
            first, later = _fill(Recipe, {"name": file.stem, **table}, ""), []
            _check(first)
    except (tomllib.TOMLDecodeError, ValueError) as fault:
        raise BadData("bad_recipe", file=file.name, problem=str(fault)) from fault
    return (dataclasses.replace(first, weights=weights) if weights else first, *later)


def read_recipe(name_or_file: str, *, weights: str | None = None) -> Recipe:
    """The recipe of a file that has no stages, as `read_recipes`."""
    recipes = read_recipes(name_or_file, weights=weights)
    if len(recipes) > 1:
        raise BadData("bad_recipe", file=name_or_file, problem="a single recipe was expected")
    return recipes[0]


def _find(name_or_file: str) -> Path:
    file = Path(name_or_file)
    if file.suffix != ".toml":
        file = FOLDER / f"{name_or_file}.toml"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.toml")))
        raise BadData("bad_recipe", file=name_or_file, problem=f"no such recipe; known: {known}")
    return file


def _beside(file: Path, name: str) -> Path:
    return file.with_name(f"{name.removesuffix('.toml')}.toml")


def _read(file: Path, depth: int) -> dict:
    """The table of a file, laid over that of its base."""
    if depth > MAX_BASES:
        raise ValueError(f"more than {MAX_BASES} bases, one upon the other")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    if "base" not in table:
        return table
    base = _beside(file, str(table.pop("base")))
    if not base.is_file():
        raise ValueError(f"no base {base.stem} beside it")
    return _laid_over(_read(base, depth + 1), table)


def _laid_over(base: dict, table: dict) -> dict:
    """Both tables as one; where both hold a table they are joined, else the second one counts."""
    joined = {**base, **table}
    for key in base.keys() & table.keys():
        if isinstance(base[key], dict) and isinstance(table[key], dict):
            joined[key] = _laid_over(base[key], table[key])
    return joined


def _check(recipe: Recipe) -> None:
    published = recipe.published_augment
    for key, value, known in (
        ("criterion", recipe.criterion, CRITERIA),
        ("precision", recipe.precision, PRECISIONS),
        ("loss", recipe.loss, LOSS_NAMES),
        ("optimizer.name", recipe.optimizer.name, OPTIMIZERS),
        ("published_augment.fill", published.fill if published else "nearest", FILLS),
        *(("oversample", code, CODES) for code in recipe.oversample),
    ):
        if value not in known:
            raise ValueError(f"{key} must be one of {', '.join(known)}, got {value}")
    positive = {"batch": recipe.batch, "optimizer.peak": recipe.optimizer.peak}
    for index, phase in enumerate(recipe.phases):
        positive |= {f"phases[{index}].side": phase.side, f"phases[{index}].epochs": phase.epochs}
    for key, value in positive.items():
        if value <= 0:
            raise ValueError(f"{key} must be above 0, got {value}")
    if not recipe.phases:
        raise ValueError("at least one of [[phases]] is needed")
    if len(recipe.class_weights) not in (0, len(CODES)):
        raise ValueError(f"class_weights needs {len(CODES)} values, in the order {' '.join(CODES)}")
    if recipe.class_weights and recipe.class_weight_power:
        raise ValueError("give class_weights or class_weight_power, not both")
    if recipe.oversample and recipe.sampling_power != 1:
        raise ValueError("oversample goes with sampling_power = 1")
    if recipe.logit_adjustment and recipe.loss != "cross_entropy":
        raise ValueError("logit_adjustment goes with the loss cross_entropy")


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
    if isinstance(hint, types.UnionType) and isinstance(value, dict):
        hint = next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
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
