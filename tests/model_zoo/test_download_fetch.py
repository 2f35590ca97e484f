"""A download that goes well."""

import gzip
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import download
from model_zoo.download import fetch
from model_zoo.errors import BadDownload
from model_zoo.store import Source

from .downloads import MODEL, SHA256, Handler, answer, left_over

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.mark.parametrize("announced", [True, False])
def test_fetch_brings_the_file_and_reports_progress(
    server: SimpleNamespace, target: Path, announced: bool
) -> None:
    server.answers["/m"] = answer(MODEL, length=-1 if announced else None)
    seen = []
    found = fetch(
        Source(server.address + "/m", len(MODEL), SHA256.upper()),
        target,
        lambda done, total: seen.append((done, total)),
    )
    assert found == SHA256
    assert target.read_bytes() == MODEL
    assert left_over(target) == []
    done, totals = [step[0] for step in seen], {step[1] for step in seen}
    assert done == sorted(done)
    assert done[-1] == len(MODEL)
    assert len(done) >= 3
    assert totals == {len(MODEL) if announced else None}


def test_fetch_follows_a_redirect(server: SimpleNamespace, target: Path) -> None:
    server.answers["/old"] = answer(b"", 302, headers={"Location": "/new"})
    server.answers["/new"] = answer(MODEL)
    assert fetch(Source(server.address + "/old"), target) == SHA256
    assert target.read_bytes() == MODEL


def test_fetch_replaces_an_old_file_but_keeps_it_on_failure(
    server: SimpleNamespace, target: Path
) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    server.answers["/m"] = answer(b"", 404)
    with pytest.raises(BadDownload):
        fetch(Source(server.address + "/m"), target)
    assert target.read_bytes() == b"old"
    server.answers["/m"] = answer(MODEL)
    fetch(Source(server.address + "/m"), target)
    assert target.read_bytes() == MODEL


def test_an_answer_that_comes_packed_is_unpacked(server: SimpleNamespace, target: Path) -> None:
    encodings = []

    def packed(handler: Handler) -> None:
        encodings.append(handler.headers["Accept-Encoding"])
        answer(gzip.compress(MODEL), headers={"Content-Encoding": "gzip"})(handler)

    server.answers["/m"] = packed
    totals = set()
    fetch(Source(server.address + "/m"), target, lambda _, total: totals.add(total))
    assert target.read_bytes() == MODEL
    assert totals == {None}
    assert encodings == ["identity"]


@pytest.mark.parametrize(
    ("module", "late"),
    [("model_zoo.store", {"gdown", "requests", "filelock"}), ("model_zoo.download", {"gdown"})],
)
def test_what_downloads_is_imported_late(module: str, late: set[str]) -> None:
    code = f"import sys, {module}; sys.exit(bool({late} & set(sys.modules)))"
    root = Path(download.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
