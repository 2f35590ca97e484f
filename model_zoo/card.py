"""Cards: all that is known of one model, read from one TOML file into a frozen dataclass."""

import functools
import tomllib
import typing
from dataclasses import dataclass, field
from pathlib import Path

from model_zoo.errors import BadModel
from model_zoo.labels import BY_CODE
from model_zoo.seal import KEY, seal_of
from model_zoo.store import Source

# `scaling` of a card: "inside" when the network scales 0..255 pixels by itself, as all that are
# trained here do; otherwise how pixels must be prepared (see architectures.scale).
INSIDE = "inside"
SCALINGS = (INSIDE, "caffe", "tf", "none")
# `task` of a card: names a class, or outlines the lesion.
CLASSIFICATION, SEGMENTATION = "classification", "segmentation"
OUTLINED = "lesion"  # the one label of a network that outlines
FETCHED = "keras"  # of a card's files, the one that its `source` brings
NOT_WRITTEN = {"path", "folder", "fetched", "sealed"}  # of a card's fields, in its file
NEEDED = ("name", "labels", "scaling")
TOML_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class FileEntry:
    """A file of a model: its name, sha256 in hex and size in bytes (both empty if not known)."""

    file: str
    sha256: str = ""
    size_bytes: int = 0


@dataclass(frozen=True)
class Card:
    """One model: identity, files, how it is used, what it reached, what it is not for.

    task: "classification" or "segmentation". labels: class codes in the order of the outputs, or
    "lesion". side: pixels, 0 if only the file knows. grid: cells of a heatmap along one side.
    files: "served" (LiteRT), "keras", "training_ids", "novelty".
    members: names of the models of an ensemble, which has no networks of its own. path: the card's
    own file; folder: where its files lie; fetched: where its weights do, if they are fetched into
    another one. sealed: whether it has a seal, which fits (see `seal`).
    trust, metrics: as `training calibrate` and `training evaluate` wrote them.
    """

    name: str
    labels: tuple[str, ...]
    scaling: str
    path: Path
    folder: Path
    fetched: Path | None = None
    task: str = CLASSIFICATION
    title: str = ""
    description: str = ""
    backbone: str = ""
    side: int = 0
    grid: int = 0
    precision: str = "float32"
    temperature: float = 1.0
    default: bool = False
    files: dict[str, FileEntry] = field(default_factory=dict)
    source: Source | None = None
    members: tuple[str, ...] = ()
    trust: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    intended_use: str = ""
    limits: tuple[str, ...] = ()
    licence: str = ""
    citations: tuple[str, ...] = ()
    changelog: tuple[str, ...] = ()
    sealed: bool = False

    def file(self, kind: str) -> Path | None:
        """The path of one of the model's files, whether it exists or not; None if it has none."""
        entry = self.files.get(kind)
        folder = self.fetched if kind == FETCHED and self.fetched is not None else self.folder
        return folder / entry.file if entry else None


def read_card(path: Path, folder: Path) -> Card:
    """The card in a TOML file whose model files lie in `folder`.

    A card that has not changed since is not read again. Raises `BadModel` that names what is
    lacking or wrong.
    """
    try:
        state = path.stat()
    except OSError as fault:
        raise BadModel("bad_card", file=path.name, problem=str(fault)) from fault
    return _read(path, folder, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _read(path: Path, folder: Path, size: int, mtime_ns: int) -> Card:
    """The card; the size and the time of the last change only tell one content from another."""
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise BadModel("bad_card", file=path.name, problem=str(fault)) from fault
    seal = table.pop(KEY, None)
    if seal is not None and seal != seal_of(text):
        raise BadModel("card_changed", file=path.name)
    lacking = [key for key in NEEDED if not table.get(key)]
    if lacking:
        raise BadModel("bad_card", file=path.name, problem=f"it lacks {', '.join(lacking)}")
    unknown = sorted(set(table) - (set(Card.__dataclass_fields__) - NOT_WRITTEN))
    if unknown:
        raise BadModel("bad_card", file=path.name, problem=f"unknown key {unknown[0]}")
    _check_types(path, table)
    _check(path, table)
    try:
        values = {key: _frozen(key, value) for key, value in table.items()}
        return Card(**values, path=path, folder=folder, sealed=seal is not None)
    except TypeError as fault:
        raise BadModel("bad_card", file=path.name, problem=str(fault)) from fault


def _check_types(path: Path, table: dict) -> None:
    hints = typing.get_type_hints(Card)
    for key, value in table.items():
        hint = hints[key]
        kind = typing.get_origin(hint) or hint
        kinds = {tuple: list, float: (int, float)}.get(kind, dict if key == "source" else kind)
        right = isinstance(value, kinds) and isinstance(value, bool) == (kind is bool)
        if kind is tuple and right:
            right = all(isinstance(item, str) for item in value)
        if not right:
            expected = "a list of texts" if kind is tuple else TOML_KINDS.get(kind, "a table")
            raise BadModel(
                "bad_card", file=path.name, problem=f"{key} must be {expected}, got {value!r:.80}"
            )
    for kind, entry in table.get("files", {}).items():
        _check_entry(path, f"files.{kind}", entry, ("size_bytes",))
    if "source" in table:
        _check_entry(path, "source", table["source"], ("size_bytes",))


def _check_entry(path: Path, name: str, entry: object, whole_numbers: tuple[str, ...]) -> None:
    if not isinstance(entry, dict):
        raise BadModel("bad_card", file=path.name, problem=f"{name} must be a table")
    for key, value in entry.items():
        kind = int if key in whole_numbers else str
        if not isinstance(value, kind) or isinstance(value, bool):
            problem = f"{name}.{key} must be {TOML_KINDS[kind]}, got {value!r:.80}"
            raise BadModel("bad_card", file=path.name, problem=problem)


def _check(path: Path, table: dict) -> None:
    labels, task = table["labels"], table.get("task", CLASSIFICATION)
    if task not in (CLASSIFICATION, SEGMENTATION):
        problem = f"task must be {CLASSIFICATION} or {SEGMENTATION}, got {task}"
        raise BadModel("bad_card", file=path.name, problem=problem)
    if task == SEGMENTATION and labels != [OUTLINED]:
        problem = f'labels must be ["{OUTLINED}"] for {SEGMENTATION}, got {labels}'
        raise BadModel("bad_card", file=path.name, problem=problem)
    known = set(BY_CODE) if task == CLASSIFICATION else {OUTLINED}
    if len(set(labels)) != len(labels) or set(labels) - known:
        problem = f"labels must be different ones of {', '.join(BY_CODE)}, got {labels}"
        raise BadModel("bad_card", file=path.name, problem=problem)
    if table["scaling"] not in SCALINGS:
        problem = f"scaling must be one of {', '.join(SCALINGS)}, got {table['scaling']}"
        raise BadModel("bad_card", file=path.name, problem=problem)
    for kind, entry in table.get("files", {}).items():
        name = Path(entry.get("file", ""))
        if not name.name or name.is_absolute() or ".." in name.parts:
            problem = f"files.{kind} must name a file beside the model"
            raise BadModel("bad_card", file=path.name, problem=problem)
    temperature = table.get("temperature", 1.0)
    if not 0.05 <= temperature <= 20:
        problem = f"temperature must be between 0.05 and 20, got {temperature}"
        raise BadModel("bad_card", file=path.name, problem=problem)


def _frozen(key: str, value: object) -> object:
    if key == "files":
        return {kind: FileEntry(**entry) for kind, entry in value.items()}
    if key == "source":
        return Source(**value)
    return tuple(value) if isinstance(value, list) else value
