"""An upload never reaches a disk: the server's own calls to the system are traced while one comes.

Watching folders would miss a file that is unlinked as soon as it is opened, as spooling does it.
"""

import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from benchmarks.streamlit_client import Visitor
from streamlit_app.local_server import running

CALLS = (
    "open,openat,openat2,creat,memfd_create,mmap,write,pwrite64,writev,pwritev,pwritev2,"
    "sendfile,splice,copy_file_range,io_uring_setup"
)
# The call itself, whether its line ends with the result or with "<unfinished ...>".
WRITE = re.compile(r"(?:p?writev?2?|pwrite64)\(\d+<(?P<file>[^>]*)>")
LENGTH = re.compile(r", (\d+)(?:\) +=| <unfinished)")
OPENED = re.compile(r'(?:open|openat|openat2|creat)\(.*?"(?P<file>[^"]*)", (?P<flags>[A-Z_|]+)')
# What no disk stands behind: sockets, pipes, devices, kernel files.
NO_DISK = ("socket:", "pipe:", "anon_inode:", "/dev/null", "/proc/", "/sys/", "TCP", "UNIX")


@pytest.fixture
def traced(tmp_path):
    """The address of a server that runs under strace, and the file of the trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    tracer = ("strace", "-f", "-y", "-s", "16", "-e", f"trace={CALLS}", "-o", str(trace))
    with running(tmp_path, before=tracer) as (_, url):
        yield url, trace


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
    written = on_disk(during)
    # The one file that is written to: the log, a line that holds no name and no content.
    logged = [line for line in written if "/server.log>" in line]
    assert sum(int(LENGTH.search(line)[1]) for line in logged) < 1000
    assert logged, "strace saw not even the log: the test would pass whatever the server did"
    assert written == logged


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
