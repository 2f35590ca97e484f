"""Runs in processes of their own: every installed backend of Keras, and a run that is killed."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
BACKENDS = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]


@pytest.fixture
def folder(small_isic, data):
    (small_isic / "list.csv").write_text(data.images.read_text())
    return small_isic


def begin(folder, out, epochs, *flags, backend="tensorflow"):
    command = [sys.executable, HERE / "tiny_run.py", folder, out, epochs, *flags]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(HERE.parents[1])}
    return subprocess.Popen(
        [str(part) for part in command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def history(process) -> list[dict]:
    out, err = process.communicate()
    assert process.returncode == 0, err[-2000:]
    told = next(line for line in out.splitlines() if line.startswith("HISTORY"))
    return json.loads(told.removeprefix("HISTORY"))


@pytest.mark.skipif(len(BACKENDS) < 2, reason="only one backend of Keras is installed")
def test_the_first_step_is_the_same_on_every_backend(folder, tmp_path):
    runs = {name: begin(folder, tmp_path / name, 1, backend=name) for name in BACKENDS}
    ends = {name: history(process)[0] for name, process in runs.items()}
    for name, end in ends.items():
        assert end["loss"] == pytest.approx(ends["tensorflow"]["loss"], abs=1e-3), name
        assert end["val_loss"] == pytest.approx(ends["tensorflow"]["val_loss"], abs=1e-3), name


def test_a_killed_run_ends_where_the_uninterrupted_one_does(folder, tmp_path):
    whole = begin(folder, tmp_path / "whole", 3, "--random")
    cut = begin(folder, tmp_path / "cut", 3, "--random", "--hang")
    assert any(line.startswith("HANGING") for line in cut.stdout)
    cut.send_signal(signal.SIGKILL)
    cut.communicate()
    assert cut.returncode == -signal.SIGKILL
    again = history(begin(folder, tmp_path / "cut", 3, "--random", "--resume"))
    for one, other in zip(history(whole), again, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], abs=1e-4)
        assert other["val_loss"] == pytest.approx(one["val_loss"], abs=1e-4)
