"""From a run to what is served: `.keras`, LiteRT flatbuffer, card, training ids."""

import gzip
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np
import tomlkit

from model_zoo.architectures import build
from model_zoo.card import CLASSIFICATION, INSIDE, OUTLINED, SEGMENTATION, Card
from model_zoo.compile import compile_flat, load_flat
from model_zoo.engine import Engine
from model_zoo.labels import CODES
from model_zoo.seal import sealed
from model_zoo.store import sha256_of
from model_zoo.training_ids import write_rows
from model_zoo.unet import build_unet
from training import checkpoint, splits
from training.dataset import load_photos
from training.outcome import FinishedRun, read_run
from training.outline_measures import MaskCandidate, choose_mask, measure_mask_precisions
from training.precision import Candidate, choose, measure_precisions
from training.recipe import Recipe

KERAS_FILE = "best_final_model.keras"
TRAINING_IDS = "training_ids.csv.gz"
ORIGINS = ("begun_from", "taught_by")  # finished networks, as data.json names them
HISTORY_KEYS = (
    "stage",
    "epoch",
    "side",
    "loss",
    "val_objective",
    "val_loss",
    "val_accuracy",
    "val_balanced_accuracy",
    "val_dice",
    "val_iou",
)
TEXTS = Path(__file__).with_name("card_texts.toml")
RARE = {"AK", "DF", "SCC", "VASC"}  # as the texts name them


@dataclass(frozen=True)
class Place:
    """Where an exported model goes: its name, the folder of its files and the card's file."""

    name: str
    folder: Path
    card: Path


def export(
    run: Path,
    place: Place,
    *,
    title: str,
    default: bool,
    data: Path | None = None,
    images: Path | None = None,
) -> None:
    """Nothing; writes the model of a run, or of its last stage, with its card, to `place`.

    data, images: the folder whose photos the run validated on, and its list, where these have
    moved. The photos decide the precision; without any the model is served as float32.
    """
    finished = read_run(run, data, images)
    keras.config.set_dtype_policy("float32")
    recipe, side = finished.recipe, finished.chosen["side"]
    make = build_unet if recipe.task == SEGMENTATION else build
    model = make(recipe.backbone, side, weights=None, dropout=recipe.dropout)
    checkpoint.set_weights(model, finished.weights, run)
    place.folder.mkdir(parents=True, exist_ok=True)
    save_half(model, place.folder / KERAS_FILE)

    flat = load_flat(place.folder / KERAS_FILE)
    served, candidates = _serve(finished, flat)
    precision, content = served
    flatbuffer = place.folder / f"{place.name}.tflite"
    flatbuffer.write_bytes(content)
    _write_ids(finished.known, place.folder / TRAINING_IDS)
    about = _about(finished, place, flatbuffer, precision)
    about |= {"title": title, "default": default}
    about["training"] = _training_table(finished, candidates)
    about["files"] = _files_table(place, flatbuffer)
    place.card.parent.mkdir(parents=True, exist_ok=True)
    place.card.write_text(sealed(tomlkit.dumps(about)), encoding="utf-8")


def _serve(finished: FinishedRun, flat: keras.Model) -> tuple[tuple[str, bytes], list[dict]]:
    """Precision and content of the flatbuffer to serve, and the figures that chose it."""
    if not finished.folder.is_dir():
        return ("float32", compile_flat(flat, "float32")), []
    skip = finished.places.get("skip_broken", False)
    if finished.recipe.task == SEGMENTATION:
        found = measure_mask_precisions(flat, finished.folder, finished.validation)
        served = choose_mask(found)
    else:
        side = flat.input_shape[1]
        photos = load_photos(finished.folder, finished.validation, side, skip_broken=skip)
        found = measure_precisions(flat, photos)
        served = choose(found)
    return (served.precision, served.flatbuffer), [_figures(candidate) for candidate in found]


def _figures(candidate: Candidate | MaskCandidate) -> dict:
    """The figures of a candidate for the card; the times, which no other machine repeats, aside."""
    figures = {"precision": candidate.precision}
    figures["megabytes"] = round(len(candidate.flatbuffer) / 1e6, 2)
    for name, value in vars(candidate).items():
        if name not in ("precision", "flatbuffer", "milliseconds"):
            figures[name] = round(value, 4)
    return figures


def _about(finished: FinishedRun, place: Place, flatbuffer: Path, precision: str) -> dict:
    recipe = finished.recipe
    outlines = recipe.task == SEGMENTATION
    texts = card_texts(recipe, splits.is_development(finished.images))
    return {
        "name": place.name,
        "title": place.name,
        "backbone": recipe.backbone,
        "task": recipe.task,
        "labels": [OUTLINED] if outlines else list(CODES),
        "scaling": INSIDE,
        "side": finished.chosen["side"],
        "grid": 0 if outlines else Engine(flatbuffer).grid or 0,
        "precision": precision,
        "default": False,
        **texts,
        "changelog": [f"{place.name}: first release"],
    }


def card_texts(recipe: Recipe, development: bool) -> dict:
    """What a card says of a model of this recipe. development: trained on the development list."""
    texts = dict(tomlkit.parse(TEXTS.read_text(encoding="utf-8"))[recipe.task])
    texts.pop("limits_measured", None)
    where = texts.pop("limits_where", {})
    drawn_more = recipe.sampling_power < 1 or set(recipe.oversample) >= RARE
    holds = {
        "rare_drawn_more": drawn_more,
        "rare_drawn_evenly": not drawn_more,
        "development_list": development,
    }
    for name, limit in where.items():
        if holds[name]:
            texts["limits"].append(limit)
    return texts


def write_measures(card: Card, result: dict) -> None:
    """Nothing; puts the result of `evaluate` into a card, by resolution, keeping all else.

    But for the limit that melanomas are missed, which is there if the result at native resolution
    says so.
    """
    document = tomlkit.parse(card.path.read_text(encoding="utf-8"))
    kept = document.get("metrics", {})
    name = "native" if result["resolution"] == "native" else f"at_{result['resolution']}_px"
    name += "_tta" if result["tta"] else ""
    kept[name] = _without_none(result)
    document["metrics"] = kept
    if name == "native" and "limits" in document and "confusion_matrix" in result:
        _tell_missed(document["limits"], result["confusion_matrix"])
    card.path.write_text(sealed(tomlkit.dumps(document)), encoding="utf-8")


def _tell_missed(limits: list[str], counts: list[list[int]]) -> None:
    """Nothing; says among the limits that melanomas are missed, if it is so, else no longer.

    It is if more than a quarter is called something else, most often a nevus. Rows are true.
    """
    texts = tomlkit.parse(TEXTS.read_text(encoding="utf-8"))[CLASSIFICATION]
    limit = str(texts["limits_measured"]["melanomas_missed"])
    called = dict(zip(CODES, counts[CODES.index("MEL")], strict=True))
    found = called.pop("MEL")
    missed = sum(called.values())
    misses = missed > (missed + found) / 4 and max(called, key=called.get) == "NV"
    if misses and limit not in limits:
        limits.append(limit)
    elif limit in limits and not misses:
        limits.remove(limit)


def _without_none(value: object) -> object:
    """The same tables without entries that are None, which TOML cannot hold."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return value


def save_half(model: keras.Model, target: Path) -> None:
    """Nothing; saves a `.keras` file whose kernels are stored as float16, the rest as float32.

    Half the size; Keras reads the numbers back into float32 variables.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        whole = Path(folder, "whole.keras")
        model.save(whole)
        half = Path(folder, "half.keras")
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as new:
            for item in old.namelist():
                content = old.read(item)
                if item == "model.weights.h5":
                    content = _halved(content, Path(folder))
                # A fixed date: the same weights give the same bytes.
                new.writestr(zipfile.ZipInfo(item, (2026, 1, 1, 0, 0, 0)), content)
        half.replace(target)


def _halved(content: bytes, folder: Path) -> bytes:
    old_file, new_file = folder / "old.h5", folder / "new.h5"
    old_file.write_bytes(content)
    with h5py.File(old_file) as old, h5py.File(new_file, "w") as new:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                entry = new.require_group(name)
            else:
                half = item.ndim >= 2 and item.dtype == np.float32
                entry = new.create_dataset(
                    name, data=item[()].astype("float16") if half else item[()]
                )
            for key, value in item.attrs.items():
                entry.attrs[key] = value

        old.visititems(copy)
    return new_file.read_bytes()


def _training_table(finished: FinishedRun, candidates: list[dict]) -> dict:
    images, history = finished.images, finished.history
    development = splits.is_development(images)
    data = f"the list {images.name}"
    if development:
        outlined = finished.recipe.task == SEGMENTATION
        data = f"{'outlines of HAM10000' if outlined else 'ISIC 2019'}, development part"
    criterion = f"val_{finished.recipe.criterion}"
    return {
        "data": data,
        "list": images.name,
        "images": len(finished.train),
        "lesions": len({row.lesion_id for row in finished.train}),
        "recipe": ", then ".join(finished.stages),
        **{name: told for name in ORIGINS if (told := finished.places.get(name))},
        "epoch": finished.earlier + finished.chosen["epoch"],
        "epochs": len(history),
        "history": [{key: entry[key] for key in HISTORY_KEYS if key in entry} for entry in history],
        f"validation_{finished.recipe.criterion}": round(finished.chosen[criterion], 4),
        "precisions": candidates,
    }


def _files_table(place: Place, flatbuffer: Path) -> dict:
    files = {
        "served": flatbuffer,
        "keras": place.folder / KERAS_FILE,
        "training_ids": place.folder / TRAINING_IDS,
    }
    return {
        kind: {"file": file.name, "sha256": sha256_of(file), "size_bytes": file.stat().st_size}
        for kind, file in files.items()
    }


def _write_ids(rows: list[tuple[str, str]], target: Path) -> None:
    target.write_bytes(gzip.compress(write_rows(rows).encode(), mtime=0))
