"""The command line of training: python -m training COMMAND --help."""

import argparse
import os
import sys
from pathlib import Path

from model_zoo.errors import ZooError
from training import isic2019, splits
from training.recipe import read_recipes


def main(arguments: list[str] | None = None) -> int:
    """The exit status of one command: 0, or 1 with a sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except ZooError as fault:
        print(f"{fault}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("check", help="check a folder in the ISIC 2019 layout")
    command.add_argument("--data", type=Path, required=True, help="folder in the ISIC 2019 layout")
    command.set_defaults(run=_check)

    command = commands.add_parser("split", help="split a table of labels into three parts")
    command.add_argument("--labels", type=Path, required=True, help="ground-truth CSV")
    command.add_argument("--metadata", type=Path, help="metadata CSV, which knows the lesions")
    command.add_argument("--protocol", choices=("reference", "lesion"), required=True)
    command.add_argument("--seed", type=int, help="default: 42, that of the reference")
    command.add_argument("--out", type=Path, required=True, help="folder for the lists")
    command.set_defaults(run=_split)

    command = commands.add_parser("fit", help="train a recipe")
    command.add_argument("--recipe", required=True, help="name in training/recipes, or a TOML file")
    command.add_argument("--data", type=Path, required=True, help="folder in the ISIC 2019 layout")
    command.add_argument("--out", type=Path, required=True, help="folder of the run")
    command.add_argument(
        "--weights", help="instead of the recipe's: imagenet, none or an .npz file"
    )
    command.add_argument("--images", type=Path, default=splits.DEV_LIST, help="split list (CSV)")
    command.add_argument("--limit", type=int, help="only this many photos of each part, to try out")
    command.add_argument("--resume", action="store_true", help="go on with the run in --out")
    command.add_argument("--skip-broken", action="store_true", help="leave unreadable photos out")
    command.set_defaults(run=_fit)

    command = commands.add_parser("export", help="make the served files and the card of a run")
    command.add_argument("run_folder", type=Path, metavar="RUN")
    command.add_argument("--data", type=Path, help="the run's data, if the folder has moved")
    command.add_argument("--title", help="default: the name")
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--install", metavar="NAME", help="for the app and command line of this user"
    )
    where.add_argument("--bundle", metavar="NAME", help="into the project, to be committed")
    where.add_argument("--out", type=Path, help="into this folder, named after it")
    command.add_argument("--default", action="store_true", help="mark it as the default model")
    command.set_defaults(run=_export)

    command = commands.add_parser("evaluate", help="measure a served model")
    command.add_argument("--model", required=True, help="a card's name, a .keras or a .tflite file")
    command.add_argument("--data", type=Path, required=True, help="folder in the ISIC 2019 layout")
    command.add_argument("--images", type=Path, default=splits.DEV_LIST, help="split list (CSV)")
    command.add_argument("--part", choices=splits.PARTS, default=splits.HELD_OUT)
    command.add_argument("--resolution", type=int, metavar="PX", help="bring photos to this first")
    command.add_argument("--out", type=Path, required=True, help="folder for the results")
    command.add_argument("--write-card", action="store_true", help="put the measures into the card")
    command.set_defaults(run=_evaluate)

    command = commands.add_parser("readme", help="renew the tables of the README from the cards")
    command.set_defaults(run=_readme)
    return parser


def _check(options: argparse.Namespace) -> int:
    report = isic2019.inspect(options.data, compare=True)
    print(report)
    return 1 if report.faults or report.missing else 0


def _split(options: argparse.Namespace) -> int:
    from model_zoo.cases import join_tables
    from training import protocols

    cases = join_tables(options.labels, options.metadata)
    if options.protocol == protocols.LESION and not any(case.lesion_id for case in cases):
        raise ZooError("no_lesions", file=options.labels.name)
    parts = protocols.split(cases, options.protocol, options.seed)
    about = protocols.write(parts, options.out, options.protocol, options.seed)
    seen, tested = about["test_images_of_training_lesions"], about["images"]["test"]
    print(f"train, val, test: {', '.join(map(str, about['images'].values()))} images")
    print(f"test images that show a lesion of the training part: {seen} of {tested}")
    for code, count in about["test_images_of_training_lesions_by_class"].items():
        print(f"  {code:5}{count:5} of {about['test_by_class'][code]}")
    return 0


def _fit(options: argparse.Namespace) -> int:
    # oneDNN may round the inputs of float32 convolutions to bfloat16: about a third faster on a
    # processor that has it, with sums still in float32. Set before TensorFlow loads.
    os.environ.setdefault("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    from training.fit import Data, fit_stages

    recipes = read_recipes(options.recipe, weights=options.weights)
    rows = splits.read_list(options.images)
    present = {case.image for case in isic2019.check(options.data, skip_missing=True).cases}
    splits.require(rows, present, options.images)
    data = Data(
        options.data,
        options.images,
        splits.part_of(rows, splits.TRAIN, options.limit),
        splits.part_of(rows, splits.VALIDATION, options.limit),
        options.skip_broken,
        options.limit,
    )
    fit_stages(recipes, data, options.out, resume=options.resume)
    return 0


def _export(options: argparse.Namespace) -> int:
    from model_zoo import registry
    from training.export import Place, export

    name = options.install or options.bundle or options.out.name
    if options.bundle:
        card = registry.BUNDLED_CARDS / f"{name}.toml"
        place = Place(name, registry.BUNDLED_WEIGHTS / name, card)
    else:
        folder = options.out or registry.installed_folder() / name
        place = Place(name, folder, folder / f"{name}.toml")
    title = options.title or name
    export(options.run_folder, place, title=title, default=options.default, data=options.data)
    print(f"{name}: {place.card}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from model_zoo.classifier import Classifier
    from training import evaluate
    from training.export import write_measures

    if options.write_card and (options.part, options.images) != (splits.HELD_OUT, splits.DEV_LIST):
        raise ZooError("not_held_out")
    classifier = Classifier.load(options.model)
    rows = splits.part_of(splits.read_list(options.images), options.part)
    cases = {case.image: case for case in isic2019.check(options.data, skip_missing=True).cases}
    splits.require(rows, set(cases), options.images)
    protocol = f"{options.images.stem}, part {options.part}, split by lesion"
    result, probabilities = evaluate.evaluate(
        classifier, options.data, rows, cases, protocol=protocol, resolution=options.resolution
    )
    evaluate.write(result, probabilities, rows, options.out)
    print(evaluate.summary(result))
    if options.write_card:
        write_measures(classifier.card, result)
    return 0


def _readme(_: argparse.Namespace) -> int:
    from training.readme import rewrite

    print("renewed" if rewrite() else "up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
