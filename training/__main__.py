"""The command line of training: python -m training COMMAND --help."""

import argparse
import sys
from pathlib import Path

from model_zoo.errors import ZooError
from training import commands, scoring, splits, watch
from training.place import place_of
from training.recipe_file import PRECISIONS

# What serving does without: without TensorFlow, or without the rest of requirements-train.txt.
TRAINING_PACKAGES = ("h5py", "keras", "matplotlib", "scipy", "sklearn", "tensorflow", "tomlkit")
MODEL_HELP = "a card's name, or what stands before its dot; a .keras or a .tflite file"


def main(arguments: list[str] | None = None) -> int:
    """The exit status of one command: 0, or 1 with a sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except ZooError as fault:
        print(f"{fault}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as fault:
        if (fault.name or "").partition(".")[0] not in TRAINING_PACKAGES:
            raise
        print(ZooError("no_training", package=fault.name), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        kept = "A run keeps its last whole epoch, an archive its whole parts"
        print(f"\nStopped. {kept}: fit goes on with --resume, score as before.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    into = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_data_commands(into)
    _add_fit(into)
    _add_export(into)
    _add_ensemble(into)
    _add_measuring_commands(into)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {2**32 - 1}, got {text}")
    return int(text)


def _add(into, name: str, help_text: str, run) -> argparse.ArgumentParser:
    command = into.add_parser(name, help=help_text)
    command.set_defaults(run=run)
    return command


def _data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, required=True, help="folder in the ISIC 2019 layout")


def _images(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--images",
        type=Path,
        default=splits.DEV_LIST,
        help="split list: a CSV with a column part, or a folder with train.csv, val.csv, test.csv",
    )


def _unseen(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--unseen", action="store_true", help="leave out photos of lesions it was trained on"
    )


def _skip_broken(command: argparse.ArgumentParser) -> None:
    command.add_argument("--skip-broken", action="store_true", help="leave unreadable photos out")


def _add_data_commands(into) -> None:
    command = _add(into, "fetch", "get the official ISIC 2019 training data", commands.fetch)
    command.add_argument("--out", type=Path, required=True, help="folder for tables and photos")

    command = _add(into, "check", "check a folder in the ISIC 2019 layout", commands.check)
    _data(command)

    command = _add(into, "split", "split a table of labels into three parts", commands.split)
    command.add_argument("--labels", type=Path, required=True, help="ground-truth CSV")
    command.add_argument("--metadata", type=Path, help="metadata CSV, which knows the lesions")
    command.add_argument("--protocol", choices=("reference", "lesion"), required=True)
    command.add_argument("--images", type=Path, help="only the images of this list")
    command.add_argument(
        "--data",
        type=Path,
        help="only photos of this folder; by lesion, equal ones count as one lesion",
    )
    command.add_argument("--seed", type=_seed, help="default: 42, that of the reference")
    command.add_argument("--out", type=Path, required=True, help="folder for the lists")


def _fit(options: argparse.Namespace) -> int:
    """0 once a recipe is trained, in this process alone or together with others."""
    place = place_of(options.coordinator, options.processes, options.process)
    if place is None:
        return commands.fit(options)
    return watch.run(place, options.out, lambda: commands.fit(options))


def _add_fit(into) -> None:
    command = _add(into, "fit", "train a recipe", _fit)
    command.add_argument("--recipe", required=True, help="name in training/recipes, or a TOML file")
    _data(command)
    command.add_argument("--out", type=Path, required=True, help="folder of the run")
    command.add_argument(
        "--weights", help="instead of the recipe's: imagenet, none, an .npz file, a run or a model"
    )
    command.add_argument(
        "--teacher", nargs="+", metavar="RUN_OR_MODEL", help="for a recipe with distillation"
    )
    _images(command)
    command.add_argument(
        "--limit",
        type=_count,
        help="only this many photos of each part, to try out; no fewer than a batch of the recipe",
    )
    command.add_argument("--epochs", type=_count, help="at most so many in each phase, to try out")
    command.add_argument("--precision", choices=PRECISIONS, help="instead of the recipe's")
    command.add_argument("--resume", action="store_true", help="go on with the run in --out")
    _skip_broken(command)
    hosts = command.add_argument_group("several hosts", "one process each, all of them given:")
    hosts.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 can be reached")
    hosts.add_argument("--processes", type=int, metavar="N", help="how many there are")
    hosts.add_argument("--process", type=int, metavar="I", help="which one this is, from 0")


def _add_export(into) -> None:
    command = _add(into, "export", "make the served files and the card of a run", commands.export)
    command.add_argument("run_folder", type=Path, metavar="RUN")
    command.add_argument("--data", type=Path, help="the run's data, if the folder has moved")
    command.add_argument(
        "--images", type=Path, metavar="LIST", help="the run's list, if it has moved"
    )
    command.add_argument("--title", help="default: the name")
    where = _where(command)
    where.add_argument("--out", type=Path, help="into this folder, named after it")
    command.add_argument(
        "--default", action="store_true", help="with --bundle: the default model from now on"
    )


def _add_ensemble(into) -> None:
    command = _add(into, "ensemble", "make one model of several: their mean", commands.ensemble)
    command.add_argument("members", nargs="+", metavar="MODEL", help=MODEL_HELP)
    command.add_argument("--title", help="default: the name")
    _where(command)


def _where(command: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--install", metavar="NAME", help="for the app and command line of this user"
    )
    where.add_argument("--bundle", metavar="NAME", help="into the project, to be committed")
    return where


def _add_measuring_commands(into) -> None:
    _add_calibrate(into)
    _add_evaluate(into)
    command = _add(into, "compare", "print several evaluations as one table", commands.compare)
    command.add_argument("metrics", type=Path, nargs="+", help="metrics.json of evaluations")
    _add_leak_pair(into)
    _add_score(into)
    _add(into, "readme", "renew the tables of the README from the cards", commands.readme)


def _add_calibrate(into) -> None:
    command = _add(into, "calibrate", "fit into a model's card how to read it", commands.calibrate)
    command.add_argument("--model", required=True, help=MODEL_HELP)
    _data(command)
    _images(command)
    _unseen(command)
    _skip_broken(command)
    group = command.add_argument_group("novelty", "default: as the model has it, or 32 and lengths")
    group.add_argument(
        "--directions", type=_count, metavar="N", help="that training features are to fill"
    )
    group.add_argument(
        "--unit", action=argparse.BooleanOptionalAction, help="leave out the lengths of features"
    )


def _add_evaluate(into) -> None:
    command = _add(into, "evaluate", "measure a served model", commands.evaluate)
    command.add_argument("--model", required=True, help=MODEL_HELP)
    _data(command)
    command.add_argument(
        "--images",
        type=Path,
        help="list of images, with or without a column part; default: the development list if "
        "the folder holds its photos, else every photo of a lesion the model was not trained on",
    )
    command.add_argument("--part", choices=splits.PARTS, default=splits.HELD_OUT)
    _unseen(command)
    command.add_argument(
        "--resolution", type=_count, metavar="PX", help="bring photos to this first"
    )
    _skip_broken(command)
    command.add_argument("--tta", action="store_true", help="mean of eight flips and quarter turns")
    command.add_argument("--out", type=Path, required=True, help="folder for the results")
    command.add_argument("--write-card", action="store_true", help="put the measures into the card")


def _add_leak_pair(into) -> None:
    command = _add(
        into, "leak-pair", "keep two evaluations, with and without the leak", commands.leak_pair
    )
    for name, kind in (("by-image", "reference"), ("by-lesion", "lesion")):
        command.add_argument(
            f"--{name}",
            type=Path,
            nargs=2,
            required=True,
            metavar=("RESULTS", "LISTS"),
            help=f"folders of an evaluation and of its lists, split with --protocol {kind}",
        )
    command.add_argument("--recipe", required=True, help="name of the recipe that both were")


def _add_score(into) -> None:
    command = _add(into, "score", "score a folder of photos into Parquet", scoring.command)
    command.add_argument("--photos", type=Path, required=True, help="folder of photos")
    command.add_argument("--out", type=Path, required=True, help="folder of rows, DIR.parquet")
    command.add_argument("--engine", choices=("local", "ray"), default="local")
    command.add_argument("--model", help=f"{MODEL_HELP}; default: the app's")
    command.add_argument("--tta", action="store_true", help="mean of eight flips and quarter turns")
    command.add_argument(
        "--no-outline", action="store_true", help="all checks, but no outlines traced and measured"
    )
    command.add_argument(
        "--part", type=_count, default=1024, metavar="N", help="photos in one Parquet file"
    )


if __name__ == "__main__":
    sys.exit(main())
