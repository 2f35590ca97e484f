"""Recipes read from TOML files, checked key by key and type by type."""

import dataclasses
import tomllib
import types
import typing
from collections.abc import Iterable
from pathlib import Path

from model_zoo.card import CLASSIFICATION, SEGMENTATION
from model_zoo.errors import BadData
from model_zoo.labels import CODES
from training.metrics import CRITERIA
from training.recipe import Recipe

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
# For each task its losses and the measures by which the epoch can be chosen.
TASKS = {
    CLASSIFICATION: (
        ("cross_entropy", "categorical_focal", "binary_focal_over_softmax"),
        tuple(CRITERIA),
    ),
    SEGMENTATION: (("cross_entropy_dice",), ("dice", "iou")),
}
OPTIMIZERS = ("adam", "adamw")
MAX_BASES = 5  # an error, not a design: each base makes a recipe harder to read
FILLS = ("nearest", "reflect")
FOLDER = Path(__file__).with_name("recipes")


def read_recipes(
    name_or_file: str,
    *,
    weights: str | None = None,
    epochs: int | None = None,
    precision: str | None = None,
) -> tuple[Recipe, ...]:
    """The recipe of a name in `training/recipes`, or of a TOML file; or its stages, in order.

    A file may name a `base`, beside it or in `training/recipes`, of which it gives the changes. A
    file of stages holds nothing but `stages`, such names; each begins with the best weights of the
    one before. weights: instead of the first one's own ("imagenet", "none", an .npz file, or a
    finished network).
    epochs: at most so many of each phase. precision: instead of that of each. Raises `BadData` that
    names the file and the unknown key, missing key or wrong type.
    """
    file = _find(name_or_file)
    try:
        if epochs is not None and epochs < 1:
            raise ValueError(f"at least 1 epoch is needed, got {epochs}")
        table = _read(file, depth=0)
        if "stages" in table:
            names = table.pop("stages")
            listed = isinstance(names, list) and all(isinstance(name, str) for name in names)
            if table or not listed or not names:
                raise ValueError("expected nothing but stages, a list of recipes")
            first, *later = (_read_stage(_beside(file, name)) for name in names)
        else:
            first, later = _fill(Recipe, {"name": file.stem, **table}, ""), []
            _check(first)
    except (tomllib.TOMLDecodeError, ValueError) as fault:
        raise BadData("bad_recipe", file=file.name, problem=str(fault)) from fault
    if weights:
        first = dataclasses.replace(first, weights=weights)
    recipes = (first, *later)
    if precision:
        recipes = (dataclasses.replace(recipe, precision=precision) for recipe in recipes)
    return tuple(recipe if epochs is None else _cut(recipe, epochs) for recipe in recipes)


def read_recipe(name_or_file: str, *, weights: str | None = None) -> Recipe:
    """The recipe of a file that has no stages, as `read_recipes`."""
    recipes = read_recipes(name_or_file, weights=weights)
    if len(recipes) > 1:
        raise BadData("bad_recipe", file=name_or_file, problem="a single recipe was expected")
    return recipes[0]


def _cut(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe with at most so many epochs of each phase; its schedule is squeezed into them."""
    phases = (
        dataclasses.replace(phase, epochs=min(phase.epochs, epochs)) for phase in recipe.phases
    )
    return dataclasses.replace(recipe, phases=tuple(phases))


def _read_stage(file: Path) -> Recipe:
    if file.is_file() and "stages" in _read(file, depth=0):
        raise ValueError(f"the stage {file.stem} has stages itself")
    return read_recipe(str(file))


def _find(name_or_file: str) -> Path:
    file = Path(name_or_file)
    if file.suffix != ".toml":
        file = FOLDER / f"{name_or_file}.toml"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.toml")))
        raise BadData("bad_recipe", file=name_or_file, problem=f"no such recipe; known: {known}")
    return file


def _beside(file: Path, name: str) -> Path:
    """The recipe of a name beside the file, or else among those of the project."""
    beside = file.with_name(f"{name.removesuffix('.toml')}.toml")
    return beside if beside.is_file() else FOLDER / beside.name


def _read(file: Path, depth: int) -> dict:
    """The table of a file, laid over that of its base."""
    if depth > MAX_BASES:
        raise ValueError(f"more than {MAX_BASES} bases, one upon the other")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    if "base" not in table:
        return table
    base = _beside(file, str(table.pop("base")))
    if not base.is_file():
        raise ValueError(f"no base {base.stem}, beside it or in the project")
    return _laid_over(_read(base, depth + 1), table)


def _laid_over(base: dict, table: dict) -> dict:
    """Both tables as one; where both hold a table they are joined, else the second one counts."""
    joined = {**base, **table}
    for key in base.keys() & table.keys():
        if isinstance(base[key], dict) and isinstance(table[key], dict):
            joined[key] = _laid_over(base[key], table[key])
    return joined


def recipe_from(table: dict) -> Recipe:
    """The recipe that a run wrote down; settings newer than the run are at their defaults.

    Raises `BadData` for what is none.
    """
    try:
        return _fill(Recipe, table, "")
    except ValueError as fault:
        raise BadData("bad_recipe", file=table.get("name", "?"), problem=str(fault)) from fault


def _backbones(task: str) -> Iterable[str]:
    """The backbones of a task; Keras is loaded no earlier than a recipe is read."""
    from model_zoo.architectures import BACKBONES
    from model_zoo.unet import TAPS

    return TAPS if task == SEGMENTATION else BACKBONES


def _check(recipe: Recipe) -> None:
    published = recipe.published_augment
    losses, criteria = TASKS.get(recipe.task, ((), ()))
    for key, value, known in (
        ("task", recipe.task, TASKS),
        ("backbone", recipe.backbone, _backbones(recipe.task)),
        ("criterion", recipe.criterion, criteria),
        ("precision", recipe.precision, PRECISIONS),
        ("loss", recipe.loss, losses),
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
    if (recipe.class_weights or recipe.class_weight_power) and (recipe.mixup or recipe.cutmix):
        raise ValueError("class weights do not go with mixup or cutmix, whose targets are mixed")
    if recipe.logit_adjustment and (recipe.sampling_power != 1 or recipe.oversample):
        raise ValueError("logit_adjustment goes with sampling_power = 1 and no oversample")
    if recipe.early_stop and len(recipe.phases) > 1:
        raise ValueError("early_stop goes with a single phase")
    if recipe.mixup < 0 or recipe.cutmix < 0 or not 0 <= recipe.dropout < 1:
        raise ValueError("mixup and cutmix must not be negative, dropout 0 or more and below 1")
    if recipe.distillation < 0 or recipe.distillation_temperature <= 0:
        raise ValueError("distillation must not be negative, its temperature above 0")
    if recipe.unfrozen < -1:
        raise ValueError(f"unfrozen must be -1 (all) or a number of layers, got {recipe.unfrozen}")
    if recipe.loss == "binary_focal_over_softmax" and recipe.label_smoothing:
        raise ValueError("binary_focal_over_softmax smooths no labels; set label_smoothing = 0.0")
    if recipe.seed < 0:
        raise ValueError(f"seed must not be negative, got {recipe.seed}")
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
    if typing.get_origin(hint) is tuple:
        raise ValueError(f"{where} must be a list, got {value!r}")
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if not isinstance(value, kinds) or isinstance(value, bool) != (bool in kinds):
        names = " or ".join(getattr(kind, "__name__", str(kind)) for kind in kinds)
        raise ValueError(f"{where} must be {names}, got {value!r}")
    return value
