"""The app as a process of its own on loopback: for the demo, benchmarks and tests."""

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

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "streamlit_app" / "samples"
DEPLOYED = ("-m", "streamlit_app.server")
PLAIN = ("-m", "streamlit", "run", "streamlit_app/app.py")  # the README's own command


@contextlib.contextmanager
def running(
    folder: Path,
    before: tuple[str, ...] = (),
    command: tuple[str, ...] = DEPLOYED,
    **settings: str,
) -> Iterator[tuple[subprocess.Popen, str]]:
    """A server and its address; `server.log` in the folder holds what it says.

    before: what runs it, such as strace. command: of Python. settings: environment variables.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--server.port", str(port), "--server.address", "127.0.0.1")
    environment = {**os.environ, "LESIONLENS_CACHE": str(folder / "cache"), **settings}
    environment.pop("LESIONLENS_MODEL", None)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*before, sys.executable, *command, *options],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(url, server)
        except TimeoutError as fault:
            raise TimeoutError((folder / "server.log").read_text()) from fault
        yield server, url
    finally:
        with contextlib.suppress(ProcessLookupError):  # the whole group, strace's child included
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def wait_for(url: str, server: subprocess.Popen | None = None) -> None:
    """Nothing, once a server answers there.

    Raises `TimeoutError` after about three minutes, or once the server, if given, has ended.
    """
    for _ in range(720):
        if server is not None and server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(f"Expected the app at {url} within three minutes; nothing answered.")
