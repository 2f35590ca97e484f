"""A download that goes well."""

import gzip
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import store
from model_zoo.errors import BadDownload
from model_zoo.store import Source, fetch

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
    assert len(done) > 3
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


def test_two_fetches_at_once_do_not_meet(server: SimpleNamespace, target: Path) -> None:
    together = threading.Barrier(2, timeout=5)

    def both_under_way(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(MODEL)))
        handler.end_headers()
        handler.wfile.write(MODEL[:600_000])
        handler.wfile.flush()
        together.wait()
        handler.wfile.write(MODEL[600_000:])

    server.answers["/m"] = both_under_way
    outcomes: list[object] = []

    def one() -> None:
        try:
            outcomes.append(fetch(Source(server.address + "/m"), target))
        except Exception as fault:
            outcomes.append(fault)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [SHA256, SHA256]
    assert target.read_bytes() == MODEL
    assert left_over(target) == []


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


def test_what_downloads_is_imported_late() -> None:
    code = "import sys, model_zoo.store; sys.exit(bool({'gdown', 'requests'} & set(sys.modules)))"
    root = Path(store.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
