"""The app as it is deployed: python -m streamlit_app.server

Beside what `streamlit run streamlit_app/app.py` gives: headers on every answer, the default model
read before the first visitor comes, one line of log at the start, and one for every fault of a
page. Takes the options and environment variables of `streamlit run`.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.cli import main

from model_zoo.errors import ZooError
from streamlit_app.components.weights import LOCAL_PATHS
from streamlit_app.content import text
from streamlit_app.log import log, log_fault
from streamlit_app.startup import started
from streamlit_app.uploads import keep_uploads_in_memory

# Sites that may show the app in a frame, by spaces; Hugging Face shows a Space in one.
FRAMES = os.environ.get("LESIONLENS_FRAME_ANCESTORS", "'self' https://huggingface.co")
# No script policy: Streamlit's own pages start from an inline script, and Plotly compiles code.
HEADERS = {
    "Content-Security-Policy": f"frame-ancestors {FRAMES}; object-src 'none'; base-uri 'self'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Headers:
    """An ASGI layer that adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Nothing; makes the server ready before its first visitor."""
    keep_uploads_in_memory()
    os.environ.setdefault(LOCAL_PATHS, "0")
    try:
        started()
    except ZooError as fault:  # the pages say it too; a server that answers is easier to mend
        log("start", code=fault.code)
    yield


def on_fault(fault: Exception) -> bool:
    """True; a page that failed is logged by kind and place, and the visitor reads a sentence."""
    log_fault(fault)
    st.error(text("app.fault"), icon=":material/error:")
    return True


app = st.App(
    Path(__file__).with_name("app.py"),
    lifespan=lifespan,
    middleware=[Middleware(Headers)],
    on_script_error=on_fault,
)

if __name__ == "__main__":
    # Not `app.run()`, which takes no settings from the environment.
    main(["run", __file__, *sys.argv[1:]], prog_name="streamlit")
