"""What goes wrong around the server: the next start works by itself."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from benchmarks.streamlit_client import Visitor
from streamlit_app.local_server import SAMPLES, running

pytestmark = pytest.mark.slow

PHOTO = (SAMPLES / "vessels.jpg").read_bytes()


def test_a_server_killed_in_the_middle_of_an_analysis_starts_again(tmp_path):
    with running(tmp_path) as (server, url):
        visitor = Visitor(url)
        lost = []

        def ask():
            try:
                for _ in range(1000):
                    visitor.analyse("vessels.jpg", PHOTO)
                    visitor.analyse("other.jpg", PHOTO + b"x")
            except Exception as fault:
                lost.append(fault)

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.6)
        server.send_signal(signal.SIGKILL)
        asking.join(60)
        assert lost, "the visitor never noticed: the server was not killed while it was asked"
        visitor.close()
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "server.log"]
    assert not left
    with running(tmp_path) as (_, url):
        again = Visitor(url)
        assert again.analyse("vessels.jpg", PHOTO).record["file"] == "vessels.jpg"
        again.close()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a file system")
def test_a_full_disk_stops_no_analysis(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        filler = subprocess.run(["dd", "if=/dev/zero", f"of={disk}/filler"], check=False)
        assert filler.returncode, "the disk is not full"
        settings = {"LESIONLENS_CACHE": str(disk), "TMPDIR": str(disk), "HOME": str(disk)}
        with running(tmp_path, **settings) as (_, url):
            visitor = Visitor(url)
            assert visitor.analyse("vessels.jpg", PHOTO).record["file"] == "vessels.jpg"
            visitor.close()
    finally:
        # Lazily: a server that has not quite ended must not hide what failed.
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
@pytest.mark.parametrize("date", ["2001-01-01 00:00:00", "2037-12-31 00:00:00"])
def test_a_clock_that_is_wrong_by_decades(tmp_path, date):
    with running(tmp_path, before=("faketime", date)) as (_, url):
        visitor = Visitor(url)
        assert visitor.analyse("vessels.jpg", PHOTO).record["file"] == "vessels.jpg"
        visitor.close()
    assert date[:4] in (tmp_path / "server.log").read_text()
