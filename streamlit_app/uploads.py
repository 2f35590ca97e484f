"""What happens to uploaded bytes before a page sees them: all in memory, and within a limit."""

import os

from starlette.formparsers import MultiPartParser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import get_instance

# Above the server's limit of 200 MB, so that no upload ever reaches it.
SPOOL_BYTES = 256 * 2**20
UPLOADS = "/_stcore/upload_file/"
# A full batch, the photo of the Analyze page and the one that it is compared with. Browsers take
# back what they replace; what does not could fill the memory.
SESSION_BYTES = 256 * 2**20
SERVER_BYTES = int(os.environ.get("LESIONLENS_UPLOADS_MEGABYTES", "1024")) * 2**20


def keep_uploads_in_memory() -> None:
    """Nothing; makes the server hold uploads in memory.

    Starlette spools files over 1 MB to an unlinked temporary file; photos shall not touch the disk.
    """
    MultiPartParser.spool_max_size = SPOOL_BYTES


class UploadLimit:
    """An ASGI layer that refuses an upload beyond `SESSION_BYTES` or `SERVER_BYTES` (507).

    What is being sent at the same moment is not counted yet, nor is an upload that does not say how
    long it is; Streamlit's own limit of a single one holds for these.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "PUT" and UPLOADS in scope["path"]:
            session = scope["path"].split(UPLOADS)[1].split("/")[0]
            if not _has_room(session, _length(scope)):
                told = "The server holds as many uploads as it can. Remove some, or try later."
                await PlainTextResponse(told, status_code=507)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _length(scope: Scope) -> int:
    text = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if text.isdigit() else 0


def _has_room(session: str, length: int) -> bool:
    """Whether so many more bytes of a session may be held."""
    held = {
        name: sum(len(file.data) for file in list(files.values()))
        for name, files in list(get_instance().uploaded_file_mgr.file_storage.items())
    }
    within = held.get(session, 0) + length <= SESSION_BYTES
    return within and sum(held.values()) + length <= SERVER_BYTES
