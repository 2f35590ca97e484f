"""What each command of `python -m training` does with its options, up to its exit status."""

import argparse
import json
import os
from pathlib import Path

from model_zoo import registry
from model_zoo.card import CLASSIFICATION, SEGMENTATION
from model_zoo.errors import ZooError
from model_zoo.seal import sealed
from model_zoo.trust import SINGLE, TTA
from training import isic2019, outline_commands, splits
from training.held_out import (
    UNSEEN,
    known_to,
    listed,
    protocol_of,
    require_all_classes,
    require_unseen,
    to_measure,
    without_known,
)
from training.recipe_file import read_recipes


def check(options: argparse.Namespace) -> int:
    """0 if all of the folder can be trained on, else 1."""
    report = isic2019.inspect(options.data, compare=True)
    print(report)
    return 1 if report.faults or report.missing else 0


def fetch(options: argparse.Namespace) -> int:
    """0 once the official data set is in the folder and can be read."""
    from training import fetch as fetching

    fetching.fetch(options.out, fetching.ADDRESS)
    report = isic2019.inspect(options.out)
    print(report)
    return 1 if report.faults or report.missing else 0


def split(options: argparse.Namespace) -> int:
    """0 once the three lists and split.json are written."""
    from model_zoo.cases import join_tables, photo_path
    from training import protocols

    cases = join_tables(options.labels, options.metadata)
    if options.images is not None:
        named = {row.image for row in splits.read_list(options.images)}
        cases = [case for case in cases if case.image in named]
    if options.protocol == protocols.LESION and not any(case.lesion_id for case in cases):
        raise ZooError("no_lesions", file=options.labels.name)
    if options.data is not None:
        cases = [case for case in cases if photo_path(options.data, case.image).is_file()]
    parts = protocols.split(cases, options.protocol, options.seed, options.data)
    about = protocols.write(parts, options.out, options.protocol, options.seed)
    seen, tested = about["test_images_of_training_lesions"], about["images"]["test"]
    print(f"train, val, test: {', '.join(map(str, about['images'].values()))} images")
    if seen is None:
        print("test images that show a lesion of the training part: not known; give --metadata")
        return 0
    print(f"test images that show a lesion of the training part: {seen} of {tested}")
    for code, count in about["test_images_of_training_lesions_by_class"].items():
        print(f"  {code:5}{count:5} of {about['test_by_class'][code]}")
    return 0


def fit(options: argparse.Namespace) -> int:
    """0 once the recipe is trained."""
    # oneDNN may round the inputs of float32 convolutions to bfloat16: about a third faster on a
    # processor that has it, with sums still in float32. Set before TensorFlow loads.
    os.environ.setdefault("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    from training.fit import fit_stages
    from training.learner import Data
    from training.outlines import outlined_rows

    changes = {name: getattr(options, name) for name in ("weights", "epochs", "precision")}
    recipes = read_recipes(options.recipe, **changes)
    if recipes[0].task == "segmentation":
        rows = outlined_rows(splits.read_list(options.images), options.data)
    else:
        rows, _ = listed(options.images, options.data)
    data = Data(
        options.data,
        options.images,
        splits.part_of(rows, splits.TRAIN, options.limit),
        splits.part_of(rows, splits.VALIDATION, options.limit),
        options.skip_broken,
        options.limit,
        tuple(options.teacher or ()),
    )
    if not data.train or not data.validation:
        raise ZooError("no_parts", file=options.images)
    fit_stages(recipes, data, options.out, resume=options.resume)
    return 0


def export(options: argparse.Namespace) -> int:
    """0 once the model of a run lies where it was asked for."""
    from training import export as exporting

    name = options.install or options.bundle or options.out.name
    if options.default and not options.bundle:
        raise ZooError("default_not_bundled")
    if options.bundle:
        card = registry.BUNDLED_CARDS / f"{name}.toml"
        place = exporting.Place(name, registry.BUNDLED_WEIGHTS / name, card)
    else:
        folder = options.out or registry.installed_folder() / name
        place = exporting.Place(name, folder, folder / f"{name}.toml")
    said = {"title": options.title or name, "default": options.default}
    moved = {"data": options.data, "images": options.images}
    exporting.export(options.run_folder, place, **said, **moved)
    if options.default:
        _unmark_others(place.card)
    print(f"{name}: {place.card}")
    return 0


def ensemble(options: argparse.Namespace) -> int:
    """0 once the card of an ensemble lies where it was asked for."""
    from training import ensemble as joining

    name = options.install or options.bundle
    folder = registry.BUNDLED_CARDS if options.bundle else registry.installed_folder() / name
    card = folder / f"{name}.toml"
    joining.write(card, options.members, options.title or name)
    print(f"{name}: {card}")
    return 0


def _unmark_others(card: Path) -> None:
    """Nothing; of the bundled cards of one task only this one stays the default."""
    import tomlkit

    task = registry.find(card.stem).task
    for other in registry.BUNDLED_CARDS.glob("*.toml"):
        document = tomlkit.parse(other.read_text(encoding="utf-8"))
        marked = document.get("default") and document.get("task", CLASSIFICATION) == task
        if marked and other != card:  # no other card is sealed anew
            document["default"] = False
            other.write_text(sealed(tomlkit.dumps(document)), encoding="utf-8")


def calibrate(options: argparse.Namespace) -> int:
    """0 once all that was fitted is in the model's card."""
    if registry.find(options.model).task == SEGMENTATION:
        return outline_commands.calibrate(options)
    from model_zoo.classifier import Classifier
    from training import calibrate as calibrating

    ways = {mode: Classifier.load(options.model, tta=mode == TTA) for mode in (SINGLE, TTA)}
    classifier = ways[SINGLE]
    require_all_classes(classifier.card)
    rows, _ = listed(options.images, options.data)
    parts = {part: splits.part_of(rows, part) for part in splits.PARTS}
    unseen = parts[splits.VALIDATION], parts[splits.HELD_OUT]
    if not all(unseen):
        raise ZooError("no_parts_to_calibrate", file=options.images)
    if options.unseen:
        unseen = tuple(without_known(part, classifier.card) for part in unseen)
    require_unseen(classifier.card, known_to(classifier.card, unseen[0] + unseen[1]))
    one = not classifier.card.members and classifier.engine.grid is not None
    novel = one and bool(parts[splits.TRAIN])
    if not novel and (options.directions, options.unit) != (None, None):
        raise ZooError("no_novelty", model=classifier.card.name)
    skip = options.skip_broken
    tables = {}
    for mode, way in ways.items():
        tables[mode] = calibrating.calibrate(way, options.data, *unseen, skip_broken=skip)
        print(calibrating.summary(mode, tables[mode]), flush=True)
    remembered = calibrating.fit_novelty(
        classifier,
        options.data,
        parts[splits.TRAIN] if novel else [],
        unseen[0],
        directions=options.directions,
        unit=options.unit,
        skip_broken=skip,
    )
    if remembered is not None:
        print(calibrating.novelty_summary(*remembered))
    calibrating.write(classifier.card, tables, remembered)
    print("The card's measures are older than what was fitted: evaluate --write-card renews them.")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """0 once the measures of a served model are written."""
    if registry.find(options.model).task == SEGMENTATION:
        return outline_commands.evaluate(options)
    from model_zoo.classifier import Classifier
    from model_zoo.segmentation import bundled_outliner
    from training import evaluate as evaluating
    from training.export import write_measures

    outliner = bundled_outliner()  # without it no photo would be too poor to be answered
    classifier = Classifier.load(options.model, tta=options.tta, outliner=outliner)
    card = classifier.card
    require_all_classes(card)
    rows, cases, protocol = to_measure(options, card)
    of_dev_list = protocol_of(splits.DEV_LIST, splits.HELD_OUT)
    if options.write_card and protocol.removesuffix(UNSEEN) != of_dev_list:
        raise ZooError("not_held_out")
    known = known_to(card, rows)
    if options.write_card:
        require_unseen(card, known)
    told = "not known" if known is None else f"{known} of {len(rows)}"
    print(f"photos of lesions that the model was trained on: {told}")
    measured = evaluating.evaluate(
        classifier,
        options.data,
        rows,
        cases,
        protocol=protocol,
        resolution=options.resolution,
        skip_broken=options.skip_broken,
    )
    measured.result["trained_on"] = known
    evaluating.write(measured, card.training.get("history", []), options.out)
    print(evaluating.summary(measured.result))
    if options.write_card:
        write_measures(card, measured.result)
    return 0


def compare(options: argparse.Namespace) -> int:
    """0 once the measures of several evaluations are printed as one Markdown table."""
    from training.readme import comparison

    results = {}
    for file in options.metrics:
        if not file.is_file():
            raise ZooError("missing_file", path=file)
        results[file.parent.name] = json.loads(file.read_text(encoding="utf-8"))
    print(comparison(results))
    return 0


def leak_pair(options: argparse.Namespace) -> int:
    """0 once the pair of evaluations with and without the leak lies where the app reads it."""
    from training import leak_pair as pairing

    pair = pairing.write(options.recipe, tuple(options.by_image), tuple(options.by_lesion))
    for name, half in (("by image", pair.by_image), ("by lesion", pair.by_lesion)):
        balanced = half.measured["balanced_accuracy"]
        print(
            f"{name}: balanced accuracy {balanced['value']:.3f} "
            f"({balanced['low']:.3f} to {balanced['high']:.3f}), "
            f"{half.seen} of {half.measured['n']} test photos of lesions of the training part"
        )
    return 0


def readme(_: argparse.Namespace) -> int:
    """0 once the README's tables are those of the cards."""
    from training.readme import rewrite

    print("renewed" if rewrite() else "up to date")
    return 0
