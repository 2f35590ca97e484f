"""Runs the app as it is deployed, on loopback, for tests that need the real server."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "streamlit_app" / "samples"


@contextlib.contextmanager
def running(
    folder: Path, before: tuple[str, ...] = (), **settings: str
) -> Iterator[tuple[subprocess.Popen, str]]:
    """A server and its address; `server.log` in the folder holds what it says.

    before: a command that runs it, such as strace. settings: environment variables.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*before, sys.executable, "-m", "streamlit_app.server"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = {**os.environ, "LESIONLENS_CACHE": str(folder / "cache"), **settings}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, folder)
        yield server, url
    finally:
        with contextlib.suppress(ProcessLookupError):  # the whole group, strace's child included
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def _wait_for(url: str, folder: Path) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError((folder / "server.log").read_text())
