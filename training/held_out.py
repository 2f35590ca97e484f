"""Which photos a model is measured on, and which of them it knows."""

import argparse
import json
from pathlib import Path

from model_zoo.card import Card
from model_zoo.cases import Case
from model_zoo.errors import BadModel, ZooError
from model_zoo.labels import CODES
from model_zoo.training_ids import training_ids
from training import isic2019, protocols, splits

UNSEEN = ", without lesions trained on"  # what is added to a protocol's name where these are left
LEAK = ", photos of training lesions"  # what tells in it how many there are


def listed(images: Path, folder: Path) -> tuple[list[splits.Row], dict[str, Case]]:
    """The rows of a list, all of them photos of the folder, and the folder's cases by image."""
    rows = splits.read_list(images)
    cases = {case.image: case for case in isic2019.check(folder, skip_missing=True).cases}
    splits.require(rows, set(cases), images)
    return splits.complete(rows, cases), cases


def to_measure(
    options: argparse.Namespace, card: Card
) -> tuple[list[splits.Row], dict[str, Case], str]:
    """The rows to evaluate, the cases behind them, and what to call them."""
    if options.images is not None:
        rows = splits.read_list(options.images)
        parted = any(row.part for row in rows)
        rows = splits.part_of(rows, options.part) if parted else rows
        if not rows:
            raise ZooError("no_rows", file=options.images, part=options.part)
        protocol = protocol_of(options.images, options.part if parted else "")
    cases = {case.image: case for case in isic2019.check(options.data, skip_missing=True).cases}
    if options.images is None:
        rows = splits.part_of(splits.read_list(), splits.HELD_OUT)
        protocol = protocol_of(splits.DEV_LIST, splits.HELD_OUT)
        if not all(row.image in cases for row in rows):
            rows = splits.complete([splits.Row(image, "", "", "") for image in cases], cases)
            left = without_known(rows, card, required=options.unseen)
            return left, cases, f"photos of {options.data.name}"
    splits.require(rows, set(cases), options.images or splits.DEV_LIST)
    rows = splits.complete(rows, cases)
    if not options.unseen:
        return rows, cases, protocol
    rows, protocol = unseen_of(rows, card, protocol)
    return rows, cases, protocol


def unseen_of(rows: list[splits.Row], card: Card, protocol: str) -> tuple[list[splits.Row], str]:
    """The photos but those that the model knows, and what to call them if any were left out."""
    left = without_known(rows, card)
    if len(left) == len(rows):
        return left, protocol
    return left, protocol.split(LEAK)[0] + UNSEEN


def without_known(rows: list[splits.Row], card: Card, *, required: bool = True) -> list[splits.Row]:
    """The photos but those of lesions that the model was trained on.

    Where lesions are named otherwise than in the model's list, photos of ISIC are left out as well:
    whether it knows another photo of their lesion cannot be told. Raises `ZooError` where none is
    left, and where it has no list of them; where that is not `required`, all photos are left.
    """
    known = training_ids(card)
    if known is None and required:
        raise ZooError("unlisted", name=card.name)
    if known is None:
        print("The model has no list of training photos, so those that it knows are not left out.")
        return rows
    strangers = [row for row in rows if not known.know(row.image, row.lesion_id)]
    unknown = [
        row
        for row in strangers
        if not row.lesion_id or known.tell(row.image, row.lesion_id) is False
    ]
    if len(strangers) < len(rows):
        print(f"left out: {len(rows) - len(strangers)} photos of lesions of the training part")
    if len(unknown) < len(strangers):
        count = len(strangers) - len(unknown)
        print(f"left out: {count} photos of lesions whose ids are not named as in the model's list")
    if not unknown:
        raise ZooError("nothing_to_measure", name=card.name)
    return unknown


def known_to(card: Card, rows: list[splits.Row]) -> int | None:
    """How many of the photos show a lesion that the model was trained on; None if nobody knows."""
    known = training_ids(card)
    return None if known is None else sum(known.know(row.image, row.lesion_id) for row in rows)


def require_unseen(card: Card, known: int | None) -> None:
    """Nothing; raises `ZooError` where the model knows photos, or nobody knows which."""
    if known is None:
        raise ZooError("unlisted", name=card.name)
    if known:
        raise ZooError("trained_on", count=known, name=card.name)


def require_all_classes(card: Card) -> None:
    """Nothing; raises `BadModel` for a model of fewer classes than are measured."""
    if lacking := sorted(set(CODES) - set(card.labels)):
        problem = f"it has no class {', '.join(lacking)}, and measures are of all eight"
        raise BadModel("bad_card", file=card.path.name, problem=problem)


def protocol_of(images: Path, part: str) -> str:
    """What a list, or a part of it, is called beside the figures."""
    if not part:
        return images.stem
    if splits.is_development(images):
        return f"{splits.DEV_LIST.stem}, part {part}, split by lesion"
    about = images / protocols.ABOUT
    if not about.is_file():
        return f"{images.stem}, part {part}"
    split = json.loads(about.read_text(encoding="utf-8"))
    seen, tested = split["test_images_of_training_lesions"], split["images"][protocols.TEST]
    leak = f"{LEAK}: not known"
    if seen is not None:
        leak = f"{LEAK}: {seen} of {tested}"
    part = f"{protocols.TEST} part{leak}" if part == splits.HELD_OUT else f"part {part}"
    return f"{images.stem}, {split['protocol']} split, {part}"
