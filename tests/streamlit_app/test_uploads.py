"""Uploads are held in memory within limits, and let go of when no page names them any more."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from benchmarks.streamlit_client import Visitor
from streamlit_app import uploads
from streamlit_app.local_server import ROOT, SAMPLES, running
from streamlit_app.uploads import UploadLimit

MB = 2**20


@pytest.fixture
def held(monkeypatch):
    """The sizes of what is held, by session, as the server's manager of uploads keeps it."""
    sizes: dict[str, list[int]] = {}

    class Manager:
        @property
        def file_storage(self):
            return {
                session: {str(n): SimpleNamespace(data=range(size)) for n, size in enumerate(given)}
                for session, given in sizes.items()
            }

    runtime = SimpleNamespace(uploaded_file_mgr=Manager())
    monkeypatch.setattr(uploads, "get_instance", lambda: runtime)
    return sizes


def statuses(*requests, meanwhile=lambda: None):
    """The status of each PUT (session, length or None), all of them under way at once."""
    told = []

    async def app(scope, receive, send):
        meanwhile()
        await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def put(limit, session, length):
        headers = [] if length is None else [(b"content-length", str(length).encode())]
        path = f"{uploads.UPLOADS}{session}/file"
        scope = {"type": "http", "method": "PUT", "path": path, "headers": headers}
        seen = []

        async def send(message):
            seen.append(message.get("status"))

        await limit(scope, None, send)
        told.append(seen[0])

    async def all_at_once():
        limit = UploadLimit(app)
        await asyncio.gather(*(put(limit, *request) for request in requests))
        assert not limit._coming

    # In a thread of its own: where browser tests ran before, this one has a loop running.
    with ThreadPoolExecutor(1) as other:
        other.submit(asyncio.run, all_at_once()).result()
    return sorted(told)


def test_a_visitor_and_the_server_have_a_limit(held):
    held["a"] = [200 * MB, 50 * MB]
    assert statuses(("a", 5 * MB)) == [204]
    assert statuses(("a", 7 * MB)) == [507]
    assert statuses(("b", 200 * MB)) == [204]
    held.update({str(other): [200 * MB] for other in range(3)})
    assert statuses(("b", 200 * MB)) == [507]


def test_what_is_under_way_counts_and_has_to_say_its_length(held):
    assert statuses(("a", 150 * MB), ("a", 150 * MB), ("b", 150 * MB)) == [204, 204, 507]
    assert statuses(("a", None)) == [411]


@pytest.mark.parametrize("camera", [False, True])
def test_a_server_lets_go_of_what_no_page_names(tmp_path, camera):
    photo = (SAMPLES / "vessels.jpg").read_bytes() + bytes(3 * 2**18)
    with running(tmp_path, LESIONLENS_UPLOADS_MEGABYTES="2") as (_, url):
        visitor = Visitor(url, takes_back=False, camera=camera)
        for number in range(5):  # of 2 MB the last one and the next one fit, not three
            assert visitor.analyse(f"{number}.jpg", photo).record
        visitor.close()


def test_a_limit_that_is_no_number_is_told():
    settings = {**os.environ, "LESIONLENS_UPLOADS_MEGABYTES": "1GB"}
    command = [sys.executable, "-c", "import streamlit_app.uploads"]
    options = {"cwd": ROOT, "env": settings, "capture_output": True, "text": True}
    done = subprocess.run(command, check=False, **options)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("must be a whole number from 1 on, got '1GB'.")
