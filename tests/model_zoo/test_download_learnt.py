"""Hashes that nobody published are learnt at first use."""

import hashlib
import json
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import draft
from model_zoo.download import fetch
from model_zoo.store import Source, learnt_hashes

from .downloads import MODEL, OTHER, QUOTA_PAGE, SHA256, answer, failure

pytestmark = pytest.mark.usefixtures("surroundings")


def test_an_unpublished_hash_is_learnt_and_then_enforced(
    server: SimpleNamespace, target: Path, tmp_path: Path
) -> None:
    source = Source(server.address + "/m")
    server.answers["/m"] = answer(MODEL)
    fetch(source, target)
    assert json.loads((tmp_path / "cache" / "learnt_hashes.json").read_text()) == {
        source.url: SHA256
    }
    target.unlink()
    server.answers["/m"] = answer(OTHER)
    fault = failure(source, target)
    assert fault.code == "download_changed"
    assert SHA256[:12] in str(fault)
    assert "learnt_hashes.json" in str(fault)
    assert learnt_hashes() == {source.url: SHA256}
    server.answers["/m"] = answer(MODEL)
    assert fetch(source, target) == SHA256
    server.answers["/n"] = answer(OTHER)
    fetch(Source(server.address + "/n"), target)
    assert list(learnt_hashes()) == [source.url, server.address + "/n"]
    files = [file.name for file in (tmp_path / "cache").iterdir() if file.is_file()]
    assert files == ["learnt_hashes.json"]


def test_hashes_learnt_at_once_are_all_kept(
    server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)

    def read_together() -> dict[str, str]:
        learnt = learnt_hashes()
        with suppress(threading.BrokenBarrierError):
            together.wait(0.3)
        return learnt

    monkeypatch.setattr(draft, "learnt_hashes", read_together)
    urls = [f"{server.address}/{number}" for number in range(2)]
    threads = []
    for number, url in enumerate(urls):
        server.answers[f"/{number}"] = answer(MODEL)
        threads.append(threading.Thread(target=fetch, args=(Source(url), tmp_path / f"{number}")))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert learnt_hashes() == dict.fromkeys(urls, SHA256)


def test_a_published_hash_is_not_learnt_and_comes_first(
    server: SimpleNamespace, target: Path
) -> None:
    url = server.address + "/m"
    server.answers["/m"] = answer(OTHER)
    fetch(Source(url), target)
    server.answers["/m"] = answer(MODEL)
    assert fetch(Source(url, sha256=SHA256), target) == SHA256
    assert learnt_hashes()[url] == hashlib.sha256(OTHER).hexdigest()


def test_a_file_of_the_wrong_kind_is_not_learnt(server: SimpleNamespace, target: Path) -> None:
    server.answers["/m"] = answer(QUOTA_PAGE)
    failure(Source(server.address + "/m"), target)
    assert learnt_hashes() == {}


@pytest.mark.parametrize("text", ["{", "3", '["ab", 1]'])
def test_a_damaged_list_is_not_taken_for_an_empty_one(
    server: SimpleNamespace, target: Path, tmp_path: Path, text: str
) -> None:
    server.answers["/m"] = answer(MODEL)
    source, damaged = Source(server.address + "/m"), tmp_path / "cache" / "learnt_hashes.json"
    damaged.parent.mkdir()
    damaged.write_text(text)
    assert failure(source, target, kept=len(MODEL)).code == "bad_learnt"
    damaged.unlink()
    assert fetch(source, target) == SHA256
    assert server.asked == ["/m"]  # once: it had come
