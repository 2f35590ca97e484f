"""Training in several processes: the same numbers as in one, and a clear end when one is gone."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model_zoo.errors import ZooError
from training import checkpoint, watch
from training.__main__ import main
from training.place import place_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed"),
]
HERE = Path(__file__).parent
RUNNING: list[subprocess.Popen] = []
EPOCHS = 5  # of six steps each


@pytest.fixture
def folder(small_isic, data):
    (small_isic / "list.csv").write_text(data.images.read_text())
    return small_isic


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    while RUNNING:
        RUNNING[-1].kill()
        RUNNING.pop().communicate()


def begin(*arguments):
    """Python in a process of its own, on the JAX backend."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(HERE.parents[1])}
    process = subprocess.Popen(
        [str(part) for part in command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    RUNNING.append(process)
    return process


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def begin_both(folder, out, *flags, hanging=(0, 1)):
    """A run in two processes, of which those that are named hang if the flags say so."""
    address = free_address()
    return [
        begin(
            *(HERE / "tiny_hosts.py", address, 2, process, folder, out, EPOCHS, "--random"),
            *(flags if process in hanging else ()),
        )
        for process in (0, 1)
    ]


def told(process):
    """What a run that came to its end says of its steps, and its history."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    lines = dict(line.split(" ", 1) for line in out.splitlines() if line[:5] in ("STEPS", "HISTO"))
    return json.loads(lines["STEPS"]), json.loads(lines["HISTORY"])


def kill_in_the_middle(processes, victim):
    """What the other process says when one is killed in the second epoch, and its exit status."""
    assert any(line.startswith("HANGING") for line in processes[victim].stdout)
    processes[victim].send_signal(signal.SIGKILL)
    processes[victim].communicate()
    other = processes[1 - victim]
    _, err = other.communicate(timeout=300)  # half a minute of silence, and what follows
    return err, other.returncode


def test_two_processes_train_as_one_does_also_after_one_was_killed(folder, tmp_path):
    alone = begin(HERE / "tiny_run.py", folder, tmp_path / "alone", EPOCHS, "--random")
    cut = begin_both(folder, tmp_path / "cut", "--hang")
    err, status = kill_in_the_middle(cut, victim=0)  # the one that the others meet at
    assert status == 1
    assert "another process of this run ended" in err
    assert "Traceback" not in err
    assert "Check failure" not in err
    again = begin_both(folder, tmp_path / "cut", "--resume")

    steps, history = told(alone)
    for process in again:
        resumed, whole = told(process)
        assert len(resumed) == 24
        assert resumed == pytest.approx(steps[6:], abs=1e-3)
        for one, other in zip(history, whole, strict=True):
            assert other["loss"] == pytest.approx(one["loss"], abs=1e-3)
            assert other["val_loss"] == pytest.approx(one["val_loss"], abs=1e-3)
    # Batch normalization saw whole batches: its statistics are those of one process.
    ends = [checkpoint.load_state(tmp_path / name / "run")[1] for name in ("alone", "cut")]
    for one, other in zip(*ends, strict=True):
        assert np.allclose(one, other, atol=1e-3)


def test_a_process_that_waits_for_a_killed_one_ends(folder, tmp_path):
    pair = begin_both(folder, tmp_path, "--hang", hanging=(1,))
    err, status = kill_in_the_middle(pair, victim=1)
    assert status == 1
    assert "another process of this run ended" in err
    assert "Traceback" not in err


def test_a_process_whose_others_do_not_come_ends(tmp_path):
    code = """if True:
        import sys
        from pathlib import Path
        from model_zoo.errors import ZooError
        from training import hosts, watch
        from training.place import Place

        hosts.JOIN_SECONDS = 1
        try:
            watch.run(Place(sys.argv[1], 2, 1), Path(sys.argv[2]), print)
        except ZooError as fault:
            sys.exit(str(fault))
    """
    _, err = (alone := begin("-c", code, free_address(), tmp_path)).communicate(timeout=300)
    assert alone.returncode == 1
    assert "Process 1 did not find the others" in err
    assert "Check failure" not in err
    assert "RegisterTask" in (tmp_path / "process_1.log").read_text()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("host:1", None, 0), "hosts_options"),
        (("host", 2, 0), "bad_address"),
        (("host:1", 2, 2), "bad_process"),
        (("host:1", 1, 0), "bad_process"),
    ],
)
def test_a_place_that_is_none_is_refused(given, code):
    with pytest.raises(ZooError) as fault:
        place_of(*given)
    assert fault.value.code == code


def test_other_backends_are_refused(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    arguments = ["fit", "--recipe", "mobilenetv2", "--data", "none", "--out", "none"]
    assert main([*arguments, "--coordinator", "h:1", "--processes", "2", "--process", "0"]) == 1
    assert "KERAS_BACKEND is tensorflow" in capsys.readouterr().err


def test_what_is_not_jaxs_is_passed_on_after_its_last_words(tmp_path, capsys):
    lines = [
        b"epoch 1\n",
        b"E1125 03:00:00.000001 7 coordination_service_agent.cc:500] Polling failed\n",
        b"Additional GRPC error information from remote target\n",
        b"Traceback (most recent call last):\n",
        b"ValueError: ours\n",
    ]
    words = watch._forward(iter(lines), tmp_path / "process_0.log")
    assert (
        capsys.readouterr().err == "epoch 1\nTraceback (most recent call last):\nValueError: ours\n"
    )
    assert words.encode() == lines[1] + lines[2]
    assert (tmp_path / "process_0.log").read_text() == words
