"""A file on the disk against the size and the hash that were published."""

import os
from pathlib import Path

import pytest

from model_zoo import store
from model_zoo.errors import BadModel
from model_zoo.store import sha256_of, verify

from .downloads import MODEL, OTHER, SHA256


def test_sha256_is_the_published_one_of_abc(tmp_path: Path) -> None:
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert sha256_of(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_verify_accepts_the_right_file(tmp_path: Path) -> None:
    file = tmp_path / "m.keras"
    file.write_bytes(MODEL)
    verify(file, SHA256, len(MODEL))
    verify(file, SHA256.upper(), len(MODEL))


def test_verify_refuses_another_size_and_another_content(tmp_path: Path) -> None:
    file = tmp_path / "m.keras"
    file.write_bytes(OTHER)
    with pytest.raises(BadModel, match=f"{len(OTHER)} bytes; {len(OTHER) + 1} were") as caught:
        verify(file, SHA256, len(OTHER) + 1)
    assert caught.value.code == "wrong_size"
    with pytest.raises(BadModel, match=SHA256[:12]) as caught:
        verify(file, SHA256, len(OTHER))
    assert caught.value.code == "wrong_hash"


def test_verify_reads_a_file_again_only_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "m.keras"
    file.write_bytes(MODEL)
    read = []

    def counted(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr(store, "sha256_of", counted)
    verify(file, SHA256, len(MODEL))
    verify(file, SHA256, len(MODEL))
    assert len(read) == 1
    file.write_bytes(OTHER)
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    with pytest.raises(BadModel):
        verify(file, SHA256, len(MODEL))
    assert len(read) == 2
