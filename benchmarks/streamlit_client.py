"""A visitor without a browser: speaks the app's websocket protocol, as Streamlit's own page does.

The protocol is Streamlit's protocol buffers (streamlit/proto) over `/_stcore/stream`; uploads go by
PUT to the address that the server names, with the token against cross-site requests.
"""

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from urllib3.util import Retry
from websockets.sync.client import connect

XSRF = "_streamlit_xsrf"
AGREED = "lesionlens_notice=agreed"  # as a browser sends it that has acknowledged the notice
# The key of the choice where a photo comes from, and what it calls the camera.
SOURCE, CAMERA = "analyze_source", "Camera"
MOST_MESSAGE = 64 * 2**20


@dataclass(frozen=True)
class Told:
    """What a page showed after one run: the downloaded result, and sentences of warnings."""

    record: dict | None
    warnings: tuple[str, ...]
    seconds: float


class Visitor:
    """One browser tab on the Analyze page."""

    def __init__(
        self, url: str, patience: float = 60, *, takes_back: bool = True, camera: bool = False
    ) -> None:
        """url: of the app, such as http://127.0.0.1:8501; patience: seconds for any answer.

        takes_back: whether it lets go of a photo that is replaced, as browsers do. camera: whether
        its photos come from the camera.
        """
        self._takes_back, self._camera = takes_back, camera
        self._url = url.rstrip("/")
        self._patience = patience
        self._http = requests.Session()
        self._http.trust_env = False
        # A kept connection may be closed by the server just when it is used; browsers ask again.
        again = HTTPAdapter(max_retries=Retry(connect=1, read=1, allowed_methods=None))
        self._http.mount("http://", again)
        self.asked_again = 0
        self._http.get(f"{self._url}/_stcore/health", timeout=patience).raise_for_status()
        self._token = self._http.cookies[XSRF]
        self._open = ExitStack()
        opening = connect(
            f"ws://{urlsplit(self._url).netloc}/_stcore/stream",
            subprotocols=["streamlit", self._token],
            additional_headers={"Cookie": f"{XSRF}={self._token}; {AGREED}"},
            open_timeout=patience,
            max_size=MOST_MESSAGE,
            proxy=None,
        )
        self._socket = self._open.enter_context(opening)
        self._session = ""
        self._page = ""
        self._uploaded = ""
        self._elements: dict[tuple[int, ...], object] = {}
        self._rerun([])
        if camera:
            self._rerun([])  # now that it is known where to choose it

    def close(self) -> None:
        """Nothing; the tab is closed."""
        self._open.close()

    def analyse(self, name: str, data: bytes) -> Told:
        """What the page tells of a photo; seconds: from the upload to the end of the page's run."""
        began = time.perf_counter()
        message = BackMsg()
        message.file_urls_request.request_id = name
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self._session
        self._socket.send(message.SerializeToString())
        urls = self._until("file_urls_response").file_urls_response.file_urls[0]
        answer = self._http.put(
            self._url + urls.upload_url,
            files={"file": (name, data, "image/jpeg")},
            headers={"X-Xsrftoken": self._token},
            timeout=self._patience,
        )
        self._count(answer)
        if self._uploaded and self._takes_back:
            headers = {"X-Xsrftoken": self._token}
            address = self._url + self._uploaded
            self._count(self._http.delete(address, headers=headers, timeout=self._patience))
        self._uploaded = urls.delete_url
        info = UploadedFileInfo(name=name, size=len(data), file_id=urls.file_id, file_urls=urls)
        self._rerun([info])
        return Told(self._record(), self._warnings(), time.perf_counter() - began)

    def _count(self, answer: requests.Response) -> None:
        """Nothing; an answer that came at a second asking is counted. Raises `HTTPError`."""
        answer.raise_for_status()
        self.asked_again += len(answer.raw.retries.history)

    def _rerun(self, files: list[UploadedFileInfo]) -> None:
        message = BackMsg()
        client = message.rerun_script
        client.page_script_hash = self._page
        if self._camera:
            for choice in self._find("button_group"):
                if choice.id.endswith(SOURCE):
                    state = client.widget_states.widgets.add(id=choice.id)
                    state.string_array_value.data.append(CAMERA)
        if files:
            uploaders = self._find("camera_input" if self._camera else "file_uploader")
            if not uploaders:
                raise RuntimeError(f"The page shows no uploader. It says: {self._warnings()}")
            state = client.widget_states.widgets.add(id=uploaders[0].id)
            state.file_uploader_state_value.uploaded_file_info.extend(files)
        self._socket.send(message.SerializeToString())
        while True:  # a page may ask for another run of itself
            done = self._until("script_finished")
            if done.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return

    def _until(self, kind: str) -> ForwardMsg:
        while True:
            message = ForwardMsg()
            message.ParseFromString(self._socket.recv(self._patience))
            found = message.WhichOneof("type")
            if found == "new_session":
                self._session = message.new_session.initialize.session_id or self._session
                self._page = message.new_session.page_script_hash
                self._elements.clear()
            elif found == "delta" and message.delta.WhichOneof("type") == "new_element":
                place = tuple(message.metadata.delta_path)
                self._elements[place] = message.delta.new_element
            elif found == "ref_hash":
                raise RuntimeError("The server named a cached message to a client without a cache.")
            if found == kind:
                return message

    def _find(self, kind: str) -> list:
        return [
            getattr(element, kind)
            for element in self._elements.values()
            if element.WhichOneof("type") == kind
        ]

    def _record(self) -> dict | None:
        """The result as the page offers it for download; None where it offers none."""
        offers = [button.url for button in self._find("download_button") if button.url]
        offers = [url for url in offers if ".json" in url]
        if not offers:
            return None
        answer = self._http.get(self._url + offers[0], timeout=self._patience)
        self._count(answer)
        return json.loads(answer.content)

    def _warnings(self) -> tuple[str, ...]:
        return tuple(alert.body for alert in self._find("alert"))
