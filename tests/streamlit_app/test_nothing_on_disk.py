"""An upload never reaches a disk: the server's own calls to the system are traced while one comes.

Watching folders would miss a file that is unlinked as soon as it is opened, as spooling does it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.streamlit_client import Visitor

ROOT = Path(__file__).parents[2]
CALLS = (
    "open,openat,openat2,creat,memfd_create,mmap,write,pwrite64,writev,pwritev,pwritev2,"
    "sendfile,splice,copy_file_range,io_uring_setup"
)
WRITE = re.compile(r"(?:p?writev?2?|pwrite64)\(\d+<(?P<file>[^>]*)>.* = (?P<bytes>\d+)$")
OPENED = re.compile(r'(?:open|openat|openat2|creat)\(.*?"(?P<file>[^"]*)", (?P<flags>[A-Z_|]+)')
# What no disk stands behind: sockets, pipes, devices, kernel files.
NO_DISK = ("socket:", "pipe:", "anon_inode:", "/dev/null", "/proc/", "/sys/", "TCP", "UNIX")


@pytest.fixture
def traced(tmp_path):
    """The address of a server that runs under strace, and the file of the trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-s", "16", "-e", f"trace={CALLS}", "-o", str(trace)]
    command += [sys.executable, "-m", "streamlit_app.server"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    nowhere = subprocess.DEVNULL
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=nowhere, stderr=nowhere, start_new_session=True
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
            break
        except OSError:
            time.sleep(0.5)
    yield url, trace
    os.killpg(server.pid, signal.SIGTERM)  # strace alone would leave its child
    server.wait(30)


def noisy_photo() -> bytes:
    """A photo of at least 20 MB, which no compression makes smaller."""
    rgb = np.random.default_rng(0).integers(0, 256, (2680, 2680, 3), dtype=np.uint8)
    data = cv2.imencode(".png", rgb)[1].tobytes()
    assert 20 * 2**20 <= len(data) <= 25 * 2**20
    return data


def test_an_upload_of_20_megabytes_is_written_nowhere(traced):
    url, trace = traced
    visitor = Visitor(url, patience=120)
    before = trace.stat().st_size
    told = visitor.analyse("noise.png", noisy_photo())
    assert told.record["file"] == "noise.png"
    visitor.close()
    with trace.open(encoding="utf-8", errors="replace") as lines:
        lines.seek(before)
        during = lines.readlines()
    received = sum("recv" in line or "write" in line for line in during)
    assert received, "strace saw nothing: the test would pass whatever the server did"
    assert not on_disk(during)


def on_disk(lines: list[str]) -> list[str]:
    """Each line of a trace in which something may have reached a disk."""
    found = []
    for line in lines:
        if wrote := WRITE.search(line):
            is_disk = not wrote["file"].startswith(NO_DISK)
        elif opened := OPENED.search(line):
            is_disk = bool(re.search("O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE", opened["flags"]))
            is_disk &= not opened["file"].startswith(NO_DISK)
        elif "mmap(" in line:
            is_disk = "MAP_SHARED" in line and "PROT_WRITE" in line and "</" in line
        else:
            is_disk = bool(
                re.search(r"(memfd_create|sendfile|copy_file_range|io_uring)\w*\(", line)
            )
        if is_disk:
            found.append(line.strip())
    return found


def test_the_trace_is_read_as_strace_writes_it(tmp_path):
    """What spooling does, in a process of its own, is found: the check can fail."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    spool = "import tempfile; f = tempfile.TemporaryFile(); f.write(b'x' * 99999); f.flush()"
    trace = tmp_path / "trace"
    subprocess.run(
        [
            "strace",
            "-f",
            "-y",
            "-e",
            f"trace={CALLS}",
            "-o",
            str(trace),
            sys.executable,
            "-c",
            spool,
        ],
        check=True,
    )
    found = on_disk(trace.read_text(errors="replace").splitlines())
    assert any("write(" in line for line in found)
    assert any("open" in line for line in found)
