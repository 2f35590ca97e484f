"""What two evaluations say of a leak, written where `model_zoo.leak_pair` reads it."""

import json
from pathlib import Path

import tomlkit

from model_zoo import leak_pair
from model_zoo.errors import BadData
from training.protocols import ABOUT, LESION, REFERENCE
from training.splits import HELD_OUT, part_of, read_list

KEPT = ("protocol", "resolution", "n", "lesions", *leak_pair.MEASURES)


def write(
    recipe: str,
    by_image: tuple[Path, Path],
    by_lesion: tuple[Path, Path],
    file: Path = leak_pair.FILE,
) -> leak_pair.LeakPair:
    """The pair as it was written.

    by_image, by_lesion: the folder of an evaluation, and that of the lists which its model was
    trained and measured on. Raises `BadData` where a folder is not of that kind.
    """
    document = {
        "recipe": recipe,
        "by_image": _half(*by_image, REFERENCE),
        "by_lesion": _half(*by_lesion, LESION),
    }
    file.write_text(tomlkit.dumps(document), encoding="utf-8")
    return leak_pair.read_file(file)


def _half(results: Path, lists: Path, protocol: str) -> dict:
    measured, split = _json(results / "metrics.json"), _json(lists / ABOUT)
    if split["protocol"] != protocol:
        raise BadData("wrong_protocol", folder=lists, expected=protocol, found=split["protocol"])
    if measured["n"] != split["images"]["test"]:
        counts = {"expected": split["images"]["test"], "found": measured["n"]}
        raise BadData("other_photos", folder=results, lists=lists, **counts)
    tested = {row.image for row in part_of(read_list(lists), HELD_OUT)}
    measured_on = {row.image for row in read_list(results / "predictions.csv")}
    if strange := len(measured_on - tested):
        raise BadData("strange_photos", folder=results, lists=lists, count=strange)
    kept = {name: measured[name] for name in KEPT}
    kept["per_class"] = {
        code: {"support": entry["support"], **{name: entry[name] for name in leak_pair.OF_CLASS}}
        for code, entry in measured["per_class"].items()
    }
    seen = split["test_images_of_training_lesions"]
    if seen is None:
        raise BadData("no_lesions", file=lists / ABOUT)
    known = measured.get("trained_on")  # by the list of the model that was measured
    if known is not None and bool(known) != bool(seen):
        counts = {"known": known, "seen": seen}
        raise BadData("other_model", folder=results, lists=lists, **counts)
    return {"seen": seen, "measured": _without_none(kept)}


def _json(file: Path) -> dict:
    if not file.is_file():
        raise BadData("missing_file", path=file)
    return json.loads(file.read_text(encoding="utf-8"))


def _without_none(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return value
