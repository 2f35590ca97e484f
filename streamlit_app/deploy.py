"""Puts the app into a Hugging Face Space: python -m streamlit_app.deploy --space USER/NAME

By default nothing is sent: the files that would be are printed with their sizes. `--send` creates
the Space if it is not there and uploads them, with the token that `hf auth login` keeps.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What the image is built from (the Dockerfile copies nothing else), and what the README shows and
# links to.
SENT = (
    "README.md",
    "LICENSE",
    "CITATION.cff",
    "Dockerfile",
    ".dockerignore",
    ".streamlit/config.toml",
    "pyproject.toml",
    "requirements*.txt",
    "requirements*.lock",
    "model_zoo/**/*",
    "streamlit_app/**/*",  # the demo among it, which the README shows
    "docs/*",
    "CONTRIBUTING.md",
)
LEFT = ("__pycache__", ".pyc")
# A Space shows the app in a frame of another site, where a browser does not send the cookie that
# the protection needs, so every upload would be refused. Set in the Space alone.
VARIABLE, VALUE = "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION", "false"


def main(arguments: list[str] | None = None) -> int:
    """0 when the files were printed, or sent; 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m streamlit_app.deploy", description=__doc__)
    parser.add_argument("--space", required=True, metavar="USER/NAME")
    parser.add_argument("--send", action="store_true", help="upload, instead of only printing")
    parser.add_argument("--private", action="store_true", help="for a new Space")
    options = parser.parse_args(arguments)
    if options.space.count("/") != 1 or not all(options.space.split("/")):
        print(f"Expected --space USER/NAME, got {options.space}.", file=sys.stderr)
        return 1
    files = files_to_send()
    for file in files:
        print(f"{(ROOT / file).stat().st_size:>12,}  {file}")
    total = sum((ROOT / file).stat().st_size for file in files)
    print(f"{total:>12,}  in {len(files)} files for the Space {options.space}")
    if not options.send:
        print("Nothing was sent. Add --send to upload them.")
        return 0
    return _send(options.space, files, private=options.private)


def files_to_send() -> list[str]:
    """The files of the app, as paths relative to the project, in order."""
    found = {
        path.relative_to(ROOT).as_posix()
        for pattern in SENT
        for path in ROOT.glob(pattern)
        if path.is_file() and not any(mark in path.as_posix() for mark in LEFT)
    }
    return sorted(found)


def _send(space: str, files: list[str], *, private: bool) -> int:
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
    except ImportError:
        print("This needs huggingface_hub: pip install huggingface_hub", file=sys.stderr)
        return 1
    hub = HfApi()
    try:
        hub.create_repo(
            space,
            repo_type="space",
            space_sdk="docker",
            private=private,
            exist_ok=True,
        )
        # Not with the creation, which leaves a Space that is there already as it is.
        hub.add_space_variable(space, VARIABLE, VALUE)
        # The hub stores large files itself; files that are no longer part of the app go.
        done = hub.upload_folder(
            repo_id=space,
            repo_type="space",
            folder_path=ROOT,
            allow_patterns=files,
            delete_patterns="*",
            commit_message="LesionLens",
        )
    except (HfHubHTTPError, LocalTokenNotFoundError, OSError) as fault:
        first = (str(fault).strip() or type(fault).__name__).splitlines()[0]
        print(f"The Space {space} could not be written: {first}", file=sys.stderr)
        print("Log in with `hf auth login`, and give a Space that is yours.", file=sys.stderr)
        return 1
    print(f"Sent: {getattr(done, 'commit_url', space)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
