"""From a run to what is served: `.keras`, LiteRT flatbuffer, card, training ids."""

import gzip
import json
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np
import tomlkit

from model_zoo.architectures import build
from model_zoo.card import INSIDE, Card
from model_zoo.compile import PRECISIONS, compile_flat, load_flat
from model_zoo.engine import Engine, Outputs
from model_zoo.labels import CODES
from model_zoo.store import sha256_of
from training import checkpoint, metrics, splits
from training.dataset import Photos, load_photos
from training.fit import DATA, HISTORY, RECIPE

KERAS_FILE = "best_final_model.keras"
TRAINING_IDS = "training_ids.csv.gz"
HISTORY_KEYS = ("epoch", "side", "loss", "val_loss", "val_accuracy", "val_balanced_accuracy")
TEXTS = Path(__file__).with_name("card_texts.toml")
# A smaller precision is taken only if it names the same class on this share of validation photos.
AGREEMENT = 0.99
# ... and draws the same heatmap: 2 % of the scale cannot be seen at any opacity.
HEATMAP_DEVIATION = 0.02


@dataclass(frozen=True)
class Place:
    """Where an exported model goes: its name, the folder of its files and the card's file."""

    name: str
    folder: Path
    card: Path


@dataclass(frozen=True)
class Candidate:
    """One precision of a flatbuffer, measured on validation photos.

    agreement: share of photos with the same leading class as float32. heatmap_deviation: of the
    leading class's heatmap, scaled to 0..1, from float32's: the largest difference of a cell,
    exceeded by 1 % of photos. milliseconds: one photo.
    """

    precision: str
    flatbuffer: bytes
    agreement: float
    heatmap_deviation: float
    accuracy: float
    balanced_accuracy: float
    milliseconds: float


def export(run: Path, place: Place, *, title: str, default: bool, data: Path | None = None) -> None:
    """Nothing; writes the model of a run, or of its last stage, with its card, to `place`.

    data: the folder whose photos the run validated on, if it has moved; they decide the
    precision. Without any photos the model is served as float32.
    """
    run = [run, *checkpoint.stages(run)][-1]
    recipe = json.loads((run / RECIPE).read_text())
    places = json.loads((run / DATA).read_text())
    limit = places["limit"]
    folder, images = data or Path(places["folder"]), Path(places["images"])
    history = json.loads((run / HISTORY).read_text())
    weights, chosen = checkpoint.load_best(run)
    side = chosen["side"]
    keras.config.set_dtype_policy("float32")
    model = build(recipe["backbone"], side, weights=None, dropout=recipe["dropout"])
    model.set_weights(weights)
    place.folder.mkdir(parents=True, exist_ok=True)
    save_half(model, place.folder / KERAS_FILE)

    rows = splits.read_list(images)
    flat = load_flat(place.folder / KERAS_FILE)
    candidates = []
    if folder.is_dir():
        validation = load_photos(folder, splits.part_of(rows, splits.VALIDATION, limit), side)
        candidates = measure_precisions(flat, validation)
        served = choose(candidates)
        precision, content = served.precision, served.flatbuffer
    else:
        precision, content = "float32", compile_flat(flat, "float32")
    flatbuffer = place.folder / f"{place.name}.tflite"
    flatbuffer.write_bytes(content)
    train = splits.part_of(rows, splits.TRAIN, limit)
    _write_ids(train, place.folder / TRAINING_IDS)

    about = {
        "name": place.name,
        "title": title,
        "description": f"{recipe['backbone']}, trained by the recipe {recipe['name']}",
        "backbone": recipe["backbone"],
        "labels": list(CODES),
        "scaling": INSIDE,
        "side": side,
        "grid": Engine(flatbuffer).grid or 0,
        "precision": precision,
        "temperature": 1.0,
        "default": default,
        **tomlkit.parse(TEXTS.read_text(encoding="utf-8")),
        "changelog": [f"{place.name}: first release"],
        "training": _training_table(recipe, chosen, history, train, images, candidates),
        "files": _files_table(place, flatbuffer),
    }
    place.card.parent.mkdir(parents=True, exist_ok=True)
    place.card.write_text(tomlkit.dumps(about), encoding="utf-8")


def write_measures(card: Card, result: dict) -> None:
    """Nothing; puts the result of `evaluate` into a card, by resolution, keeping all else."""
    document = tomlkit.parse(card.path.read_text(encoding="utf-8"))
    kept = document.get("metrics", {})
    name = "native" if result["resolution"] == "native" else f"at_{result['resolution']}_px"
    kept[name] = _without_none(result)
    document["metrics"] = kept
    card.path.write_text(tomlkit.dumps(document), encoding="utf-8")


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


def measure_precisions(model: keras.Model, validation: Photos) -> list[Candidate]:
    """The candidates float32, float16 and int8, compiled and measured on validation photos."""
    found: list[Candidate] = []
    full = None
    for precision in PRECISIONS:
        flatbuffer = compile_flat(model, precision)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "candidate.tflite")
            file.write_bytes(flatbuffer)
            outputs, milliseconds = _run_candidate(Engine(file), validation.pixels)
        full = full or outputs
        leading = full.probabilities.argmax(axis=1)
        deviation = np.abs(_scaled_maps(outputs, leading) - _scaled_maps(full, leading))
        found.append(
            Candidate(
                precision=precision,
                flatbuffer=flatbuffer,
                agreement=float((outputs.probabilities.argmax(axis=1) == leading).mean()),
                heatmap_deviation=float(np.percentile(deviation.max(axis=(1, 2)), 99)),
                accuracy=metrics.accuracy(validation.targets, outputs.probabilities),
                balanced_accuracy=metrics.balanced_accuracy(
                    validation.targets, outputs.probabilities
                ),
                milliseconds=milliseconds,
            )
        )
    return found


def _run_candidate(engine: Engine, pixels: np.ndarray) -> tuple[Outputs, float]:
    """What an engine says of all photos, and the median milliseconds of a single one."""
    parts = [engine.run(np.asarray(part)) for part in np.array_split(pixels, len(pixels) // 64 + 1)]
    joined = Outputs(
        *(
            np.concatenate([getattr(part, field) for part in parts])
            for field in ("probabilities", "logits", "pooled", "heatmaps")
        )
    )
    times = []
    for _ in range(30):
        began = time.perf_counter()
        engine.run(pixels[:1])
        times.append(time.perf_counter() - began)
    return joined, float(np.median(times) * 1000)


def _scaled_maps(outputs: Outputs, labels: np.ndarray) -> np.ndarray:
    maps = outputs.heatmaps[np.arange(len(labels)), :, :, labels]
    peak = maps.max(axis=(1, 2), keepdims=True)
    return maps / np.where(peak > 0, peak, 1)


def choose(candidates: list[Candidate]) -> Candidate:
    """The smallest candidate that says what float32 says, and is not half again as slow."""
    full = candidates[0]
    fit = [
        other
        for other in candidates
        if other.agreement >= AGREEMENT
        and other.heatmap_deviation <= HEATMAP_DEVIATION
        and other.balanced_accuracy >= full.balanced_accuracy - 0.005
        and other.milliseconds <= 1.5 * full.milliseconds
    ]
    return min(fit, key=lambda other: len(other.flatbuffer))


def _training_table(
    recipe: dict,
    chosen: dict,
    history: list[dict],
    train: list[splits.Row],
    images: Path,
    candidates: list[Candidate],
) -> dict:
    return {
        "data": "ISIC 2019, development part",
        "list": images.name,
        "images": len(train),
        "lesions": len({row.lesion_id for row in train}),
        "recipe": recipe["name"],
        "epoch": chosen["epoch"],
        "epochs": sum(phase["epochs"] for phase in recipe["phases"]),
        "history": [{key: entry[key] for key in HISTORY_KEYS if key in entry} for entry in history],
        "validation_balanced_accuracy": round(chosen["val_balanced_accuracy"], 4),
        "precisions": [
            {
                "precision": c.precision,
                "megabytes": round(len(c.flatbuffer) / 1e6, 2),
                "agreement": round(c.agreement, 4),
                "heatmap_deviation": round(c.heatmap_deviation, 4),
                "accuracy": round(c.accuracy, 4),
                "balanced_accuracy": round(c.balanced_accuracy, 4),
            }
            for c in candidates
        ],
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


def _write_ids(rows: list[splits.Row], target: Path) -> None:
    lines = "image,lesion_id\n" + "".join(f"{row.image},{row.lesion_id}\n" for row in rows)
    target.write_bytes(gzip.compress(lines.encode(), mtime=0))
