"""The command line of the model zoo: python -m model_zoo COMMAND --help."""

import argparse
import json
import sys
from pathlib import Path

from model_zoo import NOTICE, registry
from model_zoo.card import INSIDE, SCALINGS
from model_zoo.errors import ZooError
from model_zoo.labels import BY_CODE, CODES
from model_zoo.trust import NOT_DERMOSCOPIC, NOVELTY, OK, POOR_QUALITY, UNCERTAIN

# What a status means for reading the answer.
SAID = {
    OK: "no check failed; the answer can still be wrong",
    UNCERTAIN: "UNCERTAIN: too many classes remain possible",
    POOR_QUALITY: "POOR PHOTO: a better one may have another answer",
    NOT_DERMOSCOPIC: "NOT DERMOSCOPIC: unlike the training photos, so the answer means nothing",
}

UNCHECKED = "; whether it is dermoscopy was not checked, since this model was never calibrated"
NO_LESION = "NO LESION: none is found in it, so the answer means nothing"


def main(arguments: list[str] | None = None) -> int:
    """The exit status of one command: 0, or 1 with a sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except ZooError as fault:
        print(fault, file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_zoo", description=NOTICE)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="the models, and whether their files are here")
    command.set_defaults(run=_list)

    command = commands.add_parser("verify", help="check every file of every model by sha256")
    command.set_defaults(run=_verify)

    command = commands.add_parser("seal", help="seal a card anew that was edited by hand")
    command.add_argument("card", type=Path, help="its .toml file")
    command.set_defaults(run=_seal)

    command = commands.add_parser("fetch", help="download the files of a model")
    command.add_argument("name")
    command.set_defaults(run=_fetch)

    command = commands.add_parser("compile", help="compile a .keras file for serving")
    command.add_argument("file", type=Path)
    command.add_argument("--out", type=Path, help="default: the same name with .tflite")
    command.add_argument("--precision", choices=("float32", "float16", "int8"), default="float32")
    command.add_argument("--scaling", choices=SCALINGS, default=INSIDE)
    command.set_defaults(run=_compile)

    command = commands.add_parser("index", help="make a folder of cases findable by similarity")
    command.add_argument("folder", type=Path, help="in the ISIC 2019 layout")
    command.add_argument("--model", help="a name from `list`, or what stands before its dot")
    command.set_defaults(run=_index)

    command = commands.add_parser("predict", help="probabilities of the classes for photos")
    command.add_argument("photos", type=Path, nargs="+", metavar="PHOTO_OR_FOLDER")
    command.add_argument(
        "--model",
        help="a name from `list`, or what stands before its dot; a .keras or .tflite file",
    )
    command.add_argument("--tta", action="store_true", help="mean of eight flips and quarter turns")
    command.add_argument(
        "--square",
        choices=("centre", "outline"),
        default="centre",
        help="which square the classifier sees; around the outline nothing was measured",
    )
    command.add_argument("--json", action="store_true", help="one JSON object a photo and line")
    command.add_argument("--heatmap", type=Path, help="PNG to write, for a single photo")
    command.add_argument("--label", choices=CODES, help="class of the heatmap; default: leading")
    command.set_defaults(run=_predict)
    return parser


def _list(_: argparse.Namespace) -> int:
    try:
        default = registry.default_card().name
    except ZooError:  # `problems` says why, below
        default = None
    for card in registry.cards().values():
        here = any((path := card.file(kind)) and path.is_file() for kind in ("served", "keras"))
        state = "ready" if here or not card.files else "to fetch"
        mark = "*" if card.name == default else " "
        print(f"{mark} {card.name:32} {state:9} {card.title}")
    for fault in registry.problems():
        print(fault, file=sys.stderr)
    print("* default model")
    return 0


def _verify(_: argparse.Namespace) -> int:
    from model_zoo.card import FETCHED
    from model_zoo.loading import verify_file

    faults = 0
    for card in registry.cards().values():
        for kind, entry in card.files.items():
            path = card.file(kind)
            if kind == FETCHED and not path.is_file() and card.source is not None:
                print(f"not here   {card.name} {entry.file} (fetched on request)")
                continue
            try:
                if not path.is_file():
                    raise ZooError("missing_file", path=entry.file)
                state = "verified  " if verify_file(card, kind) else "no hash   "
                print(f"{state} {card.name} {entry.file}")
            except ZooError as fault:
                faults += 1
                print(f"FAULTY     {card.name} {fault}")
    return 1 if faults else 0


def _seal(options: argparse.Namespace) -> int:
    from model_zoo.card import read_card
    from model_zoo.seal import sealed

    if not options.card.is_file():
        raise ZooError("missing_file", path=options.card)
    options.card.write_text(sealed(options.card.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"sealed     {read_card(options.card, options.card.parent).name}")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from model_zoo.download import fetch

    card = registry.find(options.name)
    if card.source is None:
        raise ZooError("no_source", name=card.name)
    target = card.file("keras")
    digest = fetch(card.source, target, _show_progress)
    print(f"\n{target}\nsha256 {digest}")
    return 0


def _show_progress(done: int, total: int | None) -> None:
    share = f"{100 * done / total:3.0f} %" if total else ""
    print(f"\r{done / 2**20:8.1f} MB {share}", end="", file=sys.stderr, flush=True)


def _compile(options: argparse.Namespace) -> int:
    from model_zoo.loading import check_compiler

    if not options.file.is_file():
        raise ZooError("missing_file", path=options.file)
    check_compiler(options.file.name)
    from model_zoo.compile import compile_file

    target = options.out or options.file.with_suffix(".tflite")
    scaling = None if options.scaling == INSIDE else options.scaling
    compile_file(options.file, target, precision=options.precision, scaling=scaling)
    print(f"{target} ({target.stat().st_size / 1e6:.1f} MB, {options.precision})")
    return 0


def _index(options: argparse.Namespace) -> int:
    from model_zoo import similar
    from model_zoo.classifier import Classifier

    def show(done: int, total: int) -> None:
        print(f"\r{done} of {total} photos", end="", file=sys.stderr, flush=True)

    count, broken = similar.build(Classifier.load(options.model), options.folder, show)
    print(f"\n{count} cases can be found; {len(broken)} photos could not be read {broken[:3]}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    from model_zoo.classifier import Classifier
    from model_zoo.predict import photos_in, score
    from model_zoo.segmentation import bundled_outliner

    single = len(options.photos) == 1 and not options.photos[0].is_dir()
    if options.heatmap and not (single and options.heatmap.suffix.lower() == ".png"):
        raise ZooError("heatmap_target")
    if options.heatmap and not options.heatmap.absolute().parent.is_dir():
        raise ZooError("missing_folder", path=options.heatmap.parent)
    sys.stdout.reconfigure(errors="replace")  # a pipe may know no bars
    classifier = Classifier.load(options.model, tta=options.tta, outliner=bundled_outliner())
    failed = done = 0
    zoomed = options.square == "outline"
    for scored in score(classifier, photos_in(options.photos), zoomed=zoomed):
        done += 1
        failed += scored.fault is not None
        if options.json:
            print(json.dumps(scored.record(NOTICE), ensure_ascii=False), flush=True)
        else:
            _print_readable(scored)
        if options.heatmap and scored.analysis is not None:
            _write_heatmap(scored, options.heatmap, options.label)
        if done % 100 == 0:
            print(f"\r{done} photos", end="", file=sys.stderr, flush=True)
    if not done:
        raise ZooError("no_photos", path=", ".join(map(str, options.photos)))
    if not options.json:
        print(NOTICE)
    return 1 if failed else 0


def _print_readable(scored) -> None:
    if scored.fault is not None:
        print(f"{scored.file}\n  {scored.fault}")
        return
    print(f"{scored.file}  ({scored.analysis.model})")
    failed = [code for code, check in scored.analysis.checks.items() if not check.ok]
    reasons = f" ({', '.join(failed)})" if failed else ""
    said = NO_LESION if scored.analysis.without_lesion else SAID[scored.analysis.status]
    unchecked = "" if NOVELTY in scored.analysis.checks else UNCHECKED
    print(f"  {said}{reasons}{unchecked}")
    if scored.analysis.prediction_set is not None and scored.analysis.readable:
        print(f"  still possible: {' '.join(scored.analysis.prediction_set)}")
    for code, probability in scored.analysis.ranked():
        bar = "█" * round(probability * 30)
        print(f"  {code:5}{BY_CODE[code].name:26}{probability:6.3f}  {bar}")
    _print_spread(scored.analysis)


def _print_spread(analysis) -> None:
    if analysis.spread is None:
        return
    low, high, agree = analysis.spread
    print(
        f"  {len(analysis.answers)} answers, of views and members, give {analysis.label} "
        f"{low:.3f} to {high:.3f}; it leads in {agree}"
    )


def _write_heatmap(scored, target: Path, label: str | None) -> None:
    from PIL import Image

    from model_zoo.images import decode_rgb
    from model_zoo.overlay import paint

    analysis = scored.analysis
    heatmap = analysis.heatmap(label or analysis.label)
    if heatmap is None:
        raise ZooError("no_heatmap")
    picture = paint(decode_rgb(scored.file.read_bytes()), analysis.box, heatmap, 0.6)
    described = Image.fromarray(picture)
    from PIL.PngImagePlugin import PngInfo

    about = PngInfo()
    about.add_itxt(
        "Description", f"Grad-CAM of {label or analysis.label}, {analysis.model}. {NOTICE}"
    )
    described.save(target, pnginfo=about)
    print(f"wrote {target}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
