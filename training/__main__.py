"""The command line of training: python -m training COMMAND --help."""

import argparse
import os
import sys
from pathlib import Path

from model_zoo.errors import ZooError
from training import isic2019, splits
from training.recipe import read_recipe


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

    command = commands.add_parser("fit", help="train a recipe")
    command.add_argument("--recipe", required=True, help="name in training/recipes, or a TOML file")
    command.add_argument("--data", type=Path, required=True, help="folder in the ISIC 2019 layout")
    command.add_argument("--out", type=Path, required=True, help="folder of the run")
    command.add_argument("--weights", help="instead of the recipe's: imagenet, none or an .npz file")
    command.add_argument("--images", type=Path, default=splits.DEV_LIST, help="split list (CSV)")
    command.add_argument("--limit", type=int, help="only this many photos of each part, to try out")
    command.add_argument("--resume", action="store_true", help="go on with the run in --out")
    command.add_argument("--skip-broken", action="store_true", help="leave unreadable photos out")
    command.set_defaults(run=_fit)
    return parser


def _check(options: argparse.Namespace) -> int:
    print(isic2019.check(options.data, skip_missing=True))
    return 0


def _fit(options: argparse.Namespace) -> int:
    # oneDNN may round the inputs of float32 convolutions to bfloat16: about a third faster on a
    # processor that has it, with sums still in float32. Set before TensorFlow loads.
    os.environ.setdefault("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    from training.fit import Data, fit

    recipe = read_recipe(options.recipe, weights=options.weights)
    rows = splits.read_list(options.images)
    present = {case.image for case in isic2019.check(options.data, skip_missing=True).cases}
    splits.require(rows, present, options.images)
    data = Data(
        options.data,
        splits.part_of(rows, splits.TRAIN, options.limit),
        splits.part_of(rows, splits.VALIDATION, options.limit),
        options.skip_broken,
    )
    fit(recipe, data, options.out, resume=options.resume)
    return 0


if __name__ == "__main__":
    sys.exit(main())
