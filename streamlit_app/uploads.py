"""What happens to uploaded bytes before a page sees them: all in memory, and within a limit."""

import os
from collections import Counter
from collections.abc import Callable

import streamlit as st
from starlette.formparsers import MultiPartParser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

# Above the server's limit of 200 MB, so that no upload ever reaches it.
SPOOL_BYTES = 256 * 2**20
UPLOADS = "/_stcore/upload_file/"
# A full batch, the photo of the Analyze page and the one that it is compared with. Browsers take
# back what they replace; what does not could fill the memory.
SESSION_BYTES = 256 * 2**20
SERVER_MEGABYTES = "LESIONLENS_UPLOADS_MEGABYTES"
SEEN = "uploads_seen"  # ids of the uploads that the last run of a page named


def _server_bytes() -> int:
    given = os.environ.get(SERVER_MEGABYTES, "1024")
    if not given.isdecimal() or int(given) < 1:
        raise SystemExit(f"{SERVER_MEGABYTES} must be a whole number from 1 on, got {given!r}.")
    return int(given) * 2**20


SERVER_BYTES = _server_bytes()


def keep_uploads_in_memory() -> None:
    """Nothing; makes the server hold uploads in memory.

    Starlette spools files over 1 MB to an unlinked temporary file; photos shall not touch the disk.
    """
    MultiPartParser.spool_max_size = SPOOL_BYTES


def forget_replaced() -> None:
    """Nothing; lets go of this visitor's uploads that no uploader on the page names any more.

    A browser takes back what is replaced or removed, but not what was in an uploader that went away
    with its page. Called when a page is drawn. What has just come and no run has seen yet stays.
    """
    if not exists():
        return  # a test without a server
    values = [value for name in st.session_state for value in _listed(st.session_state[name])]
    live = {value.file_id for value in values if isinstance(value, UploadedFile)}
    session = get_script_run_ctx().session_id
    for file_id in st.session_state.get(SEEN, set()) - live:
        get_instance().uploaded_file_mgr.remove_file(session, file_id)
    st.session_state[SEEN] = live


def visitor_present() -> Callable[[], bool]:
    """What tells, from any thread, whether the tab of this run is still connected."""
    if not exists():
        return lambda: True  # a test without a server
    runtime, session = get_instance(), get_script_run_ctx().session_id
    return lambda: runtime.is_active_session(session)


def _listed(value: object) -> list:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


class UploadLimit:
    """An ASGI layer that refuses uploads beyond `SESSION_BYTES` or `SERVER_BYTES` (507).

    What is under way counts as well, so an upload has to say how long it is (411).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._coming: Counter[str] = Counter()  # bytes under way, by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "PUT" or UPLOADS not in path:
            await self._app(scope, receive, send)
            return
        session, length = path.split(UPLOADS)[1].split("/")[0], _length(scope)
        if length is None:
            await PlainTextResponse("An upload must say its length.", 411)(scope, receive, send)
            return
        if not self._has_room(session, length):
            told = "The server holds as many uploads as it can. Remove some, or try later."
            await PlainTextResponse(told, 507)(scope, receive, send)
            return
        self._coming[session] += length
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming[session] -= length
            self._coming += Counter()  # drops sessions that have nothing under way

    def _has_room(self, session: str, length: int) -> bool:
        """Whether so many more bytes of a session may be held."""
        held = self._coming.copy()
        for name, files in list(get_instance().uploaded_file_mgr.file_storage.items()):
            held[name] += sum(len(file.data) for file in list(files.values()))
        return held[session] + length <= SESSION_BYTES and held.total() + length <= SERVER_BYTES


def _length(scope: Scope) -> int | None:
    text = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if text.isdigit() else None
