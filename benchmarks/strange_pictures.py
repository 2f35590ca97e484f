"""How well a model tells that a picture is no dermoscopy, by kind of picture.

    python -m benchmarks.strange_pictures --data ISIC_2019 [--outlines DIR] [--things DIR...]
        [--tta] [--write-card]

Held-out photos against pictures of things (every picture in the folders of --things whose shorter
side has at least 100 pixels: photos are its JPEG files, stamps and drawings all others; Debian's
packages tuxpaint-stamps-default, mate-backgrounds and opencv-doc and the wheels of scikit-image and
scikit-learn have some), pages of text, noise and plain colours drawn here, and pieces of bare skin
beside lesions of --outlines (the layout of the outline's training). AUROC of the distance, and the
shares that the card's threshold for it refuses, that are refused as not dermoscopic for that or for
want of a lesion, and that get no plain answer, a poor photo or too many classes being reasons as
well. Last, drawn samples of new seeds, which should pass. --tta reads every picture in eight views.
--write-card puts what was found of foreign pictures into the card, from where the app tells it.
"""

import argparse
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomlkit
from PIL import Image, ImageDraw, ImageFont
from sklearn.metrics import roc_auc_score

from model_zoo.card import Card
from model_zoo.classifier import Classifier
from model_zoo.errors import BadImage
from model_zoo.images import SUFFIXES, decode_rgb
from model_zoo.seal import sealed
from model_zoo.segmentation import bundled_outliner
from model_zoo.trust import NOT_DERMOSCOPIC, NOVELTY, OK
from streamlit_app.samples.draw import SCENES, draw
from training import outlines, splits
from training.outline_measures import skin_beside

PAGES, NOISE, SKIN, DRAWN = 200, 200, 500, 100
PAPER = (900, 640)
PHOTOS, SHORTEST = (".jpg", ".jpeg"), 100
NAMES = {
    "things": "photos of things",
    "drawings": "stamps and drawings",
    "pages": "pages of text",
    "noise": "noise, plain",
    "skin": "bare skin",
}


def main() -> None:
    """Nothing; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="default: the default model")
    parser.add_argument("--data", type=Path, required=True, help="folder in the ISIC 2019 layout")
    parser.add_argument("--outlines", type=Path, help="folder with images/ and masks/")
    parser.add_argument("--things", type=Path, nargs="*", default=[], help="folders of pictures")
    parser.add_argument("--tta", action="store_true", help="eight views of each picture")
    kept = "what one view refuses, in place of all rows that the card has"
    parser.add_argument("--write-card", action="store_true", help=kept)
    options = parser.parse_args()
    if options.write_card and options.tta:
        parser.error("a card tells of one view: leave --tta out")
    reader = Classifier.load(options.model, tta=options.tta, outliner=bundled_outliner())
    if not reader.guards:
        parser.error(f"{reader.card.name} was given nothing to tell pictures apart: calibrate it")
    kinds = {
        "things": things(options.things, photos=True),
        "drawings": things(options.things, photos=False),
        "pages": pages(),
        "noise": noise(),
    }
    if options.outlines:
        kinds["skin"] = bare_skin(options.outlines)
    known = asked(reader, held_out(options.data))
    print(f"{reader.card.name}\n| pictures | number | AUROC | strange | refused | not ok |")
    print(f"|---|---:|---:|---:|---:|---:|\n{row('held-out photos', known, None)}", flush=True)
    found = {}
    for kind, pictures in kinds.items():
        found[kind] = asked(reader, pictures)
        print(row(NAMES[kind], found[kind], known), flush=True)
    print(row("drawn samples, new seeds", asked(reader, drawn()), known), flush=True)
    if options.write_card:
        write(reader.card, found, known)


@dataclass(frozen=True)
class Asked:
    """What a model says of pictures, one each: how strange, whether too strange, and the status."""

    distances: np.ndarray
    strange: np.ndarray
    status: np.ndarray


NOTHING = Asked(np.array([]), np.array([]), np.array([]))


def row(name: str, found: Asked, known: Asked | None) -> str:
    """A row of the table; known: of the photos that should pass."""
    if not len(found.distances):
        return f"| {name} | 0 | | | | |"
    area = "" if known is None else f"{auroc(found, known):.3f}"
    shares = (found.strange, found.status == NOT_DERMOSCOPIC, found.status != OK)
    return f"| {name} | {len(found.distances)} | {area} | {' | '.join(map(rate, shares))} |"


def auroc(found: Asked, known: Asked) -> float:
    """How well the distance alone tells pictures from photos that should pass, 1 at best."""
    truth = np.r_[np.zeros(len(known.distances)), np.ones(len(found.distances))]
    return float(roc_auc_score(truth, np.r_[known.distances, found.distances]))


def write(card: Card, found: dict[str, Asked], known: Asked) -> None:
    """Nothing; puts what was found, by kind of picture, into the card (see `trust.Foreign`)."""
    document = tomlkit.parse(card.path.read_text(encoding="utf-8"))
    rows = tomlkit.aot()
    for kind, said in found.items():
        if len(said.distances):
            shares = {
                "auroc": auroc(said, known),
                "strange": float(said.strange.mean()),
                "refused": float((said.status == NOT_DERMOSCOPIC).mean()),
            }
            rounded = {name: round(share, 4) for name, share in shares.items()}
            rows.append(tomlkit.item({"kind": kind, "n": len(said.distances), **rounded}))
    trust = document.setdefault("trust", {})
    trust.setdefault("novelty", {})["foreign"] = rows
    card.path.write_text(sealed(tomlkit.dumps(document)), encoding="utf-8")


def rate(flags: np.ndarray) -> str:
    """A share as text."""
    return f"{flags.mean():.3f}"


def asked(reader: Classifier, pictures: Iterator[np.ndarray]) -> Asked:
    """What the model says of each picture, uint8 (H, W, 3) RGB."""
    said = []
    for rgb in pictures:
        (analysis,) = reader.analyse_prepared([reader.prepare(rgb)], outlines=False)
        check = analysis.checks[NOVELTY]
        said.append((check.value, not check.ok, analysis.status))
    return Asked(*(np.array(column) for column in zip(*said, strict=True))) if said else NOTHING


def held_out(folder: Path) -> Iterator[np.ndarray]:
    """The held-out photos of the development list."""
    for row in splits.part_of(splits.read_list(), splits.HELD_OUT):
        file = folder / "ISIC_2019_Training_Input" / f"{row.image}.jpg"
        yield decode_rgb(file.read_bytes())


def things(folders: list[Path], *, photos: bool) -> Iterator[np.ndarray]:
    """The pictures below the folders that the app would take and that are not small."""
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            suffix = file.suffix.lower()
            if suffix in SUFFIXES and (suffix in PHOTOS) is photos and file.is_file():
                try:
                    rgb = decode_rgb(file.read_bytes())
                except BadImage:
                    continue
                if min(rgb.shape[:2]) >= SHORTEST:
                    yield rgb


def pages() -> Iterator[np.ndarray]:
    """Pages of words that mean nothing, some with ruled lines, dark on light or light on dark."""
    for number in range(PAGES):
        random = np.random.default_rng(number)
        light, dark = int(random.integers(215, 256)), int(random.integers(0, 70))
        paper, ink = (light, dark) if random.random() < 0.85 else (dark, light)
        page = Image.new("L", PAPER, paper)
        pen = ImageDraw.Draw(page)
        size = int(random.integers(11, 34))
        font = ImageFont.load_default(size)
        for top in range(20, PAPER[1] - size, int(size * random.uniform(1.2, 1.8))):
            words = ("".join(random.choice(list(string.ascii_letters), n)) for n in lengths(random))
            pen.text((24, top), " ".join(words), fill=ink, font=font)
            if number % 4 == 0:
                pen.line((20, top + size + 2, PAPER[0] - 20, top + size + 2), fill=ink)
        yield np.asarray(page.convert("RGB"))


def lengths(random: np.random.Generator) -> np.ndarray:
    """How long the words of a line are."""
    return random.integers(1, 11, int(random.integers(3, 14)))


def noise() -> Iterator[np.ndarray]:
    """Noise of every grain, and plain colours with a gradient or without."""
    for number in range(NOISE):
        random = np.random.default_rng(number)
        if number % 2:
            grain = int(2 ** random.integers(0, 7))
            small = random.integers(0, 256, (max(2, 450 // grain), max(2, 600 // grain), 3))
            picture = Image.fromarray(small.astype(np.uint8)).resize((600, 450))
        else:
            corners = random.integers(0, 256, (2, 2, 3) if number % 4 else (1, 1, 3))
            picture = Image.fromarray(corners.astype(np.uint8)).resize((600, 450))
        yield np.asarray(picture)


def bare_skin(folder: Path) -> Iterator[np.ndarray]:
    """Squares of skin beside the lesions of held-out frames."""
    rows = outlines.outlined_rows(splits.read_list(), folder)
    found = 0
    for row in splits.part_of(rows, splits.HELD_OUT):
        rgb = decode_rgb(outlines.photo_file(folder, row.image).read_bytes())
        for piece in skin_beside(rgb, outlines.read_mask(folder, row.image) > 127):
            found += 1
            yield piece
        if found == SKIN:
            return


def drawn() -> Iterator[np.ndarray]:
    """Drawings of the app's scenes that are not shipped."""
    names = list(SCENES)
    for number in range(DRAWN):
        yield draw(names[number % len(names)], seed=10_000 + number)


if __name__ == "__main__":
    main()
